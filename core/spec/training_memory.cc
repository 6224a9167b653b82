#include "core/spec/training_memory.h"

#include <algorithm>

#include "core/spec/model_counts.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

// Measured, with the onednn backend, as what remains of the peak when everything else is taken off.
// Program and libraries, of which about 20 MiB are files' pages, tokenizer, buffers of reports:
constexpr int64_t kProcessBytes = int64_t{30} << 20;
// Compiled products of some 40 KiB, one for each shape; row counts are rounded to 16, so that 300
// shapes have come up after 40 steps. The backend keeps at most 384.
constexpr int64_t kPrimitivesBytes = int64_t{15} << 20;

v1::RunSpec Complete(const v1::RunSpec& spec) {
  v1::RunSpec complete = spec;
  FillDefaults(complete);
  return complete;
}

// What one row of a block keeps for its backward pass. `act`: bytes of an activation.
int64_t BlockRowBytes(const ModelShape& s, int64_t act) {
  const int64_t d = s.d_model;
  // Residual sums (f32) and the norms' outputs, as the matrices read them.
  const int64_t streams = (s.parallel_block ? 1 : 2) * (4 * d + act * d);
  // The inner layer, and its input where that is needed too (of a gated one always both halves).
  const int64_t inner = s.d_ff + (s.gated || s.saves_pre_activation ? s.up_width() : 0);
  // Norms' statistics and the attention's log-sum-exp.
  const int64_t statistics = 16 + 4 * s.heads;
  return streams + act * (s.qkv_width() + s.attention_width() + inner) + statistics;
}

// Of the arena, for one row, when the backward pass begins, which is when most is alive. The
// branches are not kept: they are fused into the residual sums.
int64_t RowBytes(const ModelShape& s, int64_t act) {
  const int64_t d = s.d_model, f = s.d_ff;
  // Above the last block, gradients of the head's input and of both the last norm's inputs; below
  // it, of its inner layer, where that cannot take the place of what was kept, beside that of the
  // stream, which a parallel block's attention waits for.
  const int64_t above = 4 * d + 2 * act * d;
  const int64_t below = act * d + act * f * (s.saves_pre_activation && !s.gated ? 0 : 1) +
                        (s.parallel_block ? 4 * d : 0);
  const int64_t embedding = 4 * d + (s.embedding_norm ? 4 * d : 0);
  return s.layers * BlockRowBytes(s, act) + embedding + std::max(above, below);
}

// How many rows' logits exist at a time: 16 MiB of them, but 512 to 1,024 rows.
int64_t LogitsRows(int64_t rows, int64_t vocab) {
  return std::min(rows, std::clamp<int64_t>((4 << 20) / vocab, 512, 1024));
}
int64_t LogitsBytes(const ModelShape& s, int64_t rows) {
  if (s.head == Head::kClassifier) return 0;  // a row for each sequence, of a few labels
  return LogitsRows(rows, s.vocab) * s.vocab * 4;
}

// With teachers all logits exist at once: the teachers' probabilities and logits, in f32, and the
// student's. Teachers themselves are taken to be of the student's size.
int64_t DistillationBytes(const ModelShape& s, int64_t rows, int64_t act) {
  if (s.head == Head::kClassifier) return 0;
  return rows * s.vocab * (4 + std::max<int64_t>(4, act));
}

// Of the generator that answers the prompts: its caches, and its work space for each position of
// the longest prompt.
int64_t SamplesBytes(const ModelShape& s, int64_t act) {
  const int64_t caches = s.layers * 2 * s.kv_heads * s.head_dim * act;
  const int64_t work = 2 * 4 * s.d_model + act * (s.d_model + s.qkv_width() + s.up_width());
  return s.positions * (caches + work);
}

}  // namespace

int64_t LargestBatchRows(const v1::RunSpec& spec) {
  const v1::RunSpec s = Complete(spec);
  const int64_t size = s.train().batch().size();
  return s.train().batch().unit() == "tokens" ? size : size * s.model().max_seq();
}

MemoryEstimate EstimateTrainingMemory(const v1::RunSpec& spec, int64_t vocab_size, int64_t rows,
                                      bool bf16, int64_t data_bytes) {
  const v1::RunSpec complete = Complete(spec);
  const ModelShape s = ShapeOf(complete.model(), vocab_size);
  const int64_t count = CountParameters(complete.model(), vocab_size).total;
  const int64_t act = bf16 ? 2 : 4;

  MemoryEstimate memory;
  memory.parameters = 4 * count;
  memory.gradients = 4 * count;
  memory.optimizer = 8 * count;
  memory.average = complete.train().ema_decay() > 0 ? 4 * count : 0;
  memory.copies = bf16 ? 2 * count : 0;
  memory.activations = rows * RowBytes(s, act);
  memory.logits = LogitsBytes(s, rows);
  if (complete.train().distill().teachers_size() > 0) {
    memory.logits = DistillationBytes(s, rows, act);
    memory.teachers = complete.train().distill().teachers_size() * (4 + (bf16 ? 2 : 0)) * count;
  }
  if (complete.samples().prompts_size() > 0) memory.samples = SamplesBytes(s, act);
  memory.primitives = kPrimitivesBytes;
  memory.data = data_bytes;
  memory.process = kProcessBytes;
  memory.total = memory.parameters + memory.gradients + memory.optimizer + memory.average +
                 memory.copies + memory.activations + memory.logits + memory.samples +
                 memory.teachers + memory.primitives + memory.data + memory.process;
  return memory;
}

}  // namespace shoal::spec
