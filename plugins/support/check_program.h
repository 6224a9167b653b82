// Checks a recorded program against the contract: what plan() must refuse before step 0.
//
// A backend that has accepted a program through CheckProgram may rely on every operand being
// present unless optional, of the right type and shape, inside its buffer, and on every attribute
// being in range; it then only refuses, with UNIMPLEMENTED, what it cannot do itself. Codes:
// INVALID_ARGUMENT for a program that breaks the contract, UNIMPLEMENTED for an operation kind that
// is not known here.
#pragma once

#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/check_attributes.h"
#include "plugins/support/program.h"
#include "plugins/support/signatures.h"
#include "plugins/support/status.h"

namespace shoal::plugins {
namespace internal {

// Checks one operation's operands and binds its shape letters along the way.
class OperandChecker {
 public:
  OperandChecker(const shoal_program& program, int32_t index, shoal_status* status)
      : program_(program), index_(index), op_(program.ops[index]), status_(status) {}

  int32_t Check(const Signature& signature) {
    signature_ = &signature;
    for (int32_t i = 0; i < SHOAL_MAX_INPUTS; ++i) {
      if (int32_t code = CheckOperand("input", i, signature.inputs[i], op_.inputs[i])) return code;
    }
    for (int32_t i = 0; i < SHOAL_MAX_OUTPUTS; ++i) {
      if (int32_t code = CheckOperand("output", i, signature.outputs[i], op_.outputs[i]))
        return code;
    }
    return kOk;
  }

 private:
  struct Binding {
    int64_t size = 0;  // 0: not bound yet
    int32_t extent = SHOAL_EXTENT_FIXED;
    const char* operand = nullptr;  // who bound it
  };

  int32_t CheckOperand(const char* side, int32_t place, const Operand& operand, int32_t number) {
    side_ = side;
    place_ = place;
    operand_ = &operand;
    if (number == SHOAL_NO_SLOT) {
      if (operand.element == Element::kUnused || operand.optional) return kOk;
      return Refuse("is required, but no slot is given");
    }
    if (operand.element == Element::kUnused)
      return Refuse("is not used by this operation, but names a slot");
    if (number < 0 || number >= program_.slot_count) {
      return Fail(status_, kInvalidArgument,
                  "operation %d (%s \"%s\"): %s %d (%s) is slot %d of %d", index_, signature_->name,
                  Label(), side_, place_, operand.name, number, program_.slot_count);
    }
    number_ = number;
    const shoal_slot& slot = program_.slots[number];
    if (!Accepts(operand.element, slot.dtype)) return Refuse("has a type that does not fit");
    if (operand.shape[0] == 'n') return BindFlat(slot);
    int32_t rank = 0;
    while (operand.shape[rank] != '\0') ++rank;
    if (slot.rank != rank) return Refuse("has a rank that does not fit");
    for (int32_t d = 0; d < rank; ++d) {
      if (int32_t code = Bind(slot, d)) return code;
    }
    return kOk;
  }

  bool Accepts(Element element, int32_t dtype) const {
    const int32_t act = program_.act_dtype;
    const int32_t real = act == SHOAL_DTYPE_F64 ? SHOAL_DTYPE_F64 : SHOAL_DTYPE_F32;
    switch (element) {
      case Element::kAct:
        return dtype == act;
      case Element::kReal:
        return dtype == real;
      case Element::kEither:
        return dtype == act || dtype == real;
      case Element::kFloat:
        return dtype == real || dtype == SHOAL_DTYPE_F32 || dtype == SHOAL_DTYPE_BF16;
      case Element::kBf16:
        return dtype == SHOAL_DTYPE_BF16;
      case Element::kInteger:
        return dtype == SHOAL_DTYPE_I32;
      case Element::kUnused:
        break;
    }
    return false;
  }

