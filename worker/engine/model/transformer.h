// The transformer as a textbook writes it, in every form that a ModelSpec can ask for: GPT-2,
// GuppyLM, BERT, Llama, Cohere2. It is run once on symbolic tensors, which records the program.
//
// Parameters by name: tok_emb, pos_emb (learned positions), seg_emb (segments), emb_norm
// (embedding_norm); per block i: blocks.i.norm1, .attn.qkv, .attn.out, .norm2 (not in a parallel
// block), .ffn.up (of a gated layer: the gate's rows, then up's), .ffn.down; norm (pre-norm only);
// then the head's: lm_head.weight when it does not share tok_emb; mlm.dense, mlm.norm, mlm.bias; or
// pooler (cls only), classifier. Each has .weight, and .bias where the form has one; the heads of
// mlm and classifier always do.
#ifndef SHOAL_WORKER_ENGINE_MODEL_TRANSFORMER_H_
#define SHOAL_WORKER_ENGINE_MODEL_TRANSFORMER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "shoal/v1/model.pb.h"
#include "worker/engine/program/parameters.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

// What a packed batch, or new rows of one sequence, consists of. Rows N, sequences S.
struct ModelInputs {
  Tensor tokens{};                             // [N]
  Tensor positions{};                          // [N]: 0, 1, ... within each sequence
  Tensor segments{};                           // [N]; absent where the model has no segments
  Tensor offsets{};                            // [S+1], packed only
  std::vector<Tensor> k_caches{}, v_caches{};  // one per layer; empty when packed
};

// What people may want to see of a forward pass, filled in when asked for.
struct Taps {
  std::vector<Tensor> hidden;     // after the embedding, and after each block: [N, D]
  std::vector<Tensor> attention;  // of each block: [N, H P]
};

// Immutable; thread-safe.
class Transformer {
 public:
  // `spec` is complete and valid; `vocab_size` as core/spec's ResolveVocabSize answers; `labels` of
  // a classifier, at least 1 there.
  Transformer(const v1::ModelSpec& spec, int64_t vocab_size, int64_t labels = 0);

  std::vector<Parameter> Parameters() const;

  // Hidden states that the head reads: [N, D].
  Tensor Hidden(Recorder& r, const ModelInputs& inputs, Taps* taps = nullptr) const;
  // hidden [N, D] -> logits [N, V]: of the next token, or (head mlm) of the token itself.
  Tensor Logits(Recorder& r, const Tensor& hidden, Dtype dtype) const;
  // hidden [N, D] -> logits [R, labels] of each sequence. `rows` [R] is the row that stands for
  // each sequence (pooler cls): see PooledRow.
  Tensor LabelLogits(Recorder& r, const Tensor& hidden, const ModelInputs& inputs,
                     const Tensor& rows, Dtype dtype) const;
  // Of a sequence of rows [begin, end), the one that pooler cls reads: the first, or, where tokens
  // see only those before them, the last.
  int64_t PooledRow(int64_t begin, int64_t end) const;

  const v1::ModelSpec& spec() const { return spec_; }
  int64_t vocab_size() const { return vocab_size_; }
  int64_t labels() const { return labels_; }
  int64_t layers() const { return spec_.n_layers(); }
  int64_t width() const { return spec_.d_model(); }
  int64_t kv_width() const { return kv_heads_ * head_dim_; }
  int64_t positions() const { return spec_.max_seq(); }
  bool has_segments() const { return spec_.segments() > 0; }

 private:
  Tensor Embed(Recorder& r, const ModelInputs& inputs) const;
  Tensor SequentialBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in, Taps* taps) const;
  Tensor ParallelBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in, Taps* taps) const;
  Tensor PostNormBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in, Taps* taps) const;
  Tensor Attend(Recorder& r, int64_t i, const Tensor& h, const ModelInputs& in, Taps* taps) const;
  Tensor FeedForward(Recorder& r, int64_t i, const Tensor& h) const;
  AttentionForm AttentionOf(int64_t layer) const;
  bool Rotates(int64_t layer) const;

  v1::ModelSpec spec_;
  int64_t vocab_size_;
  int64_t labels_;
  int64_t kv_heads_;
  int64_t head_dim_;
  int64_t inner_;  // of the feed-forward layer
  bool gated_;
  shoal_activation activation_;
  NormForm norm_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_MODEL_TRANSFORMER_H_
