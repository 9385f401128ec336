# Run by `cmake --install`: puts ${module} where ${python} finds it under the prefix in use, which may be another one than
# that of the configuration. On Debian that is lib/python3/dist-packages under /usr and lib/python3.N/dist-packages under
# /usr/local; under a prefix that Python knows nothing of it is lib/python3/dist-packages, for PYTHONPATH.
if(NOT folder AND python)
  execute_process(COMMAND ${python} -c "
import pathlib, site, sys
prefix = pathlib.Path(sys.argv[1])
found = [pathlib.Path(folder).relative_to(prefix) for folder in site.getsitepackages() if folder.startswith(sys.argv[1] + '/lib')]
print(found[0] if found else '', end='')
" "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE folder)
endif()
if(NOT folder)
  set(folder lib/python3/dist-packages)
endif()
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/${folder}" TYPE FILE FILES "${module}")
