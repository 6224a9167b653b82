# System packages, as installed by tools/install-dependencies. Nothing is downloaded.
# Link them by these names; most are imported targets of their own packages.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(GTest CONFIG REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET GLOBAL libpcre2-8)  # PkgConfig::PCRE2
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET GLOBAL libzstd)      # PkgConfig::ZSTD
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET GLOBAL libhwy)        # PkgConfig::HWY
# Debian's own dnnl-config.cmake asks for OpenCL's headers, which a CPU build has no use for.
find_library(SHOAL_DNNL_LIBRARY dnnl REQUIRED)
find_path(SHOAL_DNNL_INCLUDE oneapi/dnnl/dnnl.h REQUIRED)
add_library(DNNL::dnnl INTERFACE IMPORTED GLOBAL)
target_link_libraries(DNNL::dnnl INTERFACE "${SHOAL_DNNL_LIBRARY}")
target_include_directories(DNNL::dnnl INTERFACE "${SHOAL_DNNL_INCLUDE}")
find_package(benchmark CONFIG)                                       # benchmark::benchmark
find_package(rapidcheck CONFIG)                                      # rapidcheck
if(SHOAL_GRPC_TARGETS)
  find_package(gRPC CONFIG REQUIRED)  # gRPC::grpc++, gRPC::grpc_cpp_plugin
endif()
