// shoal bench: how fast this machine computes, as a part of what it could do at most.

#include <cstdio>
#include <memory>

#include "cli/commands/command.h"
#include "cli/output/format.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/install_paths.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"
#include "core/spec/model_presets.h"
#include "google/protobuf/util/json_util.h"
#include "shoal/v1/bench.pb.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kLongest = absl::Hours(1);

struct TrainOptions {
  std::string model = "guppy";
  int batch = 0, seq = 0;  // 0: the model's own
  int steps = 20, warmup_steps = 3;
  std::string backend = "onednn";
  std::string dtype;  // empty: bf16 where the machine has it
  int threads = 0;    // 0: the machine's cores
  bool profile = false;
};

absl::StatusOr<v1::BenchTrainOrder> OrderOf(const TrainOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const spec::ModelPreset preset, spec::FindModelPreset(options.model));
  const HostInfo host = ReadHostInfo();
  const bool bf16 = IsaHas(host.isa, "avx512_bf16") || IsaHas(host.isa, "amx_bf16");
  v1::BenchTrainOrder order;
  *order.mutable_model() = preset.model;
  order.set_model_name(preset.name);
  order.set_batch(options.batch > 0 ? options.batch : preset.batch);
  order.set_seq(options.seq > 0 ? options.seq : preset.seq);
  order.set_steps(options.steps);
  order.set_warmup_steps(options.warmup_steps);
  order.set_backend(options.backend);
  order.set_dtype(!options.dtype.empty() ? options.dtype : bf16 ? "bf16" : "f32");
  order.set_threads(options.threads > 0 ? options.threads : host.UsableCpus());
  order.set_profile(options.profile);
  return order;
}

// In a process of its own: what is measured starts as an attempt does, with nothing loaded.
absl::StatusOr<v1::BenchTrainReport> RunBench(const v1::BenchTrainOrder& order) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  SHOAL_ASSIGN_OR_RETURN(const TempDir temp, TempDir::Make("", "shoal-bench-"));
  const std::string path = temp.File("order.json");
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(path, JsonReply::ToJson(order)));
  SubprocessOptions run;
  run.args = {paths.Program("shoal-runner"), "--bench", path};
  run.environment = {{"OMP_NUM_THREADS", StrCat(order.threads())}};
  SHOAL_ASSIGN_OR_RETURN(const CapturedRun done, RunAndCapture(run, kLongest));
  if (!done.exit.ok()) {
    constexpr std::string_view kMark = "shoal-runner: ";
    std::string_view why = StripSpace(std::string_view(done.err));
    if (why.starts_with(kMark))
      return absl::InvalidArgumentError(std::string(why.substr(kMark.size())));
    return absl::InternalError(StrCat("shoal-runner ", done.exit.ToString(), ": ", why));
  }
  v1::BenchTrainReport report;
  if (!google::protobuf::util::JsonStringToMessage(done.out, &report).ok())
    return absl::InternalError(StrCat("shoal-runner answered '", done.out, "'"));
  return report;
}

std::string Milliseconds(double value) { return Fixed(value, value < 10 ? 2 : 1); }

void Print(const v1::BenchTrainReport& report) {
  std::printf("%s, %s parameters, %d x %d tokens a step, %s, %s on %s, %d %s\n",
              report.model().c_str(), WithCommas(static_cast<int64_t>(report.parameters())).c_str(),
              report.batch(), report.seq(), report.dtype().c_str(), report.backend().c_str(),
              report.isa().c_str(), report.threads(), report.threads() == 1 ? "thread" : "threads");
  std::printf("%s tokens/s, %s ms a step (median of %d; 10 %% below %s, 10 %% above %s)\n",
              WithCommas(static_cast<int64_t>(report.tokens_per_s())).c_str(),
              Milliseconds(report.step_ms()).c_str(), report.steps(),
              Milliseconds(report.step_ms_p10()).c_str(),
              Milliseconds(report.step_ms_p90()).c_str());
  const std::string useful = Fixed(report.useful_gflops(), 1);
  if (report.peak_gflops() > 0) {
    std::printf("%s GFLOP/s, %s %% of the %s that these cores can do at most (measured now)\n",
                useful.c_str(), Fixed(report.fraction_of_peak() * 100, 1).c_str(),
                Fixed(report.peak_gflops(), 0).c_str());
  } else {
    std::printf("%s GFLOP/s; the peak of this processor is not known\n", useful.c_str());
  }
  std::printf("%s MiB resident at most\n", Fixed(report.rss_mib(), 0).c_str());
  if (!report.profile().empty()) std::printf("\n%s", report.profile().c_str());
}

absl::Status BenchTrain(const Globals& globals, const TrainOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const v1::BenchTrainOrder order, OrderOf(options));
  SHOAL_ASSIGN_OR_RETURN(const v1::BenchTrainReport report, RunBench(order));
  if (globals.json) {
    JsonReply().Add("bench", report).Print();
  } else {
    Print(report);
  }
  return absl::OkStatus();
}

std::string ModelsHelp() {
  std::string help = "Model: ";
  for (const spec::ModelPreset& preset : spec::ModelPresets()) {
    StrAppend(help, help.size() > 7 ? "; " : "", preset.name, " (", preset.what, ", ", preset.batch,
              " x ", preset.seq, ")");
  }
  return help;
}

}  // namespace

void AddBench(CLI::App& app, Globals& globals) {
  CLI::App* bench =
      AddCommand(app, globals,
                 {"bench",
                  "Measure how fast this machine trains, against what its cores can do at most",
                  {"shoal bench train", "shoal bench train --model gpt124 --threads 2 --json"}},
                 nullptr);
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* train = AddCommand(
      *bench, globals,
      {"train",
       "Train a model of a known shape on random tokens, and time its steps",
       {"shoal bench train --model guppy --dtype f32",
        "shoal bench train --model gpt45 --batch 4 --seq 64 --profile  # where the time goes"},
       "No lab is needed. A GFLOP/s is one of useful work: the matrix products of forward and "
       "backward, half of causal attention. Compare only figures of one moment; the median "
       "forgives "
       "what else the machine does, but not all."},
      [&globals, options] { return BenchTrain(globals, *options); });
  train->add_option("--model", options->model, ModelsHelp())->capture_default_str();
  train->add_option("--batch", options->batch, "Examples a step (default: the model's)")
      ->check(CLI::Range(1, 65536));
  train->add_option("--seq", options->seq, "Tokens of an example (default: the model's)")
      ->check(CLI::Range(1, 65536));
  train->add_option("--steps", options->steps, "Steps that count")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  train->add_option("--warmup-steps", options->warmup_steps, "Steps before those")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  train->add_option("--backend", options->backend, "Backend (shoal doctor lists them)")
      ->capture_default_str();
  train
      ->add_option("--dtype", options->dtype,
                   "Arithmetic of matrix products (default: bf16 where the processor has it)")
      ->check(CLI::IsMember({"bf16", "f32"}));
  train->add_option("--threads", options->threads, "Threads (default: the machine's cores)")
      ->check(CLI::Range(1, 1024));
  train->add_flag("--profile", options->profile, "Also time every operation, slowest first");
}

}  // namespace shoal::cli
