#include "worker/runner/bench_infer.h"

#include <algorithm>
#include <vector>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "worker/engine/generate/classifier.h"
#include "worker/engine/generate/generator.h"
#include "worker/engine/train/trainer.h"
#include "worker/runner/bench_stats.h"

namespace shoal::runner {
namespace {

constexpr uint64_t kSeed = 1;

absl::Status Check(const v1::BenchInferOrder& order) {
  if (order.prompt() < 1 || order.decode() < 1 || order.repeats() < 1)
    return absl::InvalidArgumentError("prompt, decode and repeats must be at least 1");
  const bool classifies = order.model().head() == "classifier";
  const int tokens = order.prompt() + (classifies ? 0 : order.decode());
  if (tokens > order.model().max_seq()) {
    return absl::InvalidArgumentError(StrCat("prompt and answer have ", tokens,
                                             " tokens, but the model sees ",
                                             order.model().max_seq(), " (max_seq)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<engine::LoadedModel> RandomModel(engine::Device& device,
                                                const v1::BenchInferOrder& order) {
  engine::LoadedModel model;
  model.spec = order.model();
  model.vocab_size = order.model().vocab_size();
  if (model.spec.head() == "classifier") {
    const int labels = std::max(2, model.spec.n_labels());
    for (int i = 0; i < labels; ++i) model.labels.push_back(StrCat("label ", i));
  }
  SHOAL_ASSIGN_OR_RETURN(const engine::Dtype act, engine::ParseDtype(order.dtype()));
  engine::ParameterLayout layout(model.transformer().Parameters());
  SHOAL_ASSIGN_OR_RETURN(model.weights, engine::Weights::Create(device, std::move(layout), act));
  SHOAL_RETURN_IF_ERROR(model.weights->Initialize(kSeed));
  return model;
}

std::vector<int32_t> RandomTokens(int64_t vocab, int count) {
  Random random(kSeed, PurposeOf(Purpose::kTest));
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) {
    token = static_cast<int32_t>(random.Below(static_cast<uint64_t>(vocab)));
  }
  return tokens;
}

double Milliseconds(const Clock& clock, absl::Duration begin) {
  return absl::ToDoubleMilliseconds(clock.Boottime() - begin);
}

absl::Status MeasureLabels(const v1::BenchInferOrder& order, engine::Device& device,
                           engine::LoadedModel model, const Clock& clock,
                           v1::BenchInferReport& report) {
  const std::vector<int32_t> tokens = RandomTokens(model.vocab_size, order.prompt());
  SHOAL_ASSIGN_OR_RETURN(const auto classifier,
                         engine::Classifier::Create(device, std::move(model)));
  std::vector<double> times;
  for (int i = -3; i < order.repeats(); ++i) {  // the first ones prepare matrix products
    const absl::Duration begin = clock.Boottime();
    SHOAL_RETURN_IF_ERROR(classifier->Logits(tokens).status());
    if (i >= 0) times.push_back(Milliseconds(clock, begin));
  }
  report.set_parameters(static_cast<double>(classifier->parameters()));
  report.set_classify_ms(Percentile(times, 0.5));
  report.set_classify_ms_p10(Percentile(times, 0.1));
  report.set_classify_ms_p90(Percentile(times, 0.9));
  return absl::OkStatus();
}

// Greedy, as the answer of a chat is: each token is the likeliest after those before it.
absl::Status MeasureAnswers(const v1::BenchInferOrder& order, engine::Device& device,
                            engine::LoadedModel model, const Clock& clock,
                            v1::BenchInferReport& report) {
  data::BpeTrainer bytes({.vocab_size = 259});
  SHOAL_ASSIGN_OR_RETURN(data::Tokenizer tokenizer, bytes.Train());
  SHOAL_ASSIGN_OR_RETURN(
      const auto generator,
      engine::Generator::Create(device, model.spec, model.weights, std::move(tokenizer), clock));
  const std::vector<int32_t> prompt = RandomTokens(model.vocab_size, order.prompt());
  std::vector<double> first, decode;
  for (int i = -2; i < order.repeats(); ++i) {
    const absl::Duration begin = clock.Boottime();
    generator->Forget();
    SHOAL_ASSIGN_OR_RETURN(std::span<const float> logits, generator->Feed(prompt));
    const double ttft = Milliseconds(clock, begin);
    const absl::Duration decode_begin = clock.Boottime();
    for (int n = 0; n < order.decode(); ++n) {
      const auto likeliest = std::max_element(logits.begin(), logits.end()) - logits.begin();
      const auto token = static_cast<int32_t>(likeliest);
      SHOAL_ASSIGN_OR_RETURN(logits, generator->Feed(std::span(&token, 1)));
    }
    if (i < 0) continue;
    first.push_back(ttft);
    decode.push_back(Milliseconds(clock, decode_begin) / order.decode());
  }
  report.set_parameters(static_cast<double>(model.weights->layout().count()));
  report.set_ttft_ms(Percentile(first, 0.5));
  report.set_prefill_tokens_per_s(1e3 * order.prompt() / report.ttft_ms());
  report.set_decode_tokens_per_s(1e3 / Percentile(decode, 0.5));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::BenchInferReport> RunBenchInfer(const v1::BenchInferOrder& order,
                                                   const Clock& clock) {
  SHOAL_RETURN_IF_ERROR(Check(order));
  SHOAL_ASSIGN_OR_RETURN(const auto device, engine::Device::Open({.backend = order.backend(),
                                                                  .threads = order.threads()}));
  SHOAL_ASSIGN_OR_RETURN(engine::LoadedModel model, RandomModel(*device, order));
  v1::BenchInferReport report;
  if (order.model().head() == "classifier") {
    SHOAL_RETURN_IF_ERROR(MeasureLabels(order, *device, std::move(model), clock, report));
  } else {
    SHOAL_RETURN_IF_ERROR(MeasureAnswers(order, *device, std::move(model), clock, report));
    report.set_decode(order.decode());
  }
  report.set_model(order.model_name());
  report.set_prompt(order.prompt());
  report.set_repeats(order.repeats());
  report.set_backend(order.backend());
  report.set_isa(device->capabilities().isa);
  report.set_dtype(order.dtype());
  report.set_threads(order.threads());
  report.set_rss_mib(PeakMemoryMib());
  return report;
}

}  // namespace shoal::runner
