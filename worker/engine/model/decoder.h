// The decoder of the GuppyLM and GPT-2 form, at any size: learned positions, pre-norm blocks of
// causal attention and a feed-forward layer, a final norm, a head tied to the embedding or not.
//
// Parameters by name: tok_emb, pos_emb; per block i: blocks.i.norm1, .attn.qkv, .attn.out, .norm2,
// .ffn.up, .ffn.down, each with .weight and .bias; norm.weight, norm.bias; lm_head.weight when the
// head is not tied.
#ifndef SHOAL_WORKER_ENGINE_MODEL_DECODER_H_
#define SHOAL_WORKER_ENGINE_MODEL_DECODER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "shoal/v1/model.pb.h"
#include "worker/engine/program/parameters.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

// What attention reads its keys and values from: a packed batch, or one layer's cache.
struct AttentionContext {
  Tensor offsets;                          // [S+1], packed
  std::vector<Tensor> k_caches, v_caches;  // one per layer; empty when packed
};

// Immutable; thread-safe.
class Decoder {
 public:
  // `spec` is complete and valid; `vocab_size` as core/spec's ResolveVocabSize answers.
  Decoder(const v1::ModelSpec& spec, int64_t vocab_size);

  std::vector<Parameter> Parameters() const;

  // tokens, positions [N] -> hidden states after the final norm [N, D].
  Tensor Hidden(Recorder& r, const Tensor& tokens, const Tensor& positions,
                const AttentionContext& context) const;
  // hidden [N, D] -> logits [N, V].
  Tensor Logits(Recorder& r, const Tensor& hidden, Dtype dtype) const;

  const v1::ModelSpec& spec() const { return spec_; }
  int64_t vocab_size() const { return vocab_size_; }
  int64_t layers() const { return spec_.n_layers(); }
  int64_t width() const { return spec_.d_model(); }
  int64_t positions() const { return spec_.max_seq(); }

 private:
  int64_t FeedForwardWidth() const;

  v1::ModelSpec spec_;
  int64_t vocab_size_;
  shoal_activation activation_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_MODEL_DECODER_H_