  // Dimension d of `slot` against its letter: a size known from the attributes, or equal to the
  // first use.
  int32_t Bind(const shoal_slot& slot, int32_t d) {
    const char letter = operand_->shape[d];
    const int64_t size = slot.dims[d];
    const int32_t extent = d == 0 ? slot.extent : SHOAL_EXTENT_FIXED;
    const auto& attention = op_.attr.attention;
    const int64_t heads = attention.heads, kv_heads = attention.kv_heads,
                  width = attention.head_dim;
    switch (letter) {
      case '1':
        return size == 1 && extent == SHOAL_EXTENT_FIXED ? kOk : Expect(d, 1, "the contract");
      case 'q':
        return size == (heads + 2 * kv_heads) * width
                   ? kOk
                   : Expect(d, (heads + 2 * kv_heads) * width, "the heads");
      case 'o':
        return size == heads * width ? kOk : Expect(d, heads * width, "the heads");
      case 'g':
        return size == kv_heads * width ? kOk : Expect(d, kv_heads * width, "the heads");
      case 'h':
        return size == heads ? kOk : Expect(d, heads, "the heads");
      default:
        return BindTo(letters_[letter - 'A'], d, size, extent);
    }
  }

  int32_t BindTo(Binding& binding, int32_t d, int64_t size, int32_t extent) {
    if (binding.size == 0) {
      binding = {size, extent, operand_->name};
      return kOk;
    }
    if (binding.size != size) return Expect(d, binding.size, binding.operand);
    if (binding.extent != extent) {
      return Fail(status_, kInvalidArgument,
                  "operation %d (%s \"%s\"): %s %d (%s, slot %d) has extent kind %d, but %s has %d",
                  index_, signature_->name, Label(), side_, place_, operand_->name, number_, extent,
                  binding.operand, binding.extent);
    }
    return kOk;
  }

  // Flat tensors: equal element counts; where the first dimension varies, equal first dimensions
  // too.
  int32_t BindFlat(const shoal_slot& slot) {
    const int64_t first = slot.extent == SHOAL_EXTENT_FIXED ? 1 : slot.dims[0];
    if (int32_t code = BindTo(flat_first_, 0, first, slot.extent)) return code;
    return BindTo(flat_count_, 0, Capacity(slot), slot.extent);
  }

  int32_t Expect(int32_t d, int64_t expected, const char* because) {
    return Fail(status_, kInvalidArgument,
                "operation %d (%s \"%s\"): %s %d (%s, slot %d) has size %lld in dimension %d, "
                "expected %lld as set by %s",
                index_, signature_->name, Label(), side_, place_, operand_->name, number_,
                static_cast<long long>(program_.slots[number_].dims[d]), d,
                static_cast<long long>(expected), because);
  }

  int32_t Refuse(const char* what) {
    const int32_t number = side_[0] == 'i' ? op_.inputs[place_] : op_.outputs[place_];
    const bool known = number >= 0 && number < program_.slot_count;
    return Fail(status_, kInvalidArgument,
                "operation %d (%s \"%s\"): %s %d (%s, slot %d, %s, rank %d) %s", index_,
                signature_->name, Label(), side_, place_,
                operand_->name == nullptr ? "-" : operand_->name, number,
                known ? DtypeName(program_.slots[number].dtype) : "-",
                known ? program_.slots[number].rank : 0, what);
  }

  const char* Label() const { return op_.label == nullptr ? "" : op_.label; }

