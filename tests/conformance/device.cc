#include "tests/conformance/device.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/paths.h"

namespace shoal::conformance {
namespace {

std::filesystem::path BackendsFolder() { return BuildPath("lib/shoal/backends"); }

shoal_status FailedPrecondition(const std::string& message) {
  shoal_status status{};
  status.code = 9;
  message.copy(status.message, sizeof(status.message) - 1);
  return status;
}

}  // namespace

std::vector<std::string> BackendNames() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(BackendsFolder(), error)) {
    if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

const shoal_backend* LoadBackend(const std::string& name, std::string* error) {
  const std::string path = (BackendsFolder() / (name + ".so")).string();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* get = library == nullptr ? nullptr : dlsym(library, "shoal_backend_get");
  if (get == nullptr) {
    *error = dlerror();
    return nullptr;
  }
  return reinterpret_cast<const shoal_backend* (*)()>(get)();
}

shoal_status Device::Open(const std::string& name, int32_t threads, const char* options) {
  std::string error;
  table_ = LoadBackend(name, &error);
  if (table_ == nullptr) return FailedPrecondition(error);
  shoal_status status{};
  capabilities_.struct_size = sizeof(capabilities_);
  if (table_->probe(&capabilities_, &status) != 0) return status;
  shoal_open_args args{};
  args.struct_size = sizeof(args);
  args.threads = threads;
  args.options = options;
  table_->open(&args, &device_, &status);
  return status;
}

shoal_status Device::Close() {
  shoal_status status{};
  if (device_ != nullptr) table_->open(nullptr, &device_, &status);
  return status;
}

shoal_status Device::Request(shoal_buffer_request* request) const {
  shoal_status status{};
  request->struct_size = sizeof(*request);
  table_->buffers(device_, request, &status);
  return status;
}

shoal_status Device::Allocate(int64_t size, shoal_buffer** buffer) const {
  shoal_buffer_request request{};
  request.action = SHOAL_BUFFER_ALLOCATE;
  request.size_bytes = size;
  const shoal_status status = Request(&request);
  *buffer = request.buffer;
  return status;
}

shoal_status Device::Free(shoal_buffer* buffer) const {
  shoal_buffer_request request{};
  request.action = SHOAL_BUFFER_FREE;
  request.buffer = buffer;
  return Request(&request);
}

shoal_status Device::Write(shoal_buffer* buffer, int64_t offset, const void* data,
                           int64_t size) const {
  shoal_buffer_request request{};
  request.action = SHOAL_BUFFER_WRITE;
  request.buffer = buffer;
  request.offset_bytes = offset;
  request.size_bytes = size;
  request.host_data = const_cast<void*>(data);
  return Request(&request);
}

shoal_status Device::Read(shoal_buffer* buffer, int64_t offset, void* data, int64_t size) const {
  shoal_buffer_request request{};
  request.action = SHOAL_BUFFER_READ;
  request.buffer = buffer;
  request.offset_bytes = offset;
  request.size_bytes = size;
  request.host_data = data;
  return Request(&request);
}

shoal_status Device::Plan(const shoal_program* program, shoal_plan** plan) const {
  shoal_status status{};
  table_->plan(device_, program, plan, &status);
  return status;
}

shoal_status Device::Run(shoal_plan* plan, const shoal_scalars& scalars) const {
  shoal_status status{};
  table_->run(device_, plan, &scalars, &status);
  return status;
}

}  // namespace shoal::conformance
