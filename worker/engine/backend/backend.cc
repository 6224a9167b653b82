#include "worker/engine/backend/backend.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/backend/check_backend.h"

namespace shoal::engine {

absl::Status StatusFromCode(const shoal_status& status, std::string_view action) {
  if (status.code == 0) return absl::OkStatus();
  const size_t length = strnlen(status.message, sizeof(status.message));
  const auto code = status.code > 0 && status.code <= 16
                        ? static_cast<absl::StatusCode>(status.code)
                        : absl::StatusCode::kInternal;
  return absl::Status(code, StrCat(action, ": ", std::string_view(status.message, length)));
}

Buffer::~Buffer() {
  if (handle_ == nullptr) return;
  shoal_buffer_request request{};
  request.struct_size = sizeof(request);
  request.action = SHOAL_BUFFER_FREE;
  request.buffer = handle_;
  shoal_status status{};
  device_->backend_.table->buffers(device_->handle_, &request, &status);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(host_address_, other.host_address_);
  return *this;
}

absl::Status Buffer::Write(int64_t offset_bytes, const void* data, int64_t size_bytes) {
  SHOAL_CHECK(offset_bytes >= 0 && offset_bytes + size_bytes <= size_bytes_, "writing ", size_bytes,
              " bytes at ", offset_bytes, " of ", size_bytes_);
  if (size_bytes == 0) return absl::OkStatus();
  shoal_buffer_request request{};
  request.struct_size = sizeof(request);
  request.action = SHOAL_BUFFER_WRITE;
  request.buffer = handle_;
  request.offset_bytes = offset_bytes;
  request.size_bytes = size_bytes;
  request.host_data = const_cast<void*>(data);
  shoal_status status{};
  status.code = device_->backend_.table->buffers(device_->handle_, &request, &status);
  return StatusFromCode(status, "writing device memory");
}

absl::Status Buffer::Read(int64_t offset_bytes, void* data, int64_t size_bytes) const {
  SHOAL_CHECK(offset_bytes >= 0 && offset_bytes + size_bytes <= size_bytes_, "reading ", size_bytes,
              " bytes at ", offset_bytes, " of ", size_bytes_);
  if (size_bytes == 0) return absl::OkStatus();
  shoal_buffer_request request{};
  request.struct_size = sizeof(request);
  request.action = SHOAL_BUFFER_READ;
  request.buffer = handle_;
  request.offset_bytes = offset_bytes;
  request.size_bytes = size_bytes;
  request.host_data = data;
  shoal_status status{};
  status.code = device_->backend_.table->buffers(device_->handle_, &request, &status);
  return StatusFromCode(status, "reading device memory");
}

Plan::~Plan() {
  if (handle_ == nullptr) return;
  shoal_status status{};
  device_->backend_.table->plan(device_->handle_, nullptr, &handle_, &status);
}

Plan& Plan::operator=(Plan&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(handle_, other.handle_);
  return *this;
}

absl::Status Plan::Run(shoal_scalars scalars) {
  scalars.struct_size = sizeof(scalars);
  shoal_status status{};
  status.code = device_->backend_.table->run(device_->handle_, handle_, &scalars, &status);
  return status.code == 0 ? absl::OkStatus() : StatusFromCode(status, device_->backend());
}

Device::Device(Backend backend, const DeviceOptions& options)
    : backend_(std::move(backend)), options_(options) {}

absl::StatusOr<std::unique_ptr<Device>> Device::Open(const DeviceOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(Backend backend, LoadBackend(options.backend));
  std::unique_ptr<Device> device(new Device(std::move(backend), options));
  shoal_status status{};
  device->capabilities_.struct_size = sizeof(device->capabilities_);
  status.code = device->backend_.worker->probe(&device->capabilities_, &status);
  SHOAL_RETURN_IF_ERROR(StatusFromCode(status, StrCat("probing ", options.backend)));

  const std::string text =
      device->backend_.table == device->backend_.worker
          ? options.options
          : CheckBackendOptions(device->backend_.worker->name, options.options);
  shoal_open_args args{};
  args.struct_size = sizeof(args);
  args.device_index = options.device_index;
  args.threads = std::max(options.threads, 1);
  args.options = text.c_str();
  status = {};
  status.code = device->backend_.table->open(&args, &device->handle_, &status);
  SHOAL_RETURN_IF_ERROR(StatusFromCode(status, StrCat("opening ", options.backend)));
  return device;
}

Device::~Device() {
  if (handle_ == nullptr) return;
  shoal_status status{};
  backend_.table->open(nullptr, &handle_, &status);
}

absl::StatusOr<Buffer> Device::Allocate(int64_t size_bytes) {
  Buffer buffer;
  shoal_buffer_request request{};
  request.struct_size = sizeof(request);
  request.action = SHOAL_BUFFER_ALLOCATE;
  request.size_bytes = std::max<int64_t>(size_bytes, 64);
  shoal_status status{};
  status.code = backend_.table->buffers(handle_, &request, &status);
  SHOAL_RETURN_IF_ERROR(StatusFromCode(status, StrCat("allocating ", size_bytes, " bytes")));
  buffer.device_ = this;
  buffer.handle_ = request.buffer;
  buffer.size_bytes_ = request.size_bytes;
  buffer.host_address_ = static_cast<std::byte*>(request.host_address);
  return buffer;
}

absl::StatusOr<Plan> Device::MakePlan(const shoal_program& program) {
  Plan plan;
  shoal_status status{};
  status.code = backend_.table->plan(handle_, &program, &plan.handle_, &status);
  SHOAL_RETURN_IF_ERROR(
      StatusFromCode(status, StrCat(options_.backend, " cannot run program ", program.name)));
  plan.device_ = this;
  return plan;
}

}  // namespace shoal::engine
