# The functions that define every target of this repository.
#
#   shoal_library(NAME core_base SOURCES clock.cc clock.h [DEPS ...] [PRIVATE_DEPS ...] [PCH level])
#   shoal_executable(NAME shoal SOURCES main.cc [DEPS ...] [INSTALL] [PCH level])
#   shoal_plugin(NAME onednn SOURCES backend.cc [DEPS ...])      target plugin_onednn, file onednn.so
#   shoal_test(NAME core_base_test SOURCES clock_test.cc [DEPS ...] [LABELS unit tsan] [TIMEOUT seconds]
#              [ENVIRONMENT K=V ...])                            one ctest test per binary
#
# DEPS are public. A dependency inside the repository must have been defined before its user.
#
# Precompiled headers: three levels, each holding the one before it: base (std, absl), proto (protobuf), grpc. A
# target's level is the highest among its dependencies; PCH overrides it, PCH none switches it off. A source file
# with flags of its own (-mavx512f) needs set_source_files_properties(... SKIP_PRECOMPILE_HEADERS ON).
#
# With SHOAL_GRPC_TARGETS=OFF, a target that depends on gRPC, directly or not, is left out, and so is whatever
# depends on it; `if(TARGET name)` guards anything said about such a target outside these functions.

define_property(TARGET PROPERTY SHOAL_PCH_LEVEL BRIEF_DOCS "Highest PCH level among a target and its dependencies")
set_property(GLOBAL PROPERTY SHOAL_LEFT_OUT "")

# Defines an object library whose only purpose is its precompiled header.
function(shoal_pch name)
  cmake_parse_arguments(arg "" "" "HEADERS;DEPS" ${ARGN})
  set(source "${CMAKE_BINARY_DIR}/pch/${name}.cc")
  if(NOT EXISTS "${source}")
    file(WRITE "${source}" "")
  endif()
  add_library(${name} OBJECT EXCLUDE_FROM_ALL "${source}")
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

set(SHOAL_PCH_BASE <algorithm> <array> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <filesystem>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map>
    <utility> <variant> <vector> <absl/container/flat_hash_map.h> <absl/status/status.h> <absl/status/statusor.h>
    <absl/strings/str_cat.h> <absl/strings/str_join.h> <absl/strings/str_split.h> <absl/time/time.h>)
set(SHOAL_PCH_PROTO ${SHOAL_PCH_BASE} <google/protobuf/arena.h> <google/protobuf/descriptor.h>
    <google/protobuf/generated_message_reflection.h> <google/protobuf/map.h> <google/protobuf/message.h>
    <google/protobuf/repeated_field.h> <google/protobuf/unknown_field_set.h>)
set(SHOAL_PCH_ABSL absl::status absl::statusor absl::strings absl::time absl::flat_hash_map)
shoal_pch(pch_base HEADERS ${SHOAL_PCH_BASE} DEPS ${SHOAL_PCH_ABSL})
shoal_pch(pch_proto HEADERS ${SHOAL_PCH_PROTO} DEPS ${SHOAL_PCH_ABSL} protobuf::libprotobuf)
shoal_pch(pch_test HEADERS ${SHOAL_PCH_PROTO} <gmock/gmock.h> <gtest/gtest.h>
          DEPS ${SHOAL_PCH_ABSL} protobuf::libprotobuf GTest::gmock)
if(SHOAL_GRPC_TARGETS)
  shoal_pch(pch_grpc HEADERS ${SHOAL_PCH_PROTO} <grpcpp/grpcpp.h>
            DEPS ${SHOAL_PCH_ABSL} protobuf::libprotobuf gRPC::grpc++)
endif()

# Sets VAR to TRUE and remembers NAME when one of its dependencies was left out.
function(_shoal_left_out var name)
  set(result FALSE)
  get_property(left_out GLOBAL PROPERTY SHOAL_LEFT_OUT)
  foreach(dep ${ARGN})
    if(dep IN_LIST left_out OR (NOT SHOAL_GRPC_TARGETS AND dep MATCHES "^gRPC::"))
      set(result TRUE)
    elseif(NOT TARGET ${dep} AND dep MATCHES "^(proto|core|plugin|coordinator|worker|cli|web|tests)_")
      message(FATAL_ERROR "${name} depends on ${dep}, which is not defined yet (see the order in CMakeLists.txt)")
    endif()
  endforeach()
  if(result)
    set_property(GLOBAL APPEND PROPERTY SHOAL_LEFT_OUT ${name})
  endif()
  set(${var} ${result} PARENT_SCOPE)
