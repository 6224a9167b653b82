// Matrix products by oneDNN 2.6, behind one call; the only header that the rest of the backend sees
// of oneDNN.
//
//   C[m,n] (+)= act(op(A)[m,k] op(B)[k,n] + bias[n])        row-major, f32 accumulation
//
// oneDNN generates code for one exact shape. Primitives are therefore kept per shape in a bounded
// cache, shared by all operations of a device; creating one costs about 80 us, running it about 1
// us beyond the arithmetic. Callers round row counts up to 16 (RoundRows), so that a few dozen
// primitives serve every packed batch.
//
// Deterministic: equal shapes, contents and team sizes give equal bits.
#pragma once

#include <cstdint>
#include <memory>

#include "plugins/abi/shoal_backend.h"

namespace shoal::onednn {

// What a primitive is compiled for.
struct GemmShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldb = 0, ldc = 0;      // row strides of the stored matrices; 0: dense
  bool transpose_a = false;               // A is stored [k,m]
  bool transpose_b = false;               // B is stored [n,k]
  bool accumulate = false;                // add to C
  bool bias = false;                      // f32
  int32_t input_type = SHOAL_DTYPE_F32;   // of A and B: F32 or BF16
  int32_t output_type = SHOAL_DTYPE_F32;  // of C
  int32_t activation = SHOAL_ACTIVATION_NONE;

  bool operator==(const GemmShape&) const = default;
};

class Gemm {
 public:
  Gemm();
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  // Runs one product, creating its primitive on the first use of a shape. m, n and k are at least
  // 1; `bias` is null unless shape.bias. INTERNAL when oneDNN refuses, naming the shape.
  int32_t Run(const GemmShape& shape, const void* a, const void* b, const float* bias, void* c,
              shoal_status* status);

  // Creates the primitive of `shape` (and the scratch memory it needs) ahead of its first use.
  int32_t Prepare(const GemmShape& shape, shoal_status* status);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// Rows to compute for `rows` used ones: the next multiple of 16 that the operand has room for. The
// rows between are computed and mean nothing.
inline int64_t RoundRows(int64_t rows, int64_t capacity) {
  const int64_t rounded = (rows + 15) / 16 * 16;
  return rounded < capacity ? rounded : capacity;
}

// oneDNN's version, "2.6.3"; the text lives as long as the process.
const char* OnednnVersion();
// The instruction set that oneDNN and this backend use, as an isa of shoal_capabilities; "" below
// AVX2.
const char* EffectiveIsa();
// True where oneDNN has bf16 products at all (from AVX-512 on).
bool HasBf16();
// True where they run at bf16 speed.
bool HasNativeBf16();

}  // namespace shoal::onednn
