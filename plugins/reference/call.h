// What one operation sees while it runs: its operands as arrays of the arithmetic type.
//
// Operations are textbook loops over `Real` (float, or double in an f64 program). Storage is dealt
// with here: an operand stored as Real is used in place; a bf16 operand is converted whole into the
// plan's workspace and, for an output, rounded back when the view goes out of scope. Because
// conversion is by whole tensors, an operation may run in place wherever its loop reads an element
// no later than it writes it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/bfloat16.h"
#include "plugins/support/host_memory.h"
#include "plugins/support/program.h"
#include "plugins/support/status.h"

namespace shoal::reference {

// Scratch arrays that are handed out within one operation and used again by the next. A plan's
// workspace has its final size after each operation ran once, because arrays are taken at the
// slots' capacity.
class Workspace {
 public:
  void Reset() { next_ = 0; }

  template <class T>
  T* Take(int64_t count) {
    if (next_ == blocks_.size()) blocks_.emplace_back();
    Block& block = blocks_[next_++];
    const size_t doubles = (static_cast<size_t>(count) * sizeof(T) + 7) / 8;
    if (block.size < doubles) {
      block.data = std::make_unique<double[]>(doubles);
      block.size = doubles;
    }
    return reinterpret_cast<T*>(block.data.get());
  }

 private:
  struct Block {
    std::unique_ptr<double[]> data;
    size_t size = 0;
  };
  std::vector<Block> blocks_;
  size_t next_ = 0;
};

template <class Real>
void Load(const void* from, int32_t dtype, int64_t count, Real* to) {
  if (dtype == SHOAL_DTYPE_BF16) {
    const auto* values = static_cast<const plugins::Bfloat16*>(from);
    for (int64_t i = 0; i < count; ++i) to[i] = Real{plugins::ToFloat(values[i])};
  } else if (dtype == SHOAL_DTYPE_F32) {
    const auto* values = static_cast<const float*>(from);
    for (int64_t i = 0; i < count; ++i) to[i] = Real{values[i]};
  } else {
    const auto* values = static_cast<const double*>(from);
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Real>(values[i]);
  }
}

template <class Real>
void Store(const Real* from, int64_t count, int32_t dtype, void* to) {
  if (dtype == SHOAL_DTYPE_BF16) {
    auto* values = static_cast<plugins::Bfloat16*>(to);
    for (int64_t i = 0; i < count; ++i)
      values[i] = plugins::ToBfloat16(static_cast<float>(from[i]));
  } else if (dtype == SHOAL_DTYPE_F32) {
    auto* values = static_cast<float*>(to);
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(from[i]);
  } else {
    auto* values = static_cast<double*>(to);
    for (int64_t i = 0; i < count; ++i) values[i] = double{from[i]};
  }
}

// An output; behaves as Real*. Null when the operand is absent. Rounds to storage in its
// destructor.
template <class Real>
class Out {
 public:
  Out() = default;
  Out(Real* data, int64_t count, int32_t dtype, void* place)
      : data_(data), count_(count), dtype_(dtype), place_(place) {}
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  ~Out() {
    if (data_ != place_) Store(data_, count_, dtype_, place_);
  }

  explicit operator bool() const { return data_ != nullptr; }
  Real& operator[](int64_t i) const { return data_[i]; }
  Real* operator+(int64_t i) const { return data_ + i; }

 private:
  Real* data_ = nullptr;
  int64_t count_ = 0;
  int32_t dtype_ = 0;
  void* place_ = nullptr;
};

template <class Real>
class Call {
 public:
  Call(const plugins::Program& program, const shoal_op& op, const shoal_scalars& scalars_in,
       Workspace& workspace, shoal_status* status)
      : attr(op.attr),
        scalars(scalars_in),
        program_(program),
        op_(op),
        workspace_(workspace),
        status_(status) {}

  const decltype(shoal_op::attr)& attr;
  const shoal_scalars& scalars;

  bool HasInput(int i) const { return op_.inputs[i] != SHOAL_NO_SLOT; }
  bool HasOutput(int i) const { return op_.outputs[i] != SHOAL_NO_SLOT; }

