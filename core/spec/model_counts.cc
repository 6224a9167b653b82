#include "core/spec/model_counts.h"

#include <algorithm>

#include "core/spec/run_schedule.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

v1::RunSpec Complete(const v1::RunSpec& spec) {
  v1::RunSpec complete = spec;
  FillDefaults(complete);
  return complete;
}

// Measured, with the onednn backend, as what remains of the peak when everything else is taken off.
// Program and libraries, of which about 20 MiB are files' pages, tokenizer, buffers of reports:
constexpr int64_t kProcessBytes = int64_t{30} << 20;
// Compiled products of some 40 KiB, one for each shape; row counts are rounded to 16, so that 300
// shapes have come up after 40 steps. The backend keeps at most 384.
constexpr int64_t kPrimitivesBytes = int64_t{15} << 20;

// Of the arena, for one row, when the backward pass begins, which is when most is alive.
// `act`: bytes of an activation.
int64_t RowBytes(const ModelShape& s, int64_t act) {
  const int64_t d = s.d_model, f = s.d_ff;
  // Kept by a block for its backward pass: two residual sums (f32), two norms' outputs, qkv, the
  // attention's output, the inner layer (twice where its input is needed); norms' statistics and
  // the attention's log-sum-exp. The branches are not: they are fused into the sums.
  const int64_t inner = f * (s.saves_pre_activation ? 2 : 1);
  const int64_t block = 2 * 4 * d + act * (2 * d + 3 * d + d + inner) + 16 + 4 * s.heads;
  // Above the last block, gradients of the head's input and of both the last norm's inputs; below
  // it, of its inner layer, where that cannot take the place of what was kept.
  const int64_t above = 4 * d + 2 * act * d;
  const int64_t below = act * d + act * f * (s.saves_pre_activation ? 0 : 1);
  return s.layers * block + 4 * d + std::max(above, below);
}

// How many rows' logits exist at a time: 16 MiB of them, but 512 to 1,024 rows.
int64_t LogitsRows(int64_t rows, int64_t vocab) {
  return std::min(rows, std::clamp<int64_t>((4 << 20) / vocab, 512, 1024));
}

// Of a generator's work space, for one position of the longest prompt.
int64_t SampleRowBytes(const ModelShape& s, int64_t act) {
  return 2 * 4 * s.d_model + act * (4 * s.d_model + s.d_ff);
}

}  // namespace

ModelShape ShapeOf(const v1::ModelSpec& model, int64_t vocab_size) {
  v1::ModelSpec m = model;
  FillDefaults(m);
  ModelShape shape;
  shape.layers = m.n_layers();
  shape.d_model = m.d_model();
  shape.heads = m.n_heads();
  shape.head_dim = m.d_model() / m.n_heads();
  shape.d_ff = m.d_ff() > 0 ? m.d_ff() : 4 * int64_t{m.d_model()};
  shape.positions = m.max_seq();
  shape.vocab = vocab_size;
  shape.bias = m.bias();
  shape.tied_head = m.tied_head();
  shape.saves_pre_activation = m.activation() != "relu";
  return shape;
}

ParameterCounts CountParameters(const v1::ModelSpec& model, int64_t vocab_size) {
  const ModelShape s = ShapeOf(model, vocab_size);
  const int64_t d = s.d_model, f = s.d_ff;
  ParameterCounts counts;
  counts.token_embedding = s.vocab * d;
  counts.position_embedding = s.positions * d;
  counts.head = s.tied_head ? 0 : s.vocab * d;
  // A block's matrices: qkv [3D, D], attention output [D, D], up [F, D], down [D, F].
  counts.linear = s.layers * (4 * d * d + 2 * d * f);
  const int64_t linear_biases = s.bias ? 3 * d + d + f + d : 0;
  const int64_t norm = s.bias ? 2 * d : d;
  counts.vectors = s.layers * (linear_biases + 2 * norm) + norm;
  counts.without_embeddings = counts.linear + counts.vectors;
  counts.total =
      counts.without_embeddings + counts.token_embedding + counts.position_embedding + counts.head;
  return counts;
}

TokenFlops FlopsPerToken(const v1::ModelSpec& model, int64_t vocab_size, double context) {
  const ModelShape s = ShapeOf(model, vocab_size);
  const double t = std::min(context, static_cast<double>(s.positions));
  const auto d = static_cast<double>(s.d_model);
  TokenFlops flops;
  flops.linear = 6.0 * static_cast<double>(CountParameters(model, vocab_size).linear);
  flops.head = 6.0 * d * static_cast<double>(s.vocab);
  flops.attention = 3.0 * 4.0 * t * d * static_cast<double>(s.layers) / 2.0;
  flops.training = flops.linear + flops.head + flops.attention;
  flops.forward = flops.training / 3.0;
  return flops;
}

int64_t LargestBatchRows(const v1::RunSpec& spec) {
  const v1::RunSpec s = Complete(spec);
  const int64_t size = s.train().batch().size();
  return s.train().batch().unit() == "tokens" ? size : size * s.model().max_seq();
}

MemoryEstimate EstimateTrainingMemory(const v1::RunSpec& spec, int64_t vocab_size, int64_t rows,
                                      bool bf16, int64_t data_bytes) {
  const v1::RunSpec complete = Complete(spec);
  const ModelShape s = ShapeOf(complete.model(), vocab_size);
  const ParameterCounts counts = CountParameters(complete.model(), vocab_size);
  const int64_t act = bf16 ? 2 : 4;
  const int64_t d = s.d_model;

  MemoryEstimate memory;
  memory.parameters = 4 * counts.total;
  memory.gradients = 4 * counts.total;
  memory.optimizer = 8 * counts.total;
  memory.copies = bf16 ? 2 * counts.total : 0;

  memory.activations = rows * RowBytes(s, act);
  memory.logits = LogitsRows(rows, s.vocab) * s.vocab * 4;
  if (complete.samples().prompts_size() > 0) {
    memory.samples = s.positions * (s.layers * 2 * d * act + SampleRowBytes(s, act));
  }
  memory.primitives = kPrimitivesBytes;
  memory.data = data_bytes;
  memory.process = kProcessBytes;
  memory.total = memory.parameters + memory.gradients + memory.optimizer + memory.copies +
                 memory.activations + memory.logits + memory.samples + memory.primitives +
                 memory.data + memory.process;
  return memory;
}

TrainingWork CountTrainingWork(const v1::RunSpec& spec, int64_t vocab_size, double mean_tokens,
                               int64_t held_out_examples) {
  const v1::RunSpec s = Complete(spec);
  const double mean = std::min(mean_tokens, static_cast<double>(s.model().max_seq()));
  const TokenFlops flops = FlopsPerToken(s.model(), vocab_size, mean);
  const auto size = static_cast<double>(s.train().batch().size());
  const auto steps = s.train().steps();

  TrainingWork work;
  work.tokens =
      static_cast<double>(steps) * (s.train().batch().unit() == "tokens" ? size : size * mean);
  work.flops = work.tokens * flops.training;
  const auto examples = static_cast<double>(CountEvents(s, held_out_examples).evaluated_examples);
  work.evaluate_flops = examples * mean * flops.forward;
  return work;
}

}  // namespace shoal::spec
