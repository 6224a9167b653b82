// The part of CheckProgram (check_program.h) that concerns an operation's attributes, and operands
// that make sense only together.
#pragma once

#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/status.h"

namespace shoal::plugins {
namespace internal {

// Each method returns true for a value in range; the first that does not has written the sentence.
class AttributeChecker {
 public:
  AttributeChecker(const shoal_op& op, int32_t index, const char* name, shoal_status* status)
      : op_(op), index_(index), name_(name), status_(status) {}

  bool InRange(const char* attribute, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return true;
    Fail(status_, kInvalidArgument, "operation %d (%s \"%s\"): %s is %lld, expected %lld to %lld",
         index_, name_, Label(), attribute, static_cast<long long>(value),
         static_cast<long long>(low), static_cast<long long>(high));
    return false;
  }
  bool Write(const char* attribute, int32_t write) {
    return InRange(attribute, write, SHOAL_WRITE_OVERWRITE, SHOAL_WRITE_BY_SCALAR);
  }
  bool Activation(int32_t activation) {
    return InRange("activation", activation, SHOAL_ACTIVATION_NONE, SHOAL_ACTIVATION_TANH);
  }
  // Written so that NaN is refused.
  bool Number(const char* attribute, float value, bool good, const char* expected) {
    if (good) return true;
    Fail(status_, kInvalidArgument, "operation %d (%s \"%s\"): %s is %g, expected %s", index_,
         name_, Label(), attribute, static_cast<double>(value), expected);
    return false;
  }
  bool Finite(const char* attribute, float value) {
    return Number(attribute, value, value - value == 0, "a finite number");
  }
  bool Smoothing(float s) { return Number("label_smoothing", s, s >= 0 && s < 1, "0 <= s < 1"); }
  bool Dropout(float p) { return Number("dropout", p, p >= 0 && p < 1, "0 <= p < 1"); }

  template <class Attributes>
  bool Heads(const Attributes& a) {
    constexpr int64_t kMost = 1 << 16;
    return InRange("heads", a.heads, 1, kMost) && InRange("kv_heads", a.kv_heads, 1, a.heads) &&
           InRange("head_dim", a.head_dim, 1, kMost) &&
           InRange("heads modulo kv_heads", a.heads % a.kv_heads, 0, 0);
  }

  bool Attention() {
    const auto& a = op_.attr.attention;
    if (!Heads(a) || !InRange("mask", a.mask, SHOAL_MASK_CAUSAL, SHOAL_MASK_SLIDING)) return false;
    if (a.mask == SHOAL_MASK_SLIDING && !InRange("window", a.window, 1, INT64_MAX)) return false;
    return Dropout(a.dropout) && Finite("scale", a.scale);
  }

  bool Rope() {
    const auto& a = op_.attr.rope;
    return Heads(a) && InRange("head_dim modulo 2", a.head_dim % 2, 0, 0) &&
           InRange("interleaved", a.interleaved, 0, 1) && InRange("inverse", a.inverse, 0, 1) &&
           Number("theta", a.theta, a.theta > 0 && a.theta - a.theta == 0, "> 0");
  }

  bool Distillation() {
    const auto& a = op_.attr.distillation;
    return Number("temperature", a.temperature,
                  a.temperature > 0 && a.temperature - a.temperature == 0, "> 0") &&
           Number("weight", a.weight, a.weight >= 0 && a.weight <= 1, "0 to 1") &&
           Smoothing(a.label_smoothing) && InRange("real_vocab", a.real_vocab, 0, INT32_MAX);
  }

  bool Adamw() {
    const auto& a = op_.attr.adamw;
    return Number("beta1", a.beta1, a.beta1 >= 0 && a.beta1 < 1, "0 <= beta1 < 1") &&
           Number("beta2", a.beta2, a.beta2 >= 0 && a.beta2 < 1, "0 <= beta2 < 1") &&
           Number("eps", a.eps, a.eps > 0, "> 0") &&
           Number("lr_multiplier", a.lr_multiplier, a.lr_multiplier > 0, "> 0") &&
           Number("clip", a.clip, a.clip <= 0 || op_.inputs[1] != SHOAL_NO_SLOT,
                  "no clipping without a norm slot");
  }

