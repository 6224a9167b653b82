// The C++ face of a compute backend: RAII over the five calls of plugins/abi/shoal_backend.h.
//
//   SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<Device> device, Device::Open({.backend = "onednn",
//   .threads = 2})); SHOAL_ASSIGN_OR_RETURN(Buffer weights, device->Allocate(1 << 20));
//   SHOAL_ASSIGN_OR_RETURN(Plan plan, device->MakePlan(program));
//   SHOAL_RETURN_IF_ERROR(plan.Run(scalars));
//
// Buffers and plans must be destroyed before their device. One driving thread per device.
#ifndef SHOAL_WORKER_ENGINE_BACKEND_BACKEND_H_
#define SHOAL_WORKER_ENGINE_BACKEND_BACKEND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugins/abi/shoal_backend.h"
#include "worker/engine/backend/loader.h"

namespace shoal::engine {

class Device;

// Device memory, zero-filled when allocated. Move-only. Thread-compatible.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer();
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;

  int64_t size_bytes() const { return size_bytes_; }
  // Null where the memory is not visible to the host.
  std::byte* host_address() const { return host_address_; }
  shoal_buffer* handle() const { return handle_; }

  // Copy `size_bytes` from or to the host. Read waits for running work.
  absl::Status Write(int64_t offset_bytes, const void* data, int64_t size_bytes);
  absl::Status Read(int64_t offset_bytes, void* data, int64_t size_bytes) const;

 private:
  friend class Device;
  Device* device_ = nullptr;
  shoal_buffer* handle_ = nullptr;
  int64_t size_bytes_ = 0;
  std::byte* host_address_ = nullptr;
};

// A prepared program. Move-only. Thread-compatible.
class Plan {
 public:
  Plan() = default;
  ~Plan();
  Plan(Plan&& other) noexcept { *this = std::move(other); }
  Plan& operator=(Plan&& other) noexcept;

  // Runs every operation; outputs can be read afterwards. `scalars.struct_size` is filled in.
  absl::Status Run(shoal_scalars scalars);

 private:
  friend class Device;
  Device* device_ = nullptr;
  shoal_plan* handle_ = nullptr;
};

struct DeviceOptions {
  std::string backend = "reference";  // an installed backend, or "check:NAME"
  int device_index = 0;
  int threads = 1;
  std::string options = "";  // the backend's own text
};

// An open device of a backend. Thread-compatible.
class Device {
 public:
  // Errors: NotFound (no such backend installed), FailedPrecondition (built for another ABI or
  // sanitizer), Unavailable (the hardware is absent), and the backend's own.
  static absl::StatusOr<std::unique_ptr<Device>> Open(const DeviceOptions& options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  absl::StatusOr<Buffer> Allocate(int64_t size_bytes);
  // Errors: Unimplemented, naming the first operation the backend cannot do.
  absl::StatusOr<Plan> MakePlan(const shoal_program& program);

  const std::string& backend() const { return options_.backend; }
  int threads() const { return options_.threads; }
  const shoal_capabilities& capabilities() const { return capabilities_; }

 private:
  friend class Buffer;
  friend class Plan;
  Device(Backend backend, const DeviceOptions& options);

  Backend backend_;
  DeviceOptions options_;
  shoal_capabilities capabilities_{};
  shoal_device* handle_ = nullptr;
};

// The absl::Status of a call's result; OK when the code is 0.
absl::Status StatusFromCode(const shoal_status& status, std::string_view action);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_BACKEND_BACKEND_H_
