// How large a model is and what it costs: exact parameter counts, FLOPs per token, and what a run's
// memory will be. Shape letters: L layers, D d_model, F d_ff, H heads, V vocabulary, P positions.
//
// A FLOP is a multiplication or an addition of a matrix product; norms, activations and the
// optimizer are left out, as everyone does. Pure functions, thread-safe.
#pragma once

#include <cstdint>

#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// A ModelSpec with every default, the vocabulary and d_ff resolved. Requires a valid spec.
struct ModelShape {
  int64_t layers = 0, d_model = 0, heads = 0, head_dim = 0, d_ff = 0, positions = 0, vocab = 0;
  bool bias = true, tied_head = true;
  bool saves_pre_activation = false;  // GELU's backward needs its input; ReLU's only its output
};
ModelShape ShapeOf(const v1::ModelSpec& model, int64_t vocab_size);

struct ParameterCounts {
  int64_t total = 0;
  int64_t token_embedding = 0;     // V D; also the head when tied
  int64_t position_embedding = 0;  // P D
  int64_t head = 0;                // V D when not tied
  int64_t linear = 0;              // weight matrices of the blocks: L (4 D D + 2 D F)
  int64_t vectors = 0;             // biases and norms
  int64_t without_embeddings = 0;  // total without token and position embeddings and head
};
// `vocab_size` is ResolveVocabSize's answer (spec.h). GuppyLM at 4096: exactly 8,726,016.
ParameterCounts CountParameters(const v1::ModelSpec& model, int64_t vocab_size);

struct TokenFlops {
  double forward = 0;   // of one token
  double training = 0;  // forward and backward: 6 linear + 6 D V + 12 T D L / 2 (causal)
  double linear = 0, head = 0, attention = 0;  // parts of `training`
};
// `context` T: how many tokens a sequence has, on average; positions the causal mask hides are not
// counted, so a token sees T / 2 on average. At most max_seq. For `generate` at position n, a
// token's forward FLOPs are those of context 2 n.
TokenFlops FlopsPerToken(const v1::ModelSpec& model, int64_t vocab_size, double context);

struct MemoryEstimate {
  int64_t parameters = 0;  // f32 master weights
  int64_t gradients = 0;
  int64_t optimizer = 0;    // AdamW's m and v
  int64_t copies = 0;       // bf16 copies that the matrix products read; 0 in f32
  int64_t activations = 0;  // kept for the backward pass, and its work space
  int64_t logits = 0;       // a block of rows' at a time
  int64_t samples = 0;      // key and value cache of the answers to prompts; 0 without prompts
  int64_t primitives = 0;   // compiled matrix products, one for each shape that comes up
  int64_t data = 0;         // the tokenized data, mapped
  int64_t process = 0;      // program, libraries, tokenizer, buffers of reports
  int64_t total = 0;
};
// What a training attempt's process holds at most, in bytes. `rows`: tokens there is memory for at
// a time, core/data's BatchCapacity::likely_rows. `bf16`: the resolved dtype. `data_bytes`: size of
// the tokenized data (0: unknown). Parts of the process itself are measured ones, of the onednn
// backend; the others follow from the spec.
MemoryEstimate EstimateTrainingMemory(const v1::RunSpec& spec, int64_t vocab_size, int64_t rows,
                                      bool bf16, int64_t data_bytes = 0);
// Upper bound of a batch's rows before the data is known: size for token batches, size * max_seq
// for examples.
int64_t LargestBatchRows(const v1::RunSpec& spec);

struct TrainingWork {
  double tokens = 0;          // that the optimizer learns from, over all steps
  double flops = 0;           // training, over all steps
  double evaluate_flops = 0;  // forward passes over held-out data, all evaluations
};
// `mean_tokens`: mean length of an example in tokens; `held_out_examples`: how many there are.
TrainingWork CountTrainingWork(const v1::RunSpec& spec, int64_t vocab_size, double mean_tokens,
                               int64_t held_out_examples);

}  // namespace shoal::spec
