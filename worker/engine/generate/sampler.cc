#include "worker/engine/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/random.h"
#include "core/base/strings.h"

namespace shoal::engine {
namespace {

absl::Status OutOfRange(std::string_view field, double value, std::string_view expected) {
  return absl::InvalidArgumentError(
      StrCat("sampling.", field, ": must be ", expected, ", is ", value));
}

// Likeliest first; equal ones by lower id.
bool Likelier(const TokenProbability& a, const TokenProbability& b) {
  return a.probability != b.probability ? a.probability > b.probability : a.token < b.token;
}

}  // namespace

absl::Status ValidateSampling(const v1::SamplingParams& params) {
  auto share = [](double value) { return value >= 0 && value <= 1; };
  if (params.max_tokens() < 0) {
    return OutOfRange("max_tokens", params.max_tokens(), "at least 0");
  }
  if (!(params.temperature() >= 0 && params.temperature() <= 100)) {
    return OutOfRange("temperature", params.temperature(), "from 0 to 100");
  }
  if (params.top_k() < 0) return OutOfRange("top_k", params.top_k(), "at least 0");
  if (!share(params.top_p())) return OutOfRange("top_p", params.top_p(), "from 0 to 1");
  if (!share(params.min_p())) return OutOfRange("min_p", params.min_p(), "from 0 to 1");
  if (!(params.repetition_penalty() >= 0 && params.repetition_penalty() <= 100)) {
    return OutOfRange("repetition_penalty", params.repetition_penalty(), "from 0 to 100");
  }
  if (params.stop_size() > 16) return OutOfRange("stop", params.stop_size(), "at most 16 texts");
  return absl::OkStatus();
}

Sampler::Sampler(const v1::SamplingParams& params, int32_t vocab_size) : params_(params) {
  logits_.resize(static_cast<size_t>(vocab_size));
  kept_.reserve(static_cast<size_t>(vocab_size));
}

int32_t Sampler::Sample(std::span<const float> logits, std::span<const int32_t> context,
                        int64_t position) {
  const std::span<const TokenProbability> kept = Distribution(logits, context);
  if (kept.size() == 1) return kept[0].token;
  Random random(params_.seed(), PurposeOf(Purpose::kSample), static_cast<uint64_t>(position));
  double left = random.UniformDouble();
  for (const TokenProbability& candidate : kept) {
    left -= static_cast<double>(candidate.probability);
    if (left < 0) return candidate.token;
  }
  return kept.back().token;  // the probabilities' sum was rounded below the draw
}

std::span<const TokenProbability> Sampler::Distribution(std::span<const float> logits,
                                                        std::span<const int32_t> context) {
  logits_.assign(logits.begin(), logits.end());
  ApplyRepetitionPenalty(context);
  kept_.clear();
  if (params_.temperature() == 0) {
    const auto best = std::max_element(logits_.begin(), logits_.end());
    kept_.push_back({static_cast<int32_t>(best - logits_.begin()), 1.0F});
    return kept_;
  }
  for (size_t i = 0; i < logits_.size(); ++i) {
    kept_.push_back({static_cast<int32_t>(i), logits_[i]});
  }
  KeepTopK();
  Normalize();
  KeepTopP();
  KeepMinP();
  return kept_;
}

void Sampler::ApplyRepetitionPenalty(std::span<const int32_t> context) {
  const double penalty = params_.repetition_penalty();
  if (penalty == 0 || penalty == 1) return;
  seen_.assign(context.begin(), context.end());  // once per token, however often it occurs
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  for (int32_t token : seen_) {
    if (token < 0 || static_cast<size_t>(token) >= logits_.size()) continue;
    float& logit = logits_[static_cast<size_t>(token)];
    logit = static_cast<float>(logit > 0 ? static_cast<double>(logit) / penalty
                                         : static_cast<double>(logit) * penalty);
  }
}

// Before the softmax: `probability` holds a logit. Afterwards the kept ones are sorted.
void Sampler::KeepTopK() {
  const size_t k = static_cast<size_t>(params_.top_k());
  if (k > 0 && k < kept_.size()) {
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(k), kept_.end(),
                     Likelier);
    kept_.resize(k);
  }
  std::sort(kept_.begin(), kept_.end(), Likelier);
}

void Sampler::Normalize() {
  const double largest = static_cast<double>(kept_[0].probability);
  double sum = 0;
  for (TokenProbability& candidate : kept_) {
    const double logit = static_cast<double>(candidate.probability);
    const double value = std::exp((logit - largest) / params_.temperature());
    candidate.probability = static_cast<float>(value);
    sum += value;
  }
  for (TokenProbability& candidate : kept_) {
    candidate.probability = static_cast<float>(static_cast<double>(candidate.probability) / sum);
  }
}

void Sampler::KeepTopP() {
  const double p = params_.top_p();
  if (p <= 0 || p >= 1) return;
  double sum = 0;
  size_t count = 0;
  while (count < kept_.size() && sum < p) sum += static_cast<double>(kept_[count++].probability);
  Shorten(count);
}

void Sampler::KeepMinP() {
  const double threshold = params_.min_p() * static_cast<double>(kept_[0].probability);
  size_t count = 1;
  while (count < kept_.size() && static_cast<double>(kept_[count].probability) >= threshold)
    ++count;
  if (params_.min_p() > 0) Shorten(count);
}

// Keeps the first `count` and makes their probabilities sum to 1 again.
void Sampler::Shorten(size_t count) {
  kept_.resize(std::max<size_t>(count, 1));
  double sum = 0;
  for (const TokenProbability& candidate : kept_) sum += static_cast<double>(candidate.probability);
  for (TokenProbability& candidate : kept_) {
    candidate.probability = static_cast<float>(static_cast<double>(candidate.probability) / sum);
  }
}

}  // namespace shoal::engine
