// A recorded program: the linear list of operations that a backend plans once and runs every step,
// over slots that live in a few buffers.
//
// Model code fills a program through Recorder (recorder.h); AppendBackward (backward.h) adds the
// gradients; Fuse (passes.h) shortens the list; PlaceInArena (planner.h) gives every intermediate
// tensor its place; MakePlan (planner.h) hands the result to a device.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_PROGRAM_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_PROGRAM_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "worker/engine/program/tensor.h"

namespace shoal::engine {

// The buffer a slot lives in. Programs of one model share all of them; one program uses at most
// SHOAL_MAX_BUFFERS.
enum class Region : int32_t {
  kArena = 0,     // intermediate tensors; placed by the planner
  kMaster = 1,    // parameters
  kCopy = 2,      // bf16 copies of the parameters
  kGradient = 3,  // of the parameters
  kMoment1 = 4,   // the optimizer's m (momentum) and v
  kMoment2 = 5,
  kIo = 6,           // what the host writes before a run and reads after it
  kCache = 7,        // keys and values of generation
  kAverage = 8,      // moving averages of the parameters
  kAverageCopy = 9,  // and their bf16 copies
};
inline constexpr int kRegionCount = 10;
std::string_view RegionName(Region region);

struct Slot {
  std::string name;
  Dtype dtype = Dtype::kF32;
  Shape shape;
  Region region = Region::kArena;
  int64_t offset_bytes = -1;  // -1: not placed yet (arena only)
  int32_t parameter = -1;     // index into the layout, for kMaster, kCopy and kGradient
  int64_t size_bytes() const { return shape.elements() * SizeOf(dtype); }
};

// One operation; `code.label` is filled in from `label` when a plan is made.
struct Op {
  shoal_op code;
  std::string label;

  Op(shoal_op_kind kind, std::string op_label);
  shoal_op_kind kind() const { return static_cast<shoal_op_kind>(code.kind); }
  int32_t in(int i) const { return code.inputs[i]; }
  int32_t out(int i) const { return code.outputs[i]; }
};
std::string_view OpName(int32_t kind);  // "LINEAR"

struct Program {
  std::string name;  // "accumulate", "update", "evaluate", ...
  Dtype act = Dtype::kF32;
  std::vector<Slot> slots;
  std::vector<Op> ops;
  int64_t arena_bytes = 0;  // set by the planner

  // The residual stream, statistics, losses, gradients of parameters and master weights.
  Dtype stat() const { return act == Dtype::kF64 ? Dtype::kF64 : Dtype::kF32; }

  Tensor AddSlot(Slot slot);
  // A new intermediate tensor.
  Tensor NewTensor(std::string tensor_name, Dtype dtype, const Shape& shape);
  Tensor TensorOf(int32_t slot) const;

  // One line per operation: number, kind, label, inputs and outputs with dtype and shape, then the
  // size of the arena. For people and for tests.
  std::string Listing() const;
};

// The places of named tensors that the host reads and writes. The same name is the same place in
// every program that shares the layout.
class IoLayout {
 public:
  // Offset in bytes. Asking again must not ask for more bytes than the first time.
  int64_t Place(std::string_view name, int64_t size_bytes);
  int64_t OffsetOf(std::string_view name) const;  // requires that it was placed
  int64_t size_bytes() const { return size_bytes_; }

 private:
  struct Entry {
    std::string name;
    int64_t offset = 0;
    int64_t size = 0;
  };
  std::vector<Entry> entries_;
  int64_t size_bytes_ = 0;
};

inline int64_t AlignTo64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_PROGRAM_H_
