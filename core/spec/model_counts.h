// How large a model is and what it costs: exact parameter counts and FLOPs per token, of every
// family. Shape letters as in model_shape.h.
//
// A FLOP is a multiplication or an addition of a matrix product; norms, activations, rotations and
// the optimizer are left out, as everyone does. Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "core/spec/model_shape.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

struct ParameterCounts {
  int64_t total = 0;
  int64_t token_embedding = 0;     // V D; also the head when tied
  int64_t position_embedding = 0;  // P D where positions are learned
  int64_t segment_embedding = 0;   // segments D
  // Matrices of the head: V D when not tied; mlm: D D more; classifier: labels D, and D D of pooler
  // cls.
  int64_t head = 0;
  int64_t linear = 0;   // weight matrices of the blocks: L (D (H + 2 G) C + H C D + D F (2 or 3))
  int64_t vectors = 0;  // biases and norms
  int64_t without_embeddings = 0;  // linear + vectors
};
// `vocab_size` is ResolveVocabSize's answer (spec.h); `labels` those of the training data, for a
// classifier whose n_labels is 0. GuppyLM at 4096: exactly 8,726,016.
ParameterCounts CountParameters(const v1::ModelSpec& model, int64_t vocab_size, int64_t labels = 0);

struct TokenFlops {
  double forward = 0;                          // of one token
  double training = 0;                         // forward and backward
  double linear = 0, head = 0, attention = 0;  // parts of `training`
  double head_row =
      0;  // training, of one row that the head answers; `head` is its mean over tokens
};
// `context` T: how many tokens a sequence has, on average; at most max_seq. Of a causal mask a
// token sees T / 2 on average (sliding: less), of an encoder's T. The head of an lm answers every
// token, that of a classifier one row a sequence, that of an mlm the share `mask_probability`. For
// `generate` at position n, a token's forward FLOPs are those of context 2 n.
TokenFlops FlopsPerToken(const v1::ModelSpec& model, int64_t vocab_size, double context,
                         double mask_probability = 0.15);

struct TrainingWork {
  double tokens = 0;          // that the optimizer learns from, over all steps
  double flops = 0;           // training, over all steps
  double evaluate_flops = 0;  // forward passes over held-out data, all evaluations
};
// `mean_tokens`: mean length of an example in tokens; `held_out_examples`: how many there are.
TrainingWork CountTrainingWork(const v1::RunSpec& spec, int64_t vocab_size, double mean_tokens,
                               int64_t held_out_examples);

}  // namespace shoal::spec
