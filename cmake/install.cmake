# What is installed beside the programs, the ring library and the manual: documents, examples, the systemd unit, the Python
# module. Whole folders are taken, so that what comes into them later is installed too.
set(CAMPIPE_PYTHON_DIR "" CACHE STRING "Where campipe_ring.py goes, below the prefix (empty: where CAMPIPE_PYTHON looks)")
find_program(CAMPIPE_PYTHON python3 PATHS /usr/bin /bin NO_DEFAULT_PATH DOC "The Python that campipe_ring.py is for")
find_program(CAMPIPE_PYTHON python3)

file(GLOB documents CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/*.md ${CMAKE_SOURCE_DIR}/LICENSE)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)
install(FILES examples/systemd/camwatch.service DESTINATION lib/systemd/system)  # lib everywhere, not LIBDIR

install(CODE "
set(module \"${CMAKE_SOURCE_DIR}/python/campipe_ring.py\")
set(python \"$<$<BOOL:${CAMPIPE_PYTHON}>:${CAMPIPE_PYTHON}>\")
set(folder \"${CAMPIPE_PYTHON_DIR}\")" COMPONENT ring)
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/install-python-module.cmake COMPONENT ring)
