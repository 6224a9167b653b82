// Buffers in host memory: the whole of the ABI's buffers() for a backend that computes on the CPU.
//
// Thread-compatible, as a device is.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/status.h"

// Zeroed pages of its own. Every page is touched on allocation, so that no step pays for a page
// fault.
struct shoal_buffer {
  std::byte* data = nullptr;
  int64_t size = 0;

  shoal_buffer() = default;
  shoal_buffer(const shoal_buffer&) = delete;
  shoal_buffer& operator=(const shoal_buffer&) = delete;
  ~shoal_buffer() {
    if (data != nullptr) munmap(data, static_cast<size_t>(size));
  }
};

namespace shoal::plugins {

class HostMemory {
 public:
  // Carries out one request; see shoal_buffer_action. RESOURCE_EXHAUSTED when the host has too
  // little memory, INVALID_ARGUMENT for a range outside the buffer or a buffer of another device.
  int32_t Handle(shoal_buffer_request* request, shoal_status* status) {
    if (int32_t code =
            CheckStruct(request, "buffer request", kMinimumSize<shoal_buffer_request>, status))
      return code;
    switch (request->action) {
      case SHOAL_BUFFER_ALLOCATE:
        return Allocate(request, status);
      case SHOAL_BUFFER_FREE:
        return Free(request, status);
      case SHOAL_BUFFER_WRITE:
      case SHOAL_BUFFER_READ:
        return Copy(request, status);
      default:
        return Fail(status, kInvalidArgument, "buffer action %d is unknown", request->action);
    }
  }

  // True for a buffer that was allocated here and not freed.
  bool Owns(const shoal_buffer* buffer) const {
    for (const auto& owned : buffers_) {
      if (owned.get() == buffer) return true;
    }
    return false;
  }

 private:
  int32_t Allocate(shoal_buffer_request* request, shoal_status* status) {
    const int64_t size = request->size_bytes;
    if (size <= 0) {
      return Fail(status, kInvalidArgument, "a buffer of %lld bytes was asked for",
                  static_cast<long long>(size));
    }
    auto buffer = std::make_unique<shoal_buffer>();
    void* pages = mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
      return Fail(status, kResourceExhausted, "the host has no memory for a buffer of %lld bytes",
                  static_cast<long long>(size));
    }
    buffer->data = static_cast<std::byte*>(pages);
    buffer->size = size;
    // Fewer TLB misses for a large arena; only a hint, and harmless where it is not heard.
    if (size >= (int64_t{2} << 20)) madvise(pages, static_cast<size_t>(size), MADV_HUGEPAGE);
    std::memset(pages, 0, static_cast<size_t>(size));
    request->buffer = buffer.get();
    request->host_address = pages;
    buffers_.push_back(std::move(buffer));
    return kOk;
  }

  int32_t Free(shoal_buffer_request* request, shoal_status* status) {
    for (auto it = buffers_.begin(); it != buffers_.end(); ++it) {
      if (it->get() != request->buffer) continue;
      buffers_.erase(it);
      request->buffer = nullptr;
      request->host_address = nullptr;
      return kOk;
    }
    return NotOurs(status);
  }

  int32_t Copy(const shoal_buffer_request* request, shoal_status* status) const {
    if (!Owns(request->buffer)) return NotOurs(status);
    const int64_t offset = request->offset_bytes, size = request->size_bytes;
    if (offset < 0 || size < 0 || offset > request->buffer->size ||
        size > request->buffer->size - offset) {
      return Fail(status, kInvalidArgument, "range [%lld, +%lld) is outside a buffer of %lld bytes",
                  static_cast<long long>(offset), static_cast<long long>(size),
                  static_cast<long long>(request->buffer->size));
    }
    if (size == 0) return kOk;
    if (request->host_data == nullptr) return Fail(status, kInvalidArgument, "host_data is null");
    std::byte* const place = request->buffer->data + offset;
    if (request->action == SHOAL_BUFFER_WRITE) {
      std::memcpy(place, request->host_data, static_cast<size_t>(size));
    } else {
      std::memcpy(request->host_data, place, static_cast<size_t>(size));
    }
    return kOk;
  }

  static int32_t NotOurs(shoal_status* status) {
    return Fail(status, kInvalidArgument,
                "the buffer does not belong to this device, or was freed");
  }

  std::vector<std::unique_ptr<shoal_buffer>> buffers_;
};

}  // namespace shoal::plugins
