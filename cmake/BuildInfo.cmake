# Run at every build (cmake -P): writes OUT from IN when the commit changed, and only then.
set(SHOAL_COMMIT unknown)
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE_DIR}/.git")
  set(ENV{GIT_OPTIONAL_LOCKS} 0)
  execute_process(COMMAND "${GIT}" describe --always --dirty --abbrev=12 --exclude=*
                  WORKING_DIRECTORY "${SOURCE_DIR}" OUTPUT_VARIABLE described RESULT_VARIABLE failed
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed AND described)
    set(SHOAL_COMMIT "${described}")
  endif()
endif()
configure_file("${IN}" "${OUT}" @ONLY)  # leaves the file alone when nothing changed
