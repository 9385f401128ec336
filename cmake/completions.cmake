# campipe_completions(TOOL): the completion of TOOL for bash, zsh and fish, printed by TOOL itself out of its option table
# into ${CMAKE_BINARY_DIR}/completions, and installed.
function(campipe_completions tool)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(STATUS "${tool}: no shell completion: it cannot be run here (CMAKE_CROSSCOMPILING_EMULATOR)")
    return()
  endif()
  set(scripts "")
  foreach(shell IN ITEMS bash zsh fish)
    set(script ${CMAKE_BINARY_DIR}/completions/${shell}/${tool})
    add_custom_command(OUTPUT ${script}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completions/${shell}
      COMMAND ${tool} --completion=${shell} > ${script}
      DEPENDS ${tool} VERBATIM)
    list(APPEND scripts ${script})
  endforeach()
  add_custom_target(completions_${tool} ALL DEPENDS ${scripts})
  install(FILES ${CMAKE_BINARY_DIR}/completions/bash/${tool}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${CMAKE_BINARY_DIR}/completions/zsh/${tool}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _${tool})
  install(FILES ${CMAKE_BINARY_DIR}/completions/fish/${tool}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME ${tool}.fish)
endfunction()
