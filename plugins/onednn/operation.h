// What a recorded op becomes when it is planned: an object with its pointers resolved, which runs
// every step.
//
// MakeOperation picks the class by kind; each family of operations has one file with its vector
// code and its class, and is declared by its factory below. A program that reaches these factories
// has passed plugins/support/check_program.h: operands have the right types and shapes and lie in
// their buffers. Contents (token ids, offsets) differ from run to run and are checked by Run() of
// the operations that follow them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "plugins/abi/shoal_backend.h"
#include "plugins/onednn/array.h"
#include "plugins/support/program.h"

struct shoal_device;

namespace shoal::onednn {

// A slot and where it lies. An operand that the op leaves out has data == nullptr.
struct Tensor {
  void* data = nullptr;
  shoal_slot slot{};

  explicit operator bool() const { return data != nullptr; }
  template <class T>
  T* As() const {
    return static_cast<T*>(data);
  }
  Array array() const { return {data, is_bf16()}; }
  bool is_bf16() const { return slot.dtype == SHOAL_DTYPE_BF16; }
  int64_t capacity() const { return slot.dims[0]; }  // rows there is room for
  int64_t width() const { return plugins::InnerSize(slot); }
  int64_t row_bytes() const { return width() * plugins::ElementSize(slot.dtype); }
  int64_t rows(const shoal_scalars& scalars) const { return plugins::UsedExtent(slot, scalars); }
  int64_t elements(const shoal_scalars& scalars) const { return rows(scalars) * width(); }
};

// An op, its operands, and the device it is planned for.
struct Site {
  shoal_device& device;
  const shoal_op& op;  // lives as long as the plan
  Tensor in[SHOAL_MAX_INPUTS];
  Tensor out[SHOAL_MAX_OUTPUTS];
};

class Operation {
 public:
  virtual ~Operation() = default;

  // Carries out the op. Returns a code, having written `status` when it is not OK.
  virtual int32_t Run(const shoal_scalars& scalars, shoal_status* status) = 0;
};

// What a gradient's writer does in this run: true to add to what is there.
inline bool Accumulates(int32_t write, const shoal_scalars& scalars) {
  return write == SHOAL_WRITE_ADD || (write == SHOAL_WRITE_BY_SCALAR && scalars.accumulate != 0);
}

// Resolves op `index` of the program. Null, with `status` written, for what this backend cannot do.
std::unique_ptr<Operation> MakeOperation(shoal_device& device, const plugins::Program& program,
                                         int32_t index, shoal_status* status);

// INVALID_ARGUMENT when one of `count` indices is outside [low, high); `what` names them in the
// message.
int32_t CheckIndices(const Site& site, const char* what, const int32_t* indices, int64_t count,
                     int64_t low, int64_t high, shoal_status* status);
// INVALID_ARGUMENT when offsets[0..sequences] do not rise from 0 to `rows`.
int32_t CheckOffsets(const Site& site, const int32_t* offsets, int64_t sequences, int64_t rows,
                     shoal_status* status);

std::unique_ptr<Operation> MakeEmbedding(const Site& site);
std::unique_ptr<Operation> MakeEmbeddingBackward(const Site& site);
std::unique_ptr<Operation> MakeLinear(const Site& site);
std::unique_ptr<Operation> MakeLinearBackwardData(const Site& site);
std::unique_ptr<Operation> MakeLinearBackwardWeights(const Site& site);
std::unique_ptr<Operation> MakeNorm(const Site& site);
std::unique_ptr<Operation> MakeNormBackward(const Site& site);
std::unique_ptr<Operation> MakeAttention(const Site& site);
std::unique_ptr<Operation> MakeAttentionBackward(const Site& site);
std::unique_ptr<Operation> MakeAttentionCached(const Site& site);
std::unique_ptr<Operation> MakeElementwise(
    const Site& site);  // ADD, SCALE, DROPOUT, ACTIVATION*, CAST, FILL, GATHER_ROWS
std::unique_ptr<Operation> MakeCrossEntropy(const Site& site);
std::unique_ptr<Operation> MakeLinearCrossEntropy(const Site& site);
std::unique_ptr<Operation> MakeReduction(const Site& site);  // SUM, GLOBAL_NORM
std::unique_ptr<Operation> MakeAdamw(const Site& site);
std::unique_ptr<Operation> MakeMovingAverage(const Site& site);
std::unique_ptr<Operation> MakeMuon(const Site& site, bool bf16);  // bf16: iterates in it
std::unique_ptr<Operation> MakeRope(const Site& site);
std::unique_ptr<Operation> MakeGlu(const Site& site);   // GLU, GLU_BACKWARD
std::unique_ptr<Operation> MakePool(const Site& site);  // SCATTER_ROWS, MEAN_POOL, its backward
std::unique_ptr<Operation> MakeSoftmax(const Site& site);
std::unique_ptr<Operation> MakeDistillationLoss(const Site& site);
std::unique_ptr<Operation> MakeAttentionProbabilities(const Site& site);

}  // namespace shoal::onednn
