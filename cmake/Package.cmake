# A Debian package, with systemd units that are installed but not enabled:
#
#   cmake --build build/release --target deb        build/release/shoal_<version>_<architecture>.deb
#
# What belongs to a whole system only (component `system`) is left out by a plain `cmake --install`.
foreach(unit shoal-coordinator shoal-worker)
  install(FILES packaging/${unit}.service DESTINATION lib/systemd/system COMPONENT system EXCLUDE_FROM_ALL)
  install(FILES packaging/${unit}.default DESTINATION /etc/default RENAME ${unit} COMPONENT system EXCLUDE_FROM_ALL)
endforeach()
install(FILES README.md ARCHITECTURE.md CHANGELOG.md DESTINATION share/doc/shoal COMPONENT system EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL Unspecified system)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_PACKAGE_NAME shoal)
set(CPACK_PACKAGE_CONTACT "Shoal maintainers <shoal@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "laboratory for tiny language models")
set(CPACK_PACKAGE_DESCRIPTION "Trains, compares and talks to language models of some thousand to some hundred million
parameters, on one machine or on several: a command line, a coordinator that
remembers every run, and workers that other machines join with.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA packaging/postinst packaging/prerm packaging/postrm packaging/conffiles)
list(TRANSFORM CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA PREPEND "${CMAKE_SOURCE_DIR}/")
include(CPack)

# The programs, not the tests, are built for it.
add_custom_target(deb COMMAND "${CMAKE_CPACK_COMMAND}" --config "${CMAKE_BINARY_DIR}/CPackConfig.cmake"
                  WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" COMMENT "Debian package" VERBATIM USES_TERMINAL)
add_dependencies(deb programs)
