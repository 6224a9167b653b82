// Programs of one operation, built directly with the ABI.
//
//   OneOp op(SHOAL_OP_LINEAR, dtype, /*rows=*/5);
//   op.In(0, draw.Rows(dtype, 16, 64)).In(1, draw.Fixed(dtype, {32, 64})).Out(0, Garbage(dtype,
//   {16, 32}, kRows)); op.attr().linear.activation = SHOAL_ACTIVATION_RELU; Result result =
//   op.Run(device);
//
// Every run lays the slots out in one buffer with guard bytes between them, and reports an
// operation that wrote outside its outputs. Values travel as double, whatever the slot's type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "tests/conformance/device.h"

namespace shoal::conformance {

inline constexpr int32_t kF32 = SHOAL_DTYPE_F32, kBf16 = SHOAL_DTYPE_BF16, kF64 = SHOAL_DTYPE_F64,
                         kI32 = SHOAL_DTYPE_I32;
inline constexpr int32_t kFixed = SHOAL_EXTENT_FIXED, kRows = SHOAL_EXTENT_ROWS,
                         kOffsets = SHOAL_EXTENT_SEQUENCES_PLUS_1,
                         kSelected = SHOAL_EXTENT_SELECTED;

// The type of residual streams, statistics and parameter gradients in a program of type `act`.
inline int32_t RealType(int32_t act) { return act == kF64 ? kF64 : kF32; }

// A slot and its contents; values.size() is the product of dims. Values are rounded to dtype on
// use.
struct Tensor {
  int32_t dtype = kF32;
  std::vector<int64_t> dims;
  int32_t extent = kFixed;
  std::vector<double> values;

  int64_t size() const;
};

// NaN everywhere (i32: -7777): for outputs that must be written whole.
Tensor Garbage(int32_t dtype, std::vector<int64_t> dims, int32_t extent = kFixed);
Tensor Constant(int32_t dtype, std::vector<int64_t> dims, double value, int32_t extent = kFixed);
Tensor FromValues(int32_t dtype, std::vector<int64_t> dims, std::vector<double> values,
                  int32_t extent = kFixed);

// Draws tensors from a seed. Rows past `rows` are garbage, so that a result that depends on them
// shows.
class Draw {
 public:
  Draw(uint64_t seed, int64_t rows, int64_t capacity)
      : generator_(seed), rows_(rows), capacity_(capacity) {}

  // [capacity, width] or, with width 0, [capacity]; normal with the given deviation.
  Tensor Rows(int32_t dtype, int64_t width, double deviation = 1);
  Tensor Fixed(int32_t dtype, std::vector<int64_t> dims, double deviation = 1);
  // [capacity] i32, uniform in [low, high).
  Tensor Indices(int64_t low, int64_t high);
  Tensor RowGarbage(int32_t dtype, int64_t width) const;

 private:
  std::mt19937_64 generator_;
  int64_t rows_, capacity_;
};

struct Result {
  shoal_status status{};
  // By place of the output; the used part only; empty where absent.
  std::array<std::vector<double>, SHOAL_MAX_OUTPUTS> outputs;
  // Everything after the run, for comparing bits; and a sentence when something else was written
  // to.
  std::vector<std::byte> image;
  std::string damage;
};

class OneOp {
 public:
  OneOp(int32_t kind, int32_t act_dtype, int64_t rows = 0);

  OneOp& In(int place, Tensor tensor);
  OneOp& Out(int place, Tensor tensor);
  OneOp& RemoveInput(int place);
  // Output `place` is the very memory of input `input`.
  OneOp& OutOverIn(int place, int input);

  decltype(shoal_op::attr)& attr() { return op_.attr; }
  shoal_scalars& scalars() { return scalars_; }
  const shoal_scalars& scalars() const { return scalars_; }
  Tensor& input(int place) { return slots_[op_.inputs[place]].tensor; }
  const Tensor& input(int place) const { return slots_[op_.inputs[place]].tensor; }
  bool HasOutput(int place) const { return op_.outputs[place] != SHOAL_NO_SLOT; }
  int64_t UsedSize(const Tensor& tensor) const;

  // Allocates, writes, plans, runs, reads back, frees.
  Result Run(const Device& device) const;

  // The program, as plan() takes it, valid while this object lives and is not changed. `buffer`
  // holds the slots; it needs BufferSize() bytes.
  struct Program {
    std::vector<shoal_slot> slots;
    shoal_op op;
    shoal_buffer* buffer;
    shoal_program program;
  };
  void Build(shoal_buffer* buffer, Program* out) const;
  int64_t BufferSize() const { return size_; }
  std::vector<std::byte> InitialImage() const;

 private:
  struct Slot {
    Tensor tensor;
    int64_t offset = 0;
    bool written = false;
    int32_t shares = SHOAL_NO_SLOT;  // the slot whose memory this is
  };

  int32_t AddSlot(Tensor tensor, bool written);
  void CheckDamage(const std::vector<std::byte>& before, Result* result) const;

  shoal_op op_{};
  shoal_scalars scalars_{};
  int32_t act_dtype_;
  std::vector<Slot> slots_;
  int64_t size_ = 64;
};

}  // namespace shoal::conformance
