#include "worker/runner/bench_train.h"

#include <algorithm>
#include <vector>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/shard.h"
#include "core/spec/spec.h"
#include "worker/engine/train/trainer.h"
#include "worker/runner/bench_stats.h"
#include "worker/runner/peak_flops.h"

namespace shoal::runner {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int64_t kMostExamples = 4096;  // drawn from again and again

absl::Status Check(const v1::BenchTrainOrder& order) {
  const bool random = order.train_shard().empty();
  if (order.batch() < 1 || (random && order.seq() < 1) || order.steps() < 1 ||
      order.warmup_steps() < 0)
    return absl::InvalidArgumentError("batch, seq and steps must be at least 1");
  if (random && order.model().head() != "lm" && order.seq() < 2)
    return absl::InvalidArgumentError(
        "seq must be at least 2 for a model that sees whole sequences");
  if (order.seq() > order.model().max_seq()) {
    return absl::InvalidArgumentError(StrCat("seq is ", order.seq(), ", but the model sees ",
                                             order.model().max_seq(), " tokens (max_seq)"));
  }
  return absl::OkStatus();
}

engine::TrainerOptions Options(const v1::BenchTrainOrder& order) {
  v1::RunSpec spec;
  *spec.mutable_model() = order.model();
  v1::TrainSpec& train = *spec.mutable_train();
  train.set_dtype(order.dtype());
  train.set_steps(order.warmup_steps() + order.steps());
  train.mutable_batch()->set_size(order.batch());
  train.mutable_optimizer()->set_lr(3e-4);
  train.mutable_schedule()->set_kind("constant");
  spec::FillDefaults(spec);
  engine::TrainerOptions options;
  options.model = spec.model();
  options.vocab_size = order.model().vocab_size();
  options.train = spec.train();
  options.seed = kSeed;
  options.profile = order.profile();
  options.mask_token = order.model().vocab_size() - 1;
  return options;
}

absl::StatusOr<data::Shard> RandomTokens(const v1::BenchTrainOrder& order) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const TempDir dir, TempDir::Make("", "shoal-bench-"));
  const int64_t steps = int64_t{order.warmup_steps()} + order.steps();
  const int64_t examples =
      std::max<int64_t>(order.batch(), std::min(kMostExamples, steps * order.batch()));
  // Examples are read with one token less, the last target, or whole.
  const int length = order.model().head() == "lm" ? order.seq() : order.seq() - 1;
  SHOAL_RETURN_IF_ERROR(data::WriteRandomShard(order.model().vocab_size(), examples, length, kSeed,
                                               files, dir.File("shard")));
  return data::Shard::Open(dir.File("shard"));  // stays mapped when the folder goes
}

}  // namespace

absl::StatusOr<v1::BenchTrainReport> RunBenchTrain(const v1::BenchTrainOrder& order,
                                                   const Clock& clock) {
  SHOAL_RETURN_IF_ERROR(Check(order));
  SHOAL_ASSIGN_OR_RETURN(data::Shard tokens, order.train_shard().empty()
                                                 ? RandomTokens(order)
                                                 : data::Shard::Open(order.train_shard()));
  SHOAL_ASSIGN_OR_RETURN(const auto device, engine::Device::Open({.backend = order.backend(),
                                                                  .threads = order.threads()}));
  SHOAL_ASSIGN_OR_RETURN(const auto trainer,
                         engine::Trainer::Create(*device, Options(order), std::move(tokens), {}));
  // Before and after, since the clock of a warm core is another than that of a cold one.
  double peak = MeasurePeakFlops(order.dtype(), order.threads());
  v1::BenchTrainReport report;
  for (int i = 0; i < order.warmup_steps(); ++i) {
    SHOAL_ASSIGN_OR_RETURN(const engine::StepResult result, trainer->Step());
    if (i == 0) report.set_first_loss(result.loss);
  }
  std::vector<double> seconds;
  const engine::Totals before = trainer->totals();
  for (int i = 0; i < order.steps(); ++i) {
    const absl::Duration begin = clock.Boottime();
    SHOAL_ASSIGN_OR_RETURN(const engine::StepResult result, trainer->Step());
    seconds.push_back(absl::ToDoubleSeconds(clock.Boottime() - begin));
    if (i == 0 && order.warmup_steps() == 0) report.set_first_loss(result.loss);
    report.set_last_loss(result.loss);
  }
  const double flops = (trainer->totals().flops - before.flops) / order.steps();
  const double rows = static_cast<double>(trainer->totals().rows - before.rows) / order.steps();
  peak = std::max(peak, MeasurePeakFlops(order.dtype(), order.threads()));

  const double median = Percentile(seconds, 0.5);
  report.set_model(order.model_name());
  report.set_parameters(static_cast<double>(trainer->parameters()));
  report.set_batch(order.batch());
  report.set_seq(order.seq());
  report.set_steps(order.steps());
  report.set_backend(order.backend());
  report.set_isa(device->capabilities().isa);
  report.set_dtype(order.dtype());
  report.set_threads(order.threads());
  report.set_tokens_per_s(rows / median);
  report.set_step_ms(median * 1e3);
  report.set_step_ms_p10(Percentile(seconds, 0.1) * 1e3);
  report.set_step_ms_p90(Percentile(seconds, 0.9) * 1e3);
  report.set_useful_gflops(flops / median / 1e9);
  report.set_peak_gflops(peak / 1e9);
  report.set_fraction_of_peak(peak > 0 ? flops / median / peak : 0);
  report.set_rss_mib(PeakMemoryMib());
  if (order.profile()) {
    report.set_profile(trainer->ProfileReport({peak, MeasureMemoryBandwidth(order.threads())}));
  }
  return report;
}

}  // namespace shoal::runner
