// Sums over rows run over a rounded row count (gemm.h), so the rows between the used ones and the
// rounded count must be zero while they run. They belong to an input, which is not ours to change:
// this saves them, zeroes them, and puts them back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "plugins/onednn/operation.h"

namespace shoal::onednn {

class ClearedRows {
 public:
  // Rows [begin, end) of `tensor` are zero until the destructor. `saved` has room for
  // Space(tensor).
  ClearedRows(const Tensor& tensor, int64_t begin, int64_t end, void* saved)
      : rows_(tensor.As<std::byte>() + begin * tensor.row_bytes()),
        saved_(saved),
        size_(static_cast<size_t>((end - begin) * tensor.row_bytes())) {
    std::memcpy(saved_, rows_, size_);
    std::memset(rows_, 0, size_);
  }
  ~ClearedRows() { std::memcpy(rows_, saved_, size_); }
  ClearedRows(const ClearedRows&) = delete;
  ClearedRows& operator=(const ClearedRows&) = delete;

  // Bytes for the most rows there can be.
  static int64_t Space(const Tensor& tensor) { return 16 * tensor.row_bytes(); }

 private:
  std::byte* const rows_;
  void* const saved_;
  const size_t size_;
};

}  // namespace shoal::onednn
