# Data files of an installation; programs and backends install themselves (Targets.cmake). The build tree gets
# links at the same relative places, so that core/base/install_paths.h needs one rule for both.
foreach(folder recipes personas)
  if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/shoal")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${folder}" "${CMAKE_BINARY_DIR}/share/shoal/${folder}" SYMBOLIC)
    install(DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}/" DESTINATION share/shoal/${folder})
  endif()
endforeach()

# What completes commands in a shell, as the built program prints it. Not where that program is another machine's.
if(TARGET shoal AND NOT CMAKE_CROSSCOMPILING AND NOT SHOAL_SANITIZE)
  set(SHOAL_COMPLETIONS bash:bash-completion/completions/shoal zsh:zsh/vendor-completions/_shoal
                        fish:fish/vendor_completions.d/shoal.fish)
  foreach(completion ${SHOAL_COMPLETIONS})
    string(REPLACE ":" ";" completion ${completion})
    list(GET completion 0 shell)
    list(GET completion 1 path)
    cmake_path(GET path PARENT_PATH folder)
    set(script "${CMAKE_BINARY_DIR}/share/${path}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/${folder}")
    add_custom_command(OUTPUT "${script}" COMMAND shoal completion ${shell} > "${script}" DEPENDS shoal
                       COMMENT "Completion for ${shell}" VERBATIM)
    list(APPEND completion_scripts "${script}")
    install(FILES "${script}" DESTINATION share/${folder})
  endforeach()
  add_custom_target(completions DEPENDS ${completion_scripts})
  add_dependencies(programs completions)
endif()
