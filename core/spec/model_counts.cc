#include "core/spec/model_counts.h"

#include <algorithm>

#include "core/spec/run_schedule.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

// Matrices of one block: qkv [(H + 2G) C, D], attention output [D, H C], up [F or 2 F, D], down
// [D, F].
int64_t BlockMatrices(const ModelShape& s) {
  return s.d_model * (s.qkv_width() + s.attention_width() + s.up_width() + s.d_ff);
}

int64_t BlockVectors(const ModelShape& s) {
  const int64_t norm = s.d_model * (s.norm_bias ? 2 : 1);
  const int64_t biases = s.bias ? s.qkv_width() + s.d_model + s.up_width() + s.d_model : 0;
  return biases + norm * (s.parallel_block ? 1 : 2);
}

// The head's own matrices, and its biases and norm; layers of mlm and classifier always have
// biases.
int64_t HeadMatrices(const ModelShape& s) {
  const int64_t d = s.d_model;
  if (s.head == Head::kClassifier) return s.labels * d + (s.cls_pooler ? d * d : 0);
  return (s.tied_head ? 0 : s.vocab * d) + (s.head == Head::kMlm ? d * d : 0);
}
int64_t HeadVectors(const ModelShape& s) {
  if (s.head == Head::kClassifier) return s.labels + (s.cls_pooler ? s.d_model : 0);
  return s.head == Head::kMlm ? s.d_model * (s.norm_bias ? 3 : 2) + s.vocab : 0;
}

// Multiplications of one row that the head answers: as many as its matrices have elements, the tied
// one included.
int64_t HeadProducts(const ModelShape& s) {
  const bool shares = s.head != Head::kClassifier && s.tied_head;
  return HeadMatrices(s) + (shares ? s.vocab * s.d_model : 0);
}

// How many tokens a token sees on average in a sequence of `t`: all of them, or with a causal mask
// the half, or with a window w < t the mean of min(position, w).
double MeanVisible(double t, bool causal, int64_t window) {
  if (!causal) return t;
  const auto w = static_cast<double>(window);
  return window == 0 || t <= w ? t / 2 : w - w * w / (2 * t);
}

}  // namespace

ParameterCounts CountParameters(const v1::ModelSpec& model, int64_t vocab_size, int64_t labels) {
  const ModelShape s = ShapeOf(model, vocab_size, labels);
  const int64_t d = s.d_model;
  const int64_t norm = d * (s.norm_bias ? 2 : 1);
  ParameterCounts counts;
  counts.token_embedding = s.vocab * d;
  counts.position_embedding = s.learned_positions ? s.positions * d : 0;
  counts.segment_embedding = s.segments * d;
  counts.head = HeadMatrices(s);
  counts.linear = s.layers * BlockMatrices(s);
  counts.vectors = s.layers * BlockVectors(s) + HeadVectors(s) +
                   norm * ((s.embedding_norm ? 1 : 0) + (s.post_norm ? 0 : 1));
  counts.without_embeddings = counts.linear + counts.vectors;
  counts.total = counts.without_embeddings + counts.token_embedding + counts.position_embedding +
                 counts.segment_embedding + counts.head;
  return counts;
}

TokenFlops FlopsPerToken(const v1::ModelSpec& model, int64_t vocab_size, double context,
                         double mask_probability) {
  const ModelShape s = ShapeOf(model, vocab_size);
  const double t = std::min(context, static_cast<double>(s.positions));
  double visible = 0;
  for (int64_t i = 0; i < s.layers; ++i) {
    visible += MeanVisible(t, s.causal, s.slides(i) ? s.window : 0);
  }
  const double answered = s.head == Head::kMlm          ? mask_probability
                          : s.head == Head::kClassifier ? 1 / std::max(t, 1.0)
                                                        : 1;
  TokenFlops flops;
  // Forward two for each multiplication, backward twice that; attention has two products.
  flops.linear = 6.0 * static_cast<double>(s.layers * BlockMatrices(s));
  flops.head_row = 6.0 * static_cast<double>(HeadProducts(s));
  flops.head = flops.head_row * answered;
  flops.attention = 12.0 * visible * static_cast<double>(s.attention_width());
  flops.training = flops.linear + flops.head + flops.attention;
  flops.forward = flops.training / 3.0;
  return flops;
}

TrainingWork CountTrainingWork(const v1::RunSpec& spec, int64_t vocab_size, double mean_tokens,
                               int64_t held_out_examples) {
  v1::RunSpec s = spec;
  FillDefaults(s);
  const double mean = std::min(mean_tokens, static_cast<double>(s.model().max_seq()));
  const TokenFlops flops = FlopsPerToken(s.model(), vocab_size, mean, s.train().mask_probability());
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
