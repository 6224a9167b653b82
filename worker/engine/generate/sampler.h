// Chooses the next token from logits.
//
// In this order: repetition penalty (Keskar et al. 2019: a logit of a token already in the context
// is divided by the penalty when positive, multiplied when negative), temperature, top-k, softmax,
// top-p (the smallest set of likeliest tokens whose probabilities sum to at least p), min-p (tokens
// at least min_p times as likely as the likeliest), then one draw. Equal logits rank by lower id.
// The draw for position n of a text is a function of (seed, n) alone.
#ifndef SHOAL_WORKER_ENGINE_GENERATE_SAMPLER_H_
#define SHOAL_WORKER_ENGINE_GENERATE_SAMPLER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "shoal/v1/inference.pb.h"

namespace shoal::engine {

struct TokenProbability {
  int32_t token = 0;
  float probability = 0;
};

// InvalidArgument naming the field, when a parameter is negative, not finite or out of its range.
absl::Status ValidateSampling(const v1::SamplingParams& params);

// Thread-compatible; keeps scratch memory so that a token allocates nothing.
class Sampler {
 public:
  Sampler(const v1::SamplingParams& params, int32_t vocab_size);

  // The token for position `position` (tokens before it), given logits[vocab_size] and the context
  // that the repetition penalty looks at.
  int32_t Sample(std::span<const float> logits, std::span<const int32_t> context, int64_t position);

  // What Sample draws from: the tokens kept, likeliest first; probabilities sum to 1. Greedy
  // (temperature 0) keeps one.
  std::span<const TokenProbability> Distribution(std::span<const float> logits,
                                                 std::span<const int32_t> context);

 private:
  void ApplyRepetitionPenalty(std::span<const int32_t> context);
  void KeepTopK();
  void Normalize();
  void KeepTopP();
  void KeepMinP();
  void Shorten(size_t count);

  v1::SamplingParams params_;
  std::vector<float> logits_;
  std::vector<TokenProbability> kept_;
  std::vector<int32_t> seen_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_GENERATE_SAMPLER_H_
