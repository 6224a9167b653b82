// shoal bench: how fast this machine computes, as a part of what it could do at most.
#include "cli/commands/bench.h"

#include "cli/output/format.h"
#include "cli/output/message_json.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/install_paths.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"
#include "google/protobuf/util/json_util.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kLongest = absl::Hours(1);

}  // namespace

std::string DtypeOr(const std::string& asked) {
  if (!asked.empty()) return asked;
  const std::string isa = ReadHostInfo().isa;
  return IsaHas(isa, "avx512_bf16") || IsaHas(isa, "amx_bf16") ? "bf16" : "f32";
}

int ThreadsOr(int asked) { return asked > 0 ? asked : ReadHostInfo().UsableCpus(); }

std::string ModelsHelp(bool (*fits)(const v1::ModelSpec& model)) {
  std::string help = "Model: ";
  for (const spec::ModelPreset& preset : spec::ModelPresets()) {
    if (!fits(preset.model)) continue;
    StrAppend(help, help.size() > 7 ? "; " : "", preset.name);
    if (!preset.alias.empty()) StrAppend(help, " or ", preset.alias);
    StrAppend(help, " (", preset.what, ", ", preset.batch, " x ", preset.seq, ")");
  }
  return help;
}

absl::Status RunBench(const v1::BenchOrder& order, int threads, google::protobuf::Message& report) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  SHOAL_ASSIGN_OR_RETURN(const TempDir temp, TempDir::Make("", "shoal-bench-"));
  const std::string path = temp.File("order.json");
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(path, JsonReply::ToJson(order)));
  SubprocessOptions run;
  run.args = {paths.Program("shoal-runner"), "--bench", path};
  run.environment = {{"OMP_NUM_THREADS", StrCat(threads)}};
  SHOAL_ASSIGN_OR_RETURN(const CapturedRun done, RunAndCapture(run, kLongest));
  if (!done.exit.ok()) {
    constexpr std::string_view kMark = "shoal-runner: ";
    std::string_view why = StripSpace(std::string_view(done.err));
    if (why.starts_with(kMark))
      return absl::InvalidArgumentError(std::string(why.substr(kMark.size())));
    return absl::InternalError(StrCat("shoal-runner ", done.exit.ToString(), ": ", why));
  }
  if (!google::protobuf::util::JsonStringToMessage(done.out, &report).ok())
    return absl::InternalError(StrCat("shoal-runner answered '", done.out, "'"));
  return absl::OkStatus();
}

std::string MillisecondsText(double value) { return Fixed(value, value < 10 ? 2 : 1); }

std::string WhereText(const std::string& dtype, const std::string& backend, const std::string& isa,
                      int threads) {
  return StrCat(dtype, ", ", backend, " on ", isa, ", ", threads,
                threads == 1 ? " thread" : " threads");
}

void AddBench(CLI::App& app, Globals& globals) {
  CLI::App* bench = AddCommand(
      app, globals,
      {"bench",
       "Measure how fast this machine trains and answers, against what its cores can do at most",
       {"shoal bench train", "shoal bench infer --model guppy --threads 1 --json"}},
      nullptr);
  AddBenchTrain(*bench, globals);
  AddBenchInfer(*bench, globals);
}

}  // namespace shoal::cli
