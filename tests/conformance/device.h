// A backend as a test sees it: found by name, opened, spoken to through the ABI and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/abi/shoal_backend.h"

namespace shoal::conformance {

// Names of the backends in this build's lib/shoal/backends, in alphabetical order.
std::vector<std::string> BackendNames();

// The table of a backend of this build. Null, with `error` set, when it cannot be loaded. Loaded
// backends stay.
const shoal_backend* LoadBackend(const std::string& name, std::string* error);

// An open device; closed by the destructor. Thread-compatible.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { Close(); }

  // Loads, probes and opens. The code is UNAVAILABLE when the hardware is absent.
  shoal_status Open(const std::string& name, int32_t threads, const char* options = nullptr);
  shoal_status Close();

  // buffers() with the given fields; `request` afterwards holds what came back.
  shoal_status Request(shoal_buffer_request* request) const;
  shoal_status Allocate(int64_t size, shoal_buffer** buffer) const;
  shoal_status Free(shoal_buffer* buffer) const;
  shoal_status Write(shoal_buffer* buffer, int64_t offset, const void* data, int64_t size) const;
  shoal_status Read(shoal_buffer* buffer, int64_t offset, void* data, int64_t size) const;

  shoal_status Plan(const shoal_program* program, shoal_plan** plan) const;
  shoal_status Run(shoal_plan* plan, const shoal_scalars& scalars) const;

  const shoal_backend* table() const { return table_; }
  const shoal_capabilities& capabilities() const { return capabilities_; }
  shoal_device* handle() const { return device_; }

 private:
  const shoal_backend* table_ = nullptr;
  shoal_capabilities capabilities_{};
  shoal_device* device_ = nullptr;
};

}  // namespace shoal::conformance
