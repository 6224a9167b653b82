// A ModelSpec with every default and every "0 means ..." resolved: what counting and printing need.
// Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "shoal/v1/model.pb.h"

namespace shoal::spec {

enum class Head { kLm, kMlm, kClassifier };

// Shape letters: L layers, D d_model, F d_ff, H heads, G kv_heads, C head_dim, V vocabulary,
// P positions.
struct ModelShape {
  int64_t layers = 0, d_model = 0, heads = 0, kv_heads = 0, head_dim = 0, d_ff = 0;
  int64_t positions = 0;  // the longest context, whether positions are learned or not
  int64_t vocab = 0;
  int64_t segments = 0;  // rows of the segment embedding
  int64_t labels = 0;    // of a classifier
  int64_t window = 0;    // tokens that a token sees in a sliding layer; 0: no layer slides
  int64_t full_every = 0;
  bool causal = true;  // false: a token sees the whole sequence
  bool bias = true, norm_bias = true, tied_head = true;
  bool learned_positions = true;
  bool embedding_norm = false;
  bool post_norm = false;             // and so no norm at the end
  bool parallel_block = false;        // and so one norm a block
  bool gated = false;                 // feed-forward glu
  bool saves_pre_activation = false;  // GELU's backward needs its input; ReLU's only its output
  Head head = Head::kLm;
  bool cls_pooler = false;  // a classifier reads one row of a sequence, through a tanh layer

  int64_t attention_width() const { return heads * head_dim; }             // H C
  int64_t qkv_width() const { return (heads + 2 * kv_heads) * head_dim; }  // (H + 2 G) C
  int64_t up_width() const { return gated ? 2 * d_ff : d_ff; }             // rows of ffn.up
  bool slides(int64_t layer) const;                                        // of layers 0, 1, ...
};

// Requires a valid spec. `vocab_size` is ResolveVocabSize's answer (spec.h); `labels` those of the
// training data, for a classifier whose n_labels is 0.
ModelShape ShapeOf(const v1::ModelSpec& model, int64_t vocab_size, int64_t labels = 0);

// "Every so manieth layer": of 4, the layers 3, 7, ...; of 0, none.
constexpr bool IsEveryNth(int64_t layer, int64_t n) { return n > 0 && layer % n == n - 1; }

}  // namespace shoal::spec
