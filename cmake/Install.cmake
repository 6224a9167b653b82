# Data files of an installation; programs and backends install themselves (Targets.cmake). The build tree gets
# links at the same relative places, so that core/base/install_paths.h needs one rule for both.
foreach(folder recipes personas)
  if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/share/shoal")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${folder}" "${CMAKE_BINARY_DIR}/share/shoal/${folder}" SYMBOLIC)
    install(DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}/" DESTINATION share/shoal/${folder})
  endif()
endforeach()