endfunction()

# What all our targets share: include root, warnings, precompiled header.
function(_shoal_configure name pch)
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:C,CXX>:${SHOAL_WARNINGS}>")
  set(level base)
  foreach(dep ${ARGN})
    set(dep_level "")
    if(dep MATCHES "^gRPC::")
      set(dep_level grpc)
    elseif(dep MATCHES "^protobuf::")
      set(dep_level proto)
    elseif(TARGET ${dep})
      get_target_property(dep_level ${dep} SHOAL_PCH_LEVEL)
    endif()
    if(dep_level STREQUAL "grpc" OR (dep_level STREQUAL "proto" AND level STREQUAL "base"))
      set(level ${dep_level})
    endif()
  endforeach()
  set_target_properties(${name} PROPERTIES SHOAL_PCH_LEVEL ${level})
  if(pch)
    set(level ${pch})
  endif()
  if(NOT level STREQUAL "none")
    target_precompile_headers(${name} REUSE_FROM pch_${level})
  endif()
endfunction()

function(shoal_library)
  cmake_parse_arguments(arg "" "NAME;PCH" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  _shoal_left_out(left_out ${arg_NAME} ${arg_DEPS} ${arg_PRIVATE_DEPS})
  if(left_out)
    return()
  endif()
  add_library(${arg_NAME} STATIC ${arg_SOURCES})
  set_target_properties(${arg_NAME} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${arg_NAME} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  _shoal_configure(${arg_NAME} "${arg_PCH}" ${arg_DEPS} ${arg_PRIVATE_DEPS})
endfunction()

function(shoal_executable)
  cmake_parse_arguments(arg "INSTALL" "NAME;PCH" "SOURCES;DEPS" ${ARGN})
  _shoal_left_out(left_out ${arg_NAME} ${arg_DEPS})
  if(left_out)
    return()
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_DEPS})
  _shoal_configure(${arg_NAME} "${arg_PCH}" ${arg_DEPS})
  if(arg_INSTALL)
    install(TARGETS ${arg_NAME} RUNTIME DESTINATION bin)
  endif()
endfunction()

# A backend: a shared object that exports only what its source marks as exported.
function(shoal_plugin)
  cmake_parse_arguments(arg "" "NAME" "SOURCES;DEPS" ${ARGN})
  set(target plugin_${arg_NAME})
  _shoal_left_out(left_out ${target} ${arg_DEPS})
  if(left_out)
    return()
  endif()
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${arg_DEPS})
  _shoal_configure(${target} none)
  target_compile_options(${target} PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden)
  target_link_options(${target} PRIVATE -Wl,--exclude-libs,ALL)
  if(NOT SHOAL_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${arg_NAME}
                        LIBRARY_OUTPUT_DIRECTORY "${SHOAL_BACKENDS_OUTPUT_DIRECTORY}")
  install(TARGETS ${target} LIBRARY DESTINATION lib/shoal/backends)
endfunction()

add_custom_target(tests_tsan)  # what the tsan test preset runs

function(shoal_test)
  cmake_parse_arguments(arg "" "NAME;TIMEOUT;PCH" "SOURCES;DEPS;LABELS;ENVIRONMENT" ${ARGN})
  _shoal_left_out(left_out ${arg_NAME} ${arg_DEPS})
  if(left_out)
    return()
  endif()
  # A guard against tests that hang, never a measure: far above what the slowest machine needs.
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_DEPS} tests_support GTest::gmock_main GTest::gmock GTest::gtest)
  if(NOT arg_PCH)
    set(arg_PCH test)
  endif()
  _shoal_configure(${arg_NAME} ${arg_PCH} ${arg_DEPS})
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
  if(tsan IN_LIST arg_LABELS)
    add_dependencies(tests_tsan ${arg_NAME})
  endif()
  set(environment ${arg_ENVIRONMENT})
  if(SHOAL_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 5")
    # intercept_tls_get_addr=0: gcc 12's leak checker guesses where a plugin's thread-local block begins from the
    # address's last bits; now and then the guess is wrong and the checker itself crashes after every test passed.
    list(APPEND environment "UBSAN_OPTIONS=print_stacktrace=1"
         "ASAN_OPTIONS=detect_stack_use_after_return=1:intercept_tls_get_addr=0"
         "TSAN_OPTIONS=halt_on_error=1 second_deadlock_stack=1")
  endif()
  set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
                       ENVIRONMENT "${environment}")
endfunction()