  bool Muon() {
    const auto& a = op_.attr.muon;
    return Number("momentum", a.momentum, a.momentum >= 0 && a.momentum < 1, "0 <= momentum < 1") &&
           InRange("iterations", a.iterations, 1, 64) &&
           Number("lr_multiplier", a.lr_multiplier, a.lr_multiplier > 0, "> 0") &&
           Number("clip", a.clip, a.clip <= 0 || op_.inputs[1] != SHOAL_NO_SLOT,
                  "no clipping without a norm slot");
  }

 private:
  const char* Label() const { return op_.label == nullptr ? "" : op_.label; }

  const shoal_op& op_;
  const int32_t index_;
  const char* const name_;
  shoal_status* const status_;
};

}  // namespace internal

// Attributes in range. Operation `index` of the program, called `name` in messages.
inline int32_t CheckAttributes(const shoal_program& program, int32_t index, const char* name,
                               shoal_status* status) {
  const shoal_op& op = program.ops[index];
  internal::AttributeChecker check(op, index, name, status);
  bool good = true;
  switch (op.kind) {
    case SHOAL_OP_EMBEDDING:
      good = check.Dropout(op.attr.embedding.dropout);
      break;
    case SHOAL_OP_EMBEDDING_BACKWARD:
      good = check.Write("write", op.attr.embedding.write) &&
             check.Dropout(op.attr.embedding.dropout) &&
             check.Write("write_positions", op.attr.embedding.write_positions) &&
             check.Write("write_segments", op.attr.embedding.write_segments);
      break;
    case SHOAL_OP_LINEAR:
    case SHOAL_OP_LINEAR_BACKWARD_DATA:
      good = check.Activation(op.attr.linear.activation);
      break;
    case SHOAL_OP_LINEAR_BACKWARD_WEIGHTS:
      good = check.Write("write", op.attr.linear.write);
      break;
    case SHOAL_OP_CROSS_ENTROPY:
    case SHOAL_OP_LINEAR_CROSS_ENTROPY:
      good = check.Write("write", op.attr.linear.write) &&
             check.InRange("real_vocab", op.attr.linear.real_vocab, 0, INT32_MAX) &&
             check.InRange("block_rows", op.attr.linear.block_rows, 0, INT32_MAX) &&
             check.Smoothing(op.attr.linear.label_smoothing);
      break;
    case SHOAL_OP_NORM:
    case SHOAL_OP_NORM_BACKWARD:
      good = check.InRange("norm kind", op.attr.norm.kind, 0, 1) &&
             check.Write("write", op.attr.norm.write) && check.Dropout(op.attr.norm.dropout) &&
             check.Number("eps", op.attr.norm.eps, op.attr.norm.eps >= 0, ">= 0");
      break;
    case SHOAL_OP_ATTENTION:
    case SHOAL_OP_ATTENTION_BACKWARD:
    case SHOAL_OP_ATTENTION_PROBABILITIES:
      good = check.Attention();
      break;
    case SHOAL_OP_ATTENTION_CACHED:
      good = check.Attention() &&
             (op.attr.attention.mask != SHOAL_MASK_FULL ||
              check.InRange("mask of a cached attention", op.attr.attention.mask, 0, 0));
      break;
    case SHOAL_OP_ADD:
    case SHOAL_OP_DROPOUT:
      good = check.Dropout(op.attr.dropout.dropout);
      break;
    case SHOAL_OP_ACTIVATION:
    case SHOAL_OP_ACTIVATION_BACKWARD:
      good = check.Activation(op.attr.activation.activation);
      break;
    case SHOAL_OP_ADAMW:
      good = check.Adamw();
      break;
    case SHOAL_OP_ROPE:
      good = check.Rope();
      break;
    case SHOAL_OP_GLU:
    case SHOAL_OP_GLU_BACKWARD:
      good = check.InRange("activation", op.attr.activation.activation, SHOAL_ACTIVATION_RELU,
                           SHOAL_ACTIVATION_SILU);
      break;
    case SHOAL_OP_SCALE:
      good = check.Finite("value", op.attr.scale.value) &&
             check.InRange("write", op.attr.scale.write, SHOAL_WRITE_OVERWRITE, SHOAL_WRITE_ADD);
      break;
    case SHOAL_OP_SOFTMAX:
      good =
          check.Number("scale", op.attr.softmax.scale, op.attr.softmax.scale > 0, "> 0") &&
          check.Finite("weight", op.attr.softmax.weight) &&
          check.InRange("write", op.attr.softmax.write, SHOAL_WRITE_OVERWRITE, SHOAL_WRITE_ADD) &&
          check.InRange("real_vocab", op.attr.softmax.real_vocab, 0, INT32_MAX);
      break;
    case SHOAL_OP_DISTILLATION_LOSS:
      good = check.Distillation();
      break;
    case SHOAL_OP_MUON:
      good = check.Muon();
      break;
    case SHOAL_OP_MOVING_AVERAGE:
      good = check.Number("decay", op.attr.moving_average.decay,
                          op.attr.moving_average.decay >= 0 && op.attr.moving_average.decay <= 1,
                          "0 to 1");
      break;
    default:
      break;
  }
  return good ? kOk : kInvalidArgument;
}

// Optional operands that need one another, and sizes bounded by an attribute. Operands are already
// checked.
inline int32_t CheckPairs(const shoal_program& program, int32_t index, const char* name,
                          shoal_status* status) {
  const shoal_op& op = program.ops[index];
  const auto has = [](int32_t slot) { return slot != SHOAL_NO_SLOT; };
  const auto size = [&](int32_t slot, int d) { return program.slots[slot].dims[d]; };
  const char* broken = nullptr;
  switch (op.kind) {
    case SHOAL_OP_EMBEDDING:
      if (has(op.inputs[2]) != has(op.inputs[3]))
        broken = "positions and pos_table come together or not at all";
      if (has(op.inputs[4]) != has(op.inputs[5]))
        broken = "segments and segment_table come together or not at all";
      break;
    case SHOAL_OP_EMBEDDING_BACKWARD:
      if (has(op.outputs[1]) && !has(op.inputs[2])) broken = "dpos_table needs positions";
      if (has(op.outputs[2]) && !has(op.inputs[3])) broken = "dsegment_table needs segments";
      break;
    case SHOAL_OP_LINEAR_BACKWARD_DATA:
      if (has(op.inputs[2]) != (op.attr.linear.activation != SHOAL_ACTIVATION_NONE)) {
        broken = "saved is given exactly when there is an activation";
      }
      break;
    case SHOAL_OP_NORM:
      if (has(op.inputs[3]) != has(op.outputs[1]))
        broken = "branch and sum come together or not at all";
      break;
    case SHOAL_OP_NORM_BACKWARD:
      if (op.attr.norm.kind == 0 && !has(op.inputs[3])) broken = "LayerNorm needs mean";
      break;
    case SHOAL_OP_CROSS_ENTROPY:
      if (op.attr.linear.real_vocab > size(op.inputs[0], 1)) broken = "real_vocab exceeds V";
      break;
    case SHOAL_OP_LINEAR_CROSS_ENTROPY:
      if (op.attr.linear.real_vocab > size(op.inputs[1], 0)) broken = "real_vocab exceeds V";
      break;
    case SHOAL_OP_SOFTMAX:
      if (op.attr.softmax.real_vocab > size(op.inputs[0], 1)) broken = "real_vocab exceeds V";
      break;
    case SHOAL_OP_DISTILLATION_LOSS:
      if (op.attr.distillation.real_vocab > size(op.inputs[0], 1)) broken = "real_vocab exceeds V";
      break;
    case SHOAL_OP_GLU:
      if (size(op.inputs[0], 1) != 2 * size(op.outputs[0], 1))
        broken = "gate_up is not twice as wide as y";
      break;
    case SHOAL_OP_GLU_BACKWARD:
      if (size(op.inputs[1], 1) != 2 * size(op.inputs[0], 1))
        broken = "gate_up is not twice as wide as dy";
      break;
    case SHOAL_OP_ATTENTION_PROBABILITIES:
      if (size(op.outputs[0], 1) % op.attr.attention.heads != 0)
        broken = "the width of a is not a multiple of the heads";
      break;
    case SHOAL_OP_GATHER_ROWS:
      if (program.slots[op.inputs[0]].dtype != program.slots[op.outputs[0]].dtype)
        broken = "x and y differ in type";
      break;
    default:
      break;
  }
  if (broken == nullptr) return kOk;
  return Fail(status, kInvalidArgument, "operation %d (%s \"%s\"): %s", index, name,
              op.label == nullptr ? "" : op.label, broken);
}

}  // namespace shoal::plugins