  const shoal_program& program_;
  const int32_t index_;
  const shoal_op& op_;
  shoal_status* const status_;
  const Signature* signature_ = nullptr;
  // The operand being checked.
  const char* side_ = "";
  int32_t place_ = 0, number_ = 0;
  const Operand* operand_ = nullptr;
  Binding letters_[26];
  Binding flat_first_, flat_count_;
};

inline int32_t CheckSlot(const shoal_program& program, int32_t i, int64_t buffer_size,
                         shoal_status* status) {
  const shoal_slot& slot = program.slots[i];
  if (slot.extent < SHOAL_EXTENT_FIXED || slot.extent > SHOAL_EXTENT_SELECTED) {
    return Fail(status, kInvalidArgument, "slot %d has unknown extent kind %d", i, slot.extent);
  }
  int64_t bytes = ElementSize(slot.dtype);
  for (int32_t d = 0; d < slot.rank; ++d) {
    if (slot.dims[d] < 1 || __builtin_mul_overflow(bytes, slot.dims[d], &bytes)) {
      return Fail(status, kInvalidArgument, "slot %d has impossible size %lld in dimension %d", i,
                  static_cast<long long>(slot.dims[d]), d);
    }
  }
  if (slot.offset_bytes < 0 || slot.offset_bytes % 64 != 0) {
    return Fail(status, kInvalidArgument, "slot %d has offset %lld, which is not a multiple of 64",
                i, static_cast<long long>(slot.offset_bytes));
  }
  if (slot.offset_bytes > buffer_size || bytes > buffer_size - slot.offset_bytes) {
    return Fail(status, kInvalidArgument,
                "slot %d needs %lld bytes at offset %lld, but buffer %d has only %lld bytes", i,
                static_cast<long long>(bytes), static_cast<long long>(slot.offset_bytes),
                slot.buffer, static_cast<long long>(buffer_size));
  }
  return kOk;
}

// Counts and pointers of the program itself.
inline int32_t CheckFrame(const shoal_program* program, shoal_status* status) {
  if (int32_t code = CheckStruct(program, "program", kMinimumSize<shoal_program>, status))
    return code;
  const int32_t act = program->act_dtype;
  if (act != SHOAL_DTYPE_F32 && act != SHOAL_DTYPE_BF16 && act != SHOAL_DTYPE_F64) {
    return Fail(status, kInvalidArgument, "act_dtype %d is not a float type", act);
  }
  if (program->slot_count < 0 || program->op_count < 0 || program->buffer_count < 0 ||
      program->buffer_count > SHOAL_MAX_BUFFERS) {
    return Fail(status, kInvalidArgument,
                "a program of %d slots, %d operations, %d buffers (at most %d) is impossible",
                program->slot_count, program->op_count, program->buffer_count, SHOAL_MAX_BUFFERS);
  }
  if ((program->slot_count > 0 && program->slots == nullptr) ||
      (program->op_count > 0 && program->ops == nullptr) ||
      (program->buffer_count > 0 && program->buffers == nullptr)) {
    return Fail(status, kInvalidArgument, "the program's slots, ops or buffers are null");
  }
  return kOk;
}

}  // namespace internal

// Every slot: types, ranks, sizes, alignment, and that it lies in its buffer. `buffer_size(buffer)`
// returns a buffer's bytes, or a negative number for one that is not the device's.
template <class BufferSize>
int32_t CheckSlots(const shoal_program* program, BufferSize&& buffer_size, shoal_status* status) {
  if (int32_t code = internal::CheckFrame(program, status)) return code;
  int64_t sizes[SHOAL_MAX_BUFFERS] = {};
  for (int32_t i = 0; i < program->buffer_count; ++i) {
    sizes[i] = buffer_size(program->buffers[i]);
    if (sizes[i] < 0) {
      return Fail(status, kInvalidArgument,
                  "buffer %d of the program does not belong to this device", i);
    }
  }
  for (int32_t i = 0; i < program->slot_count; ++i) {
    const shoal_slot& slot = program->slots[i];
    if (ElementSize(slot.dtype) == 0) {
      return Fail(status, kInvalidArgument, "slot %d has unknown dtype %d", i, slot.dtype);
    }
    if (slot.rank < 1 || slot.rank > SHOAL_MAX_RANK) {
      return Fail(status, kInvalidArgument, "slot %d has rank %d, expected 1 to %d", i, slot.rank,
                  SHOAL_MAX_RANK);
    }
    if (slot.buffer < 0 || slot.buffer >= program->buffer_count) {
      return Fail(status, kInvalidArgument, "slot %d lies in buffer %d, but the program has %d", i,
                  slot.buffer, program->buffer_count);
    }
    if (int32_t code = internal::CheckSlot(*program, i, sizes[slot.buffer], status)) return code;
  }
  return kOk;
}

// The whole program: slots, then every operation. `backend` is named when a kind is unknown.
template <class BufferSize>
int32_t CheckProgram(const shoal_program* program, const char* backend, BufferSize&& buffer_size,
                     shoal_status* status) {
  if (int32_t code = CheckSlots(program, buffer_size, status)) return code;
  for (int32_t i = 0; i < program->op_count; ++i) {
    const shoal_op& op = program->ops[i];
    const Signature* signature = FindSignature(op.kind);
    if (signature == nullptr) {
      return Fail(status, kUnimplemented,
                  "backend %s does not know operation kind %d (operation %d, \"%s\")", backend,
                  op.kind, i, op.label == nullptr ? "" : op.label);
    }
    if (int32_t code = CheckAttributes(*program, i, signature->name, status)) return code;
    if (int32_t code = internal::OperandChecker(*program, i, status).Check(*signature)) return code;
    if (int32_t code = CheckPairs(*program, i, signature->name, status)) return code;
  }
  return kOk;
}

}  // namespace shoal::plugins
