#include "worker/engine/program/planner.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "core/base/check.h"

namespace shoal::engine {
namespace {

// The life of one place in the arena; several slots when one is written over another.
struct Life {
  int first = std::numeric_limits<int>::max();
  int last = -1;
  int64_t size = 0;
  int64_t offset = -1;
  bool Meets(const Life& other) const { return first <= other.last && other.first <= last; }
};

class ArenaPlanner {
 public:
  explicit ArenaPlanner(Program& program)
      : program_(program), lives_(program.slots.size()), place_of_(program.slots.size()) {
    std::iota(place_of_.begin(), place_of_.end(), size_t{0});
  }

  void Run() {
    FindLives();
    ShareInPlace();
    Place();
    for (size_t i = 0; i < program_.slots.size(); ++i) {
      if (program_.slots[i].region != Region::kArena) continue;
      program_.slots[i].offset_bytes = std::max<int64_t>(lives_[place_of_[i]].offset, 0);
    }
  }

 private:
  void FindLives() {
    for (size_t i = 0; i < program_.ops.size(); ++i) {
      for (int32_t slot : program_.ops[i].code.inputs) Touch(slot, static_cast<int>(i));
      for (int32_t slot : program_.ops[i].code.outputs) Touch(slot, static_cast<int>(i));
    }
  }

  void Touch(int32_t slot, int op) {
    if (slot == SHOAL_NO_SLOT) return;
    const Slot& s = program_.slots[static_cast<size_t>(slot)];
    if (s.region != Region::kArena) return;
    Life& life = lives_[static_cast<size_t>(slot)];
    life.first = std::min(life.first, op);
    life.last = std::max(life.last, op);
    life.size = AlignTo64(s.size_bytes());
  }

  void ShareInPlace() {
    for (size_t i = 0; i < program_.ops.size(); ++i) {
      const Op& op = program_.ops[i];
      const auto share = [&](int input, int output) {
        Share(static_cast<int>(i), op.in(input), op.out(output));
      };
      switch (op.kind()) {
        case SHOAL_OP_NORM_BACKWARD:
          share(5, 0);
          break;
        case SHOAL_OP_CROSS_ENTROPY:
        case SHOAL_OP_DISTILLATION_LOSS:
          share(0, 1);
          break;
        case SHOAL_OP_ROPE:
          share(0, 0);
          break;
        case SHOAL_OP_GLU_BACKWARD:
          share(1, 0);
          break;
        case SHOAL_OP_SCALE:
          if (op.code.attr.scale.write == SHOAL_WRITE_OVERWRITE) share(0, 0);
          break;
        default:
          break;
      }
    }
  }

  // `input` dies at `op`, where `output` is born: the output is written over it.
  void Share(int op, int32_t input, int32_t output) {
    if (input == SHOAL_NO_SLOT || output == SHOAL_NO_SLOT) return;
    const Slot& in = program_.slots[static_cast<size_t>(input)];
    const Slot& out = program_.slots[static_cast<size_t>(output)];
    if (in.region != Region::kArena || out.region != Region::kArena || in.dtype != out.dtype ||
        in.shape != out.shape || lives_[static_cast<size_t>(input)].last != op) {
      return;
    }
    const size_t place = place_of_[static_cast<size_t>(input)];
    place_of_[static_cast<size_t>(output)] = place;
    Life& shared = lives_[place];
    const Life& born = lives_[static_cast<size_t>(output)];
    shared.last = std::max(shared.last, born.last);
  }

  void Place() {
    std::vector<size_t> order;
    for (size_t i = 0; i < lives_.size(); ++i) {
      if (lives_[i].last >= 0 && place_of_[i] == i) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return lives_[a].size > lives_[b].size; });
    std::vector<const Life*> placed;
    for (size_t i : order) {
      lives_[i].offset = SmallestGap(lives_[i], placed);
      program_.arena_bytes = std::max(program_.arena_bytes, lives_[i].offset + lives_[i].size);
      placed.push_back(&lives_[i]);
    }
  }

  static int64_t SmallestGap(const Life& life, const std::vector<const Life*>& placed) {
    std::vector<const Life*> alive;
    for (const Life* other : placed) {
      if (other->Meets(life)) alive.push_back(other);
    }
    std::sort(alive.begin(), alive.end(),
              [](const Life* a, const Life* b) { return a->offset < b->offset; });
    int64_t end = 0, best = -1, best_gap = std::numeric_limits<int64_t>::max();
    for (const Life* other : alive) {
      const int64_t gap = other->offset - end;
      if (gap >= life.size && gap < best_gap) {
        best = end;
        best_gap = gap;
      }
      end = std::max(end, other->offset + other->size);
    }
    return best >= 0 ? best : end;
  }

  Program& program_;
  std::vector<Life> lives_;       // of each slot; a shared place's is at its first slot
  std::vector<size_t> place_of_;  // slot -> the slot whose place it has
};

}  // namespace

void PlaceInArena(Program& program) {
  program.arena_bytes = 0;
  ArenaPlanner(program).Run();
}

absl::StatusOr<Plan> MakePlan(Device& device, const Program& program, const Buffers& buffers) {
  // Only what the operations name is handed over, so that no region is needed in vain.
  std::vector<int32_t> slot_number(program.slots.size(), SHOAL_NO_SLOT);
  std::array<int32_t, kRegionCount> buffer_number;
  buffer_number.fill(-1);
  std::vector<shoal_slot> slots;
  std::vector<shoal_buffer*> handles;

  auto number_of = [&](int32_t slot) {
    if (slot == SHOAL_NO_SLOT) return slot;
    int32_t& number = slot_number[static_cast<size_t>(slot)];
    if (number != SHOAL_NO_SLOT) return number;
    const Slot& from = program.slots[static_cast<size_t>(slot)];
    int32_t& buffer = buffer_number[static_cast<size_t>(from.region)];
    if (buffer < 0) {
      const Buffer* found = buffers[static_cast<size_t>(from.region)];
      SHOAL_CHECK(found != nullptr, "program ", program.name, " needs ", RegionName(from.region));
      buffer = static_cast<int32_t>(handles.size());
      handles.push_back(found->handle());
    }
    SHOAL_CHECK(from.offset_bytes >= 0, from.name, " has no place");
    shoal_slot to{};
    to.dtype = static_cast<int32_t>(from.dtype);
    to.extent = static_cast<int32_t>(from.shape.extent);
    to.rank = from.shape.rank;
    to.buffer = buffer;
    std::copy(from.shape.dims.begin(), from.shape.dims.end(), to.dims);
    to.offset_bytes = from.offset_bytes;
    number = static_cast<int32_t>(slots.size());
    slots.push_back(to);
    return number;
  };

  std::vector<shoal_op> ops;
  for (const Op& op : program.ops) {
    shoal_op code = op.code;
    for (int32_t& slot : code.inputs) slot = number_of(slot);
    for (int32_t& slot : code.outputs) slot = number_of(slot);
    code.label = op.label.c_str();
    ops.push_back(code);
  }

  shoal_program lowered{};
  lowered.struct_size = sizeof(lowered);
  lowered.name = program.name.c_str();
  lowered.act_dtype = static_cast<int32_t>(program.act);
  lowered.slot_count = static_cast<int32_t>(slots.size());
  lowered.op_count = static_cast<int32_t>(ops.size());
  lowered.buffer_count = static_cast<int32_t>(handles.size());
  lowered.slots = slots.data();
  lowered.ops = ops.data();
  lowered.buffers = handles.data();
  return device.MakePlan(lowered);
}

}  // namespace shoal::engine
