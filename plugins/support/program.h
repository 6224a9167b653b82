// A plan's own copy of a recorded program, and what of each slot a run uses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/signatures.h"
#include "plugins/support/status.h"

namespace shoal::plugins {

// The program need not outlive plan(), so a plan keeps this. Build it from a program that
// CheckProgram (check_program.h) has accepted. op.label points into `labels`, never null.
struct Program {
  std::string name;
  int32_t act_dtype = 0;
  std::vector<shoal_slot> slots;
  std::vector<shoal_op> ops;
  std::vector<shoal_buffer*> buffers;
  std::vector<std::string> labels;

  explicit Program(const shoal_program& source)
      : name(source.name == nullptr ? "" : source.name),
        act_dtype(source.act_dtype),
        slots(source.slots, source.slots + source.slot_count),
        ops(source.ops, source.ops + source.op_count),
        buffers(source.buffers, source.buffers + source.buffer_count) {
    labels.reserve(ops.size());
    for (const shoal_op& op : ops) labels.emplace_back(op.label == nullptr ? "" : op.label);
    for (size_t i = 0; i < ops.size(); ++i) ops[i].label = labels[i].c_str();
  }
  Program(const Program&) = delete;  // op labels point into this object
  Program& operator=(const Program&) = delete;
};

// Bytes of one element, 0 for an unknown type.
inline int64_t ElementSize(int32_t dtype) {
  switch (dtype) {
    case SHOAL_DTYPE_BF16:
      return 2;
    case SHOAL_DTYPE_F32:
    case SHOAL_DTYPE_I32:
      return 4;
    case SHOAL_DTYPE_F64:
      return 8;
    default:
      return 0;
  }
}

inline const char* DtypeName(int32_t dtype) {
  static constexpr const char* kNames[] = {"an unknown type", "f32", "bf16", "f64", "i32"};
  return dtype >= SHOAL_DTYPE_F32 && dtype <= SHOAL_DTYPE_I32 ? kNames[dtype] : kNames[0];
}

// Elements per entry of the first dimension.
inline int64_t InnerSize(const shoal_slot& slot) {
  int64_t size = 1;
  for (int32_t d = 1; d < slot.rank; ++d) size *= slot.dims[d];
  return size;
}

inline int64_t Capacity(const shoal_slot& slot) { return slot.dims[0] * InnerSize(slot); }

// How much of the first dimension a run uses.
inline int64_t UsedExtent(const shoal_slot& slot, const shoal_scalars& scalars) {
  switch (slot.extent) {
    case SHOAL_EXTENT_ROWS:
      return scalars.rows;
    case SHOAL_EXTENT_SEQUENCES_PLUS_1:
      return scalars.sequences + 1;
    case SHOAL_EXTENT_SELECTED:
      return scalars.selected;
    default:
      return slot.dims[0];
  }
}

// Refuses scalars that do not fit the program: every used extent must lie within its slot, and new
// rows within the caches they are appended to; pooling has one selected row per sequence.
inline int32_t CheckScalars(const Program& program, const shoal_scalars* scalars,
                            shoal_status* status) {
  if (int32_t code = CheckStruct(scalars, "scalars", kMinimumSize<shoal_scalars>, status))
    return code;
  if (scalars->rows < 0 || scalars->sequences < 0 || scalars->selected < 0 ||
      scalars->cache_length < 0) {
    return Fail(status, kInvalidArgument, "a count in scalars is negative");
  }
  static constexpr const char* kExtentNames[] = {"size", "rows", "sequences + 1", "selected"};
  for (size_t i = 0; i < program.slots.size(); ++i) {
    const shoal_slot& slot = program.slots[i];
    const int64_t used = UsedExtent(slot, *scalars);
    if (used <= slot.dims[0]) continue;
    return Fail(status, kInvalidArgument,
                "scalars ask for %lld %s, but slot %zu of program \"%s\" holds %lld",
                static_cast<long long>(used), kExtentNames[slot.extent], i, program.name.c_str(),
                static_cast<long long>(slot.dims[0]));
  }
  for (const shoal_op& op : program.ops) {
    const bool pools = op.kind == SHOAL_OP_MEAN_POOL || op.kind == SHOAL_OP_MEAN_POOL_BACKWARD;
    if (pools && scalars->selected != scalars->sequences) {
      return Fail(status, kInvalidArgument, "\"%s\": %lld selected rows for %lld sequences",
                  op.label, static_cast<long long>(scalars->selected),
                  static_cast<long long>(scalars->sequences));
    }
    if (op.kind != SHOAL_OP_ATTENTION_CACHED) continue;
    const int64_t rows = UsedExtent(program.slots[op.inputs[0]], *scalars);
    const int64_t places = program.slots[op.outputs[1]].dims[0];
    if (scalars->cache_length <= places - rows) continue;
    return Fail(status, kInvalidArgument,
                "\"%s\": %lld cached and %lld new rows exceed the cache of %lld", op.label,
                static_cast<long long>(scalars->cache_length), static_cast<long long>(rows),
                static_cast<long long>(places));
  }
  return kOk;
}

}  // namespace shoal::plugins
