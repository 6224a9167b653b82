// Memory that an operation uses while it runs and that means nothing afterwards; all operations
// share it.
//
// Reserve() is called while planning; Get() while running never allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace shoal::onednn {

class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { std::free(data_); }

  // Makes room for `bytes`; earlier contents and pointers are lost when it has to grow. Throws
  // std::bad_alloc.
  void Reserve(int64_t bytes) {
    if (bytes <= size_) return;
    constexpr size_t kAlignment = 4096;
    const size_t rounded = (static_cast<size_t>(bytes) + kAlignment - 1) / kAlignment * kAlignment;
    void* const fresh = std::aligned_alloc(kAlignment, rounded);
    if (fresh == nullptr) throw std::bad_alloc();
    std::memset(fresh, 0, rounded);  // touches the pages now, not in a step
    std::free(data_);
    data_ = fresh;
    size_ = static_cast<int64_t>(rounded);
  }

  int64_t size() const { return size_; }

  // The memory at `offset` bytes; at least what was reserved, 4096-byte aligned at offset 0.
  template <class T>
  T* Get(int64_t offset = 0) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(data_) + offset);
  }

 private:
  void* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace shoal::onednn
