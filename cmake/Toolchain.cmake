# Compiler, linker and output layout; the same for every target, so that precompiled headers can be shared.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Portable binaries: no -march=native, vector code is dispatched at run time. NDEBUG stays unset in our code's
# favour: invariants use SHOAL_CHECK, which is on in every build.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

# One code model everywhere (plugins need -fPIC): a precompiled header is refused when this differs.
add_compile_options(-fPIC)
# Paths in debug information and __FILE__ are relative to the repository root.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

if(SHOAL_SANITIZE)
  add_compile_options(-fsanitize=${SHOAL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SHOAL_SANITIZE})
endif()

# Warnings for our own code; the target functions apply them, generated code gets none.
set(SHOAL_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 reports these in std::string and std::optional code that is correct.
  list(APPEND SHOAL_WARNINGS -Wno-restrict -Wno-error=maybe-uninitialized -Wno-error=stringop-overflow
       -Wno-error=stringop-overread -Wno-error=array-bounds -Wno-error=invalid-pch)
  if(SHOAL_SANITIZE)
    list(APPEND SHOAL_WARNINGS -Wno-maybe-uninitialized)
  endif()
else()
  list(APPEND SHOAL_WARNINGS -Wthread-safety -Wno-unused-command-line-argument)
endif()

find_program(SHOAL_MOLD mold)
if(SHOAL_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(SHOAL_CCACHE ccache)
if(SHOAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  foreach(language C CXX)
    set(CMAKE_${language}_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
        "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime" "${SHOAL_CCACHE}")
  endforeach()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>")
  endif()
endif()

# The build tree has the layout of an installation: bin/, lib/shoal/backends/, share/shoal/.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/archive")
set(SHOAL_BACKENDS_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/shoal/backends")
