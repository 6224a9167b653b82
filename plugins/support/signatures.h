// The operands of every operation as data: the comments of shoal_op_kind, in a form that a program
// can be checked against. A new operation is one more row here.
#pragma once

#include <cstdint>

#include "plugins/abi/shoal_backend.h"

namespace shoal::plugins {

enum class Element {
  kUnused,   // no operand at this place
  kAct,      // the program's act_dtype
  kReal,     // f32, or f64 in an f64 program
  kEither,   // kAct or kReal
  kFloat,    // any of f32, bf16 and, in an f64 program, f64
  kBf16,     // bf16
  kInteger,  // i32
};

// `shape` has one letter per dimension. A capital letter stands for the same extent throughout an
// operation; q, o, g, h are (H + 2G) C, H C, G C and H of an attention; 1 is one; "n" alone is a
// flat tensor of any rank, whose element count is the same throughout.
struct Operand {
  const char* name = nullptr;
  Element element = Element::kUnused;
  const char* shape = nullptr;
  bool optional = false;
};

struct Signature {
  int32_t kind;
  const char* name;
  Operand inputs[SHOAL_MAX_INPUTS];
  Operand outputs[SHOAL_MAX_OUTPUTS];
};

namespace internal {
inline constexpr Element kA = Element::kAct, kR = Element::kReal, kE = Element::kEither,
                         kF = Element::kFloat, kB = Element::kBf16, kI = Element::kInteger;
inline constexpr bool kOptional = true;
}  // namespace internal

// The row of `kind`, or null for a kind this header does not know.
inline const Signature* FindSignature(int32_t kind) {
  using namespace internal;  // NOLINT: one-letter element types keep the table readable
  static constexpr Signature kSignatures[] = {
      {SHOAL_OP_EMBEDDING,
       "EMBEDDING",
       {{"tokens", kI, "N"},
        {"table", kR, "VD"},
        {"positions", kI, "N", kOptional},
        {"pos_table", kR, "PD", kOptional},
        {"segments", kI, "N", kOptional},
        {"segment_table", kR, "GD", kOptional}},
       {{"x", kR, "ND"}}},
      {SHOAL_OP_EMBEDDING_BACKWARD,
       "EMBEDDING_BACKWARD",
       {{"dx", kR, "ND"},
        {"tokens", kI, "N"},
        {"positions", kI, "N", kOptional},
        {"segments", kI, "N", kOptional}},
       {{"dtable", kR, "VD"},
        {"dpos_table", kR, "PD", kOptional},
        {"dsegment_table", kR, "GD", kOptional}}},
      {SHOAL_OP_LINEAR,
       "LINEAR",
       {{"x", kA, "NK"}, {"w", kA, "MK"}, {"b", kR, "M", kOptional}},
       {{"y", kE, "NM"}, {"pre", kA, "NM", kOptional}}},
      {SHOAL_OP_LINEAR_BACKWARD_DATA,
       "LINEAR_BACKWARD_DATA",
       {{"dy", kA, "NM"}, {"w", kA, "MK"}, {"saved", kA, "NK", kOptional}},
       {{"dx", kE, "NK"}}},
      {SHOAL_OP_LINEAR_BACKWARD_WEIGHTS,
       "LINEAR_BACKWARD_WEIGHTS",
       {{"dy", kA, "NM"}, {"x", kA, "NK"}},
       {{"dw", kR, "MK"}, {"db", kR, "M", kOptional}}},
      {SHOAL_OP_NORM,
       "NORM",
       {{"x", kR, "ND"},
        {"gamma", kR, "D"},
        {"beta", kR, "D", kOptional},
        {"branch", kA, "ND", kOptional}},
       {{"y", kE, "ND"},
        {"sum", kR, "ND", kOptional},
        {"mean", kR, "N", kOptional},
        {"rstd", kR, "N", kOptional}}},
      {SHOAL_OP_NORM_BACKWARD,
       "NORM_BACKWARD",
       {{"dy", kE, "ND"},
        {"sum", kR, "ND"},
        {"gamma", kR, "D"},
        {"mean", kR, "N", kOptional},
        {"rstd", kR, "N"},
        {"dskip", kR, "ND", kOptional}},
       {{"dsum", kR, "ND"},
        {"dgamma", kR, "D"},
        {"dbeta", kR, "D", kOptional},
        {"dbranch", kA, "ND", kOptional}}},
      {SHOAL_OP_ATTENTION,
       "ATTENTION",
       {{"qkv", kA, "Nq"}, {"offsets", kI, "T"}},
       {{"out", kA, "No"}, {"lse", kR, "Nh", kOptional}}},
      {SHOAL_OP_ATTENTION_BACKWARD,
       "ATTENTION_BACKWARD",
       {{"dout", kA, "No"},
        {"qkv", kA, "Nq"},
        {"out", kA, "No"},
        {"lse", kR, "Nh"},
        {"offsets", kI, "T"}},
       {{"dqkv", kA, "Nq"}}},
      {SHOAL_OP_ADD, "ADD", {{"a", kE, "ND"}, {"b", kE, "ND"}}, {{"out", kE, "ND"}}},
      {SHOAL_OP_DROPOUT, "DROPOUT", {{"x", kF, "n"}}, {{"y", kF, "n"}}},
      {SHOAL_OP_ACTIVATION, "ACTIVATION", {{"x", kE, "n"}}, {{"y", kE, "n"}}},
      {SHOAL_OP_ACTIVATION_BACKWARD,
       "ACTIVATION_BACKWARD",
       {{"dy", kE, "n"}, {"saved", kE, "n"}},
       {{"dx", kE, "n"}}},
      {SHOAL_OP_CROSS_ENTROPY,
       "CROSS_ENTROPY",
       {{"logits", kE, "NV"}, {"targets", kI, "N"}},
       {{"loss", kR, "N"}, {"dlogits", kE, "NV", kOptional}}},
      {SHOAL_OP_LINEAR_CROSS_ENTROPY,
       "LINEAR_CROSS_ENTROPY",
       {{"h", kA, "ND"}, {"w", kA, "VD"}, {"targets", kI, "N"}, {"b", kR, "V", kOptional}},
       {{"loss", kR, "N"},
        {"dh", kA, "ND", kOptional},
        {"dw", kR, "VD", kOptional},
        {"db", kR, "V", kOptional}}},
      {SHOAL_OP_SUM, "SUM", {{"x", kR, "n"}}, {{"total", kR, "1"}}},
      {SHOAL_OP_GLOBAL_NORM, "GLOBAL_NORM", {{"x", kR, "n"}}, {{"norm", kR, "1"}}},
      {SHOAL_OP_ADAMW,
       "ADAMW",
       {{"g", kR, "n"}, {"norm", kR, "1", kOptional}},
       {{"p", kR, "n"}, {"m", kR, "n"}, {"v", kR, "n"}, {"copy", kB, "n", kOptional}}},
      {SHOAL_OP_CAST, "CAST", {{"x", kF, "n"}}, {{"y", kF, "n"}}},
      {SHOAL_OP_FILL, "FILL", {}, {{"y", kF, "n"}}},
      {SHOAL_OP_GATHER_ROWS,
       "GATHER_ROWS",
       {{"x", kF, "ND"}, {"rows", kI, "R"}},
       {{"y", kF, "RD"}}},
      {SHOAL_OP_ATTENTION_CACHED,
       "ATTENTION_CACHED",
       {{"qkv", kA, "Nq"}},
       {{"out", kA, "No"}, {"k_cache", kA, "Pg"}, {"v_cache", kA, "Pg"}}},
      {SHOAL_OP_ROPE, "ROPE", {{"qkv", kA, "Nq"}, {"positions", kI, "N"}}, {{"turned", kA, "Nq"}}},
      {SHOAL_OP_GLU, "GLU", {{"gate_up", kA, "NE"}}, {{"y", kA, "NF"}}},
      {SHOAL_OP_GLU_BACKWARD,
       "GLU_BACKWARD",
       {{"dy", kA, "NF"}, {"gate_up", kA, "NE"}},
       {{"dgate_up", kA, "NE"}}},
      {SHOAL_OP_SCATTER_ROWS,
       "SCATTER_ROWS",
       {{"dy", kE, "RD"}, {"rows", kI, "R"}},
       {{"dx", kE, "ND"}}},
      {SHOAL_OP_MEAN_POOL, "MEAN_POOL", {{"x", kE, "ND"}, {"offsets", kI, "T"}}, {{"y", kE, "RD"}}},
      {SHOAL_OP_MEAN_POOL_BACKWARD,
       "MEAN_POOL_BACKWARD",
       {{"dy", kE, "RD"}, {"offsets", kI, "T"}},
       {{"dx", kE, "ND"}}},
      {SHOAL_OP_SCALE, "SCALE", {{"x", kE, "n"}}, {{"y", kE, "n"}}},
      {SHOAL_OP_SOFTMAX, "SOFTMAX", {{"logits", kE, "NV"}}, {{"p", kR, "NV"}}},
      {SHOAL_OP_DISTILLATION_LOSS,
       "DISTILLATION_LOSS",
       {{"logits", kE, "NV"}, {"targets", kI, "N"}, {"p", kR, "NV"}},
       {{"loss", kR, "N"}, {"dlogits", kE, "NV", kOptional}}},
      {SHOAL_OP_MUON,
       "MUON",
       {{"g", kR, "MK"}, {"norm", kR, "1", kOptional}},
       {{"p", kR, "MK"}, {"m", kR, "MK"}, {"copy", kB, "MK", kOptional}}},
      {SHOAL_OP_MOVING_AVERAGE,
       "MOVING_AVERAGE",
       {{"x", kR, "n"}},
       {{"average", kR, "n"}, {"copy", kB, "n", kOptional}}},
      {SHOAL_OP_ATTENTION_PROBABILITIES,
       "ATTENTION_PROBABILITIES",
       {{"qkv", kA, "Nq"}, {"offsets", kI, "T"}},
       {{"a", kR, "NA"}}},
  };
  for (const Signature& signature : kSignatures) {
    if (signature.kind == kind) return &signature;
  }
  return nullptr;
}

// "LINEAR", or "UNKNOWN".
inline const char* OpName(int32_t kind) {
  const Signature* signature = FindSignature(kind);
  return signature == nullptr ? "UNKNOWN" : signature->name;
}

}  // namespace shoal::plugins