  // Used size of the first dimension, and declared size of dimension d.
  int64_t InputRows(int i) const { return plugins::UsedExtent(InputSlot(i), scalars); }
  int64_t OutputRows(int i) const { return plugins::UsedExtent(OutputSlot(i), scalars); }
  int64_t InputDim(int i, int d) const { return InputSlot(i).dims[d]; }
  int64_t OutputDim(int i, int d) const { return OutputSlot(i).dims[d]; }
  // Used elements.
  int64_t InputCount(int i) const { return Count(InputSlot(i)); }
  int64_t OutputCount(int i) const { return Count(OutputSlot(i)); }

  // Input i, or null when absent.
  const Real* Input(int i) {
    if (!HasInput(i)) return nullptr;
    const shoal_slot& slot = InputSlot(i);
    if (slot.dtype == kRealDtype) return static_cast<const Real*>(Place(slot));
    Real* values = workspace_.Take<Real>(plugins::Capacity(slot));
    Load(Place(slot), slot.dtype, Count(slot), values);
    return values;
  }
  const int32_t* Integers(int i) {
    return HasInput(i) ? static_cast<const int32_t*>(Place(InputSlot(i))) : nullptr;
  }

  // Output i with undefined contents, to be written whole.
  Out<Real> Output(int i) {
    return HasOutput(i) ? View(OutputSlot(i), Contents::kUndefined) : Out<Real>();
  }
  // Output i with its present contents.
  Out<Real> InOut(int i) {
    return HasOutput(i) ? View(OutputSlot(i), Contents::kPresent) : Out<Real>();
  }
  // Output i to be added to: it holds zeros where `write` (shoal_write) says overwrite.
  Out<Real> Gradient(int i, int32_t write) {
    if (!HasOutput(i)) return Out<Real>();
    const bool add =
        write == SHOAL_WRITE_ADD || (write == SHOAL_WRITE_BY_SCALAR && scalars.accumulate != 0);
    return View(OutputSlot(i), add ? Contents::kPresent : Contents::kZero);
  }

  Real* Scratch(int64_t count) { return workspace_.Take<Real>(count); }
  // `count` zeros for sums that must not depend on the precision of Real.
  double* Sums(int64_t count) {
    double* sums = workspace_.Take<double>(count);
    std::fill_n(sums, count, 0.0);
    return sums;
  }

  // The contents of an integer input are wrong: entry n has `value`, which is not in [low, high).
  int32_t RefuseIndex(const char* what, int64_t n, int64_t value, int64_t low, int64_t high) {
    return plugins::Fail(status_, plugins::kInvalidArgument,
                         "\"%s\": %s[%lld] is %lld, expected %lld to %lld", op_.label, what,
                         static_cast<long long>(n), static_cast<long long>(value),
                         static_cast<long long>(low), static_cast<long long>(high - 1));
  }

 private:
  enum class Contents { kUndefined, kPresent, kZero };
  static constexpr int32_t kRealDtype = sizeof(Real) == 8 ? SHOAL_DTYPE_F64 : SHOAL_DTYPE_F32;

  const shoal_slot& InputSlot(int i) const { return program_.slots[op_.inputs[i]]; }
  const shoal_slot& OutputSlot(int i) const { return program_.slots[op_.outputs[i]]; }
  void* Place(const shoal_slot& slot) const {
    return program_.buffers[slot.buffer]->data + slot.offset_bytes;
  }
  int64_t Count(const shoal_slot& slot) const {
    return plugins::UsedExtent(slot, scalars) * plugins::InnerSize(slot);
  }
  Out<Real> View(const shoal_slot& slot, Contents contents) {
    void* place = Place(slot);
    const int64_t count = Count(slot);
    const bool direct = slot.dtype == kRealDtype;
    Real* values =
        direct ? static_cast<Real*>(place) : workspace_.Take<Real>(plugins::Capacity(slot));
    if (contents == Contents::kPresent && !direct) Load(place, slot.dtype, count, values);
    if (contents == Contents::kZero) std::fill_n(values, count, Real{0});
    return Out<Real>(values, count, slot.dtype, place);
  }

  const plugins::Program& program_;
  const shoal_op& op_;
  Workspace& workspace_;
  shoal_status* const status_;
};

}  // namespace shoal::reference
