#include "worker/engine/program/program.h"

#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/strings.h"

namespace shoal::engine {

std::string_view RegionName(Region region) {
  static constexpr std::array<std::string_view, kRegionCount> kNames = {
      "arena",   "master", "copy",  "gradient", "moment1",
      "moment2", "io",     "cache", "average",  "average copy"};
  return kNames[static_cast<size_t>(region)];
}

std::string_view OpName(int32_t kind) {
  static constexpr std::array<std::string_view, 35> kNames = {"INVALID",
                                                              "EMBEDDING",
                                                              "EMBEDDING_BACKWARD",
                                                              "LINEAR",
                                                              "LINEAR_BACKWARD_DATA",
                                                              "LINEAR_BACKWARD_WEIGHTS",
                                                              "NORM",
                                                              "NORM_BACKWARD",
                                                              "ATTENTION",
                                                              "ATTENTION_BACKWARD",
                                                              "ADD",
                                                              "DROPOUT",
                                                              "ACTIVATION",
                                                              "ACTIVATION_BACKWARD",
                                                              "CROSS_ENTROPY",
                                                              "LINEAR_CROSS_ENTROPY",
                                                              "SUM",
                                                              "GLOBAL_NORM",
                                                              "ADAMW",
                                                              "CAST",
                                                              "FILL",
                                                              "GATHER_ROWS",
                                                              "ATTENTION_CACHED",
                                                              "ROPE",
                                                              "GLU",
                                                              "GLU_BACKWARD",
                                                              "SCATTER_ROWS",
                                                              "MEAN_POOL",
                                                              "MEAN_POOL_BACKWARD",
                                                              "SCALE",
                                                              "SOFTMAX",
                                                              "DISTILLATION_LOSS",
                                                              "MUON",
                                                              "MOVING_AVERAGE",
                                                              "ATTENTION_PROBABILITIES"};
  return kind >= 0 && kind < static_cast<int32_t>(kNames.size()) ? kNames[static_cast<size_t>(kind)]
                                                                 : std::string_view("?");
}

Op::Op(shoal_op_kind kind, std::string op_label) : label(std::move(op_label)) {
  std::memset(&code, 0, sizeof(code));
  code.kind = kind;
  for (int32_t& slot : code.inputs) slot = SHOAL_NO_SLOT;
  for (int32_t& slot : code.outputs) slot = SHOAL_NO_SLOT;
}

Tensor Program::AddSlot(Slot slot) {
  slots.push_back(std::move(slot));
  return TensorOf(static_cast<int32_t>(slots.size()) - 1);
}

Tensor Program::NewTensor(std::string tensor_name, Dtype dtype, const Shape& shape) {
  Slot slot;
  slot.name = std::move(tensor_name);
  slot.dtype = dtype;
  slot.shape = shape;
  return AddSlot(std::move(slot));
}

Tensor Program::TensorOf(int32_t slot) const {
  if (slot == SHOAL_NO_SLOT) return {};
  const Slot& found = slots[static_cast<size_t>(slot)];
  return {slot, found.dtype, found.shape};
}

std::string Program::Listing() const {
  auto operand = [this](int32_t slot) {
    if (slot == SHOAL_NO_SLOT) return std::string("-");
    const Slot& s = slots[static_cast<size_t>(slot)];
    return StrCat(s.name, " ", DtypeName(s.dtype), s.shape.ToString());
  };
  auto operands = [&](const int32_t* list, int size) {
    while (size > 0 && list[size - 1] == SHOAL_NO_SLOT) --size;
    std::string text;
    for (int i = 0; i < size; ++i) StrAppend(text, i > 0 ? ", " : "", operand(list[i]));
    return text;
  };
  std::string text = StrCat("program ", name, ", act ", DtypeName(act), "\n");
  for (size_t i = 0; i < ops.size(); ++i) {
    const Op& op = ops[i];
    StrAppend(text, absl::Dec(i, absl::kSpacePad4), " ", OpName(op.code.kind), " ", op.label, ": ",
              operands(op.code.inputs, SHOAL_MAX_INPUTS), " -> ",
              operands(op.code.outputs, SHOAL_MAX_OUTPUTS), "\n");
  }
  StrAppend(text, "arena ", arena_bytes, " bytes\n");
  return text;
}

int64_t IoLayout::Place(std::string_view name, int64_t size_bytes) {
  for (const Entry& entry : entries_) {
    if (entry.name != name) continue;
    SHOAL_CHECK(size_bytes <= entry.size, name, " grew from ", entry.size, " to ", size_bytes);
    return entry.offset;
  }
  entries_.push_back({std::string(name), size_bytes_, size_bytes});
  size_bytes_ += AlignTo64(size_bytes);
  return entries_.back().offset;
}

int64_t IoLayout::OffsetOf(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return entry.offset;
  }
  SHOAL_CHECK(false, "no io tensor named ", name);
  return -1;
}

}  // namespace shoal::engine
