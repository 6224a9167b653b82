// Symbolic tensors: what model code computes with while a program is recorded. A Tensor names a
// slot of the program and knows its shape; it holds no numbers.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_TENSOR_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_TENSOR_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "plugins/abi/shoal_backend.h"

namespace shoal::engine {

enum class Dtype : int32_t {
  kF32 = SHOAL_DTYPE_F32,
  kBf16 = SHOAL_DTYPE_BF16,
  kF64 = SHOAL_DTYPE_F64,
  kI32 = SHOAL_DTYPE_I32
};
int64_t SizeOf(Dtype dtype);              // bytes of one element
std::string_view DtypeName(Dtype dtype);  // "f32"

// How much of the first dimension a run uses; dims[0] is its capacity.
enum class Extent : int32_t {
  kFixed = SHOAL_EXTENT_FIXED,
  kRows = SHOAL_EXTENT_ROWS,
  kSequencesPlus1 = SHOAL_EXTENT_SEQUENCES_PLUS_1,
  kSelected = SHOAL_EXTENT_SELECTED
};

// Dense, row-major. Unused dimensions are 1.
struct Shape {
  Extent extent = Extent::kFixed;
  int32_t rank = 1;
  std::array<int64_t, SHOAL_MAX_RANK> dims = {1, 1, 1, 1};

  static Shape Vector(int64_t n) { return {Extent::kFixed, 1, {n, 1, 1, 1}}; }
  static Shape Matrix(int64_t rows, int64_t columns) {
    return {Extent::kFixed, 2, {rows, columns, 1, 1}};
  }
  // A tensor with one row per token (or per selected row): [extent] or [extent, width].
  static Shape Column(Extent extent, int64_t capacity) { return {extent, 1, {capacity, 1, 1, 1}}; }
  static Shape Rows(Extent extent, int64_t capacity, int64_t width) {
    return {extent, 2, {capacity, width, 1, 1}};
  }

  int64_t elements() const;      // at capacity
  int64_t width() const;         // of the last dimension; 1 for rank 1
  std::string ToString() const;  // "[rows<=4096, 384]"
  bool operator==(const Shape&) const = default;
};

struct Tensor {
  int32_t slot = SHOAL_NO_SLOT;
  Dtype dtype = Dtype::kF32;
  Shape shape;

  explicit operator bool() const { return slot != SHOAL_NO_SLOT; }
  int64_t width() const { return shape.width(); }
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_TENSOR_H_
