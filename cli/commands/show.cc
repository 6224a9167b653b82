// shoal show: everything about a run, or the comparison of several (a sweep).

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/follow.h"
#include "cli/lab/resolve.h"
#include "cli/output/asked_spec.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "cli/output/table.h"
#include "core/base/status.h"
#include "core/spec/fingerprint.h"
#include "core/spec/print.h"

namespace shoal::cli {
namespace {

// "ATTEMPT_STATE_LOST" -> "LOST".
std::string Short(const std::string& name, std::string_view prefix) {
  return name.substr(prefix.size());
}

void Row(const char* label, const std::string& value) {
  if (!value.empty()) std::printf("%-13s %s\n", label, value.c_str());
}

std::string AttemptsTable(const Globals& globals, const v1::RunDetail& detail) {
  using A = Table::Align;
  Table table({{"ATTEMPT", A::kRight},
               {"JOB"},
               {"STATE"},
               {"WORKER"},
               {"FROM STEP", A::kRight},
               {"TIME", A::kRight},
               {"MEMORY", A::kRight},
               {"MESSAGE", A::kLeft, true}});
  for (const v1::Attempt& attempt : detail.attempts()) {
    std::string kind;
    for (const v1::Job& job : detail.jobs()) {
      if (job.job_id() == attempt.job_id()) kind = Short(v1::JobKind_Name(job.kind()), "JOB_KIND_");
    }
    const absl::Time end =
        attempt.has_finished_at() ? ToTime(attempt.finished_at()) : globals.clock().Now();
    table.Add({StrCat(attempt.attempt_number()), kind,
               Short(v1::AttemptState_Name(attempt.state()), "ATTEMPT_STATE_"),
               Printable(attempt.worker_name(), false), StrCat(attempt.resumed_from_step()),
               HumanDuration(end - ToTime(attempt.leased_at())),
               attempt.peak_memory_bytes() > 0 ? HumanBytes(attempt.peak_memory_bytes()) : "",
               Printable(attempt.message(), false)});
  }
  return table.Render(globals.terminal);
}

std::string MetricsTable(const Globals& globals, const v1::Run& run) {
  using A = Table::Align;
  Table table({{"METRIC"},
               {"LAST", A::kRight},
               {"MIN", A::kRight},
               {"AT STEP", A::kRight},
               {"MAX", A::kRight},
               {"POINTS", A::kRight}});
  std::vector<std::string> names;
  for (const auto& [name, summary] : run.metrics()) names.push_back(name);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const v1::MetricSummary& summary = run.metrics().at(name);
    table.Add({Printable(name, false), StrCat(summary.last()), StrCat(summary.min()),
               StrCat(summary.min_step()), StrCat(summary.max()), StrCat(summary.count())});
  }
  return table.Render(globals.terminal);
}

std::string CheckpointsTable(const Globals& globals, const v1::RunDetail& detail) {
  using A = Table::Align;
  Table table({{"CHECKPOINT"},
               {"STEP", A::kRight},
               {"SIZE", A::kRight},
               {"HELD-OUT", A::kRight},
               {"SHA-256"}});
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    table.Add({checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS ? "weights" : "resumable",
               StrCat(checkpoint.step()), HumanBytes(checkpoint.artifact().size_bytes()),
               Fixed(checkpoint.held_out_loss(), 4), checkpoint.artifact().sha256().substr(0, 16)});
  }
  return table.Render(globals.terminal);
}

void PrintSamples(const Globals& globals, const v1::RunDetail& detail) {
  int64_t last_step = -1;
  for (const v1::Sample& sample : detail.samples())
    last_step = std::max<int64_t>(last_step, sample.step());
  // They may be older than the newest checkpoint: each has its own interval.
  std::printf("\nanswers to the spec's prompts at step %lld of %lld:\n",
              static_cast<long long>(last_step), static_cast<long long>(detail.run().step()));
  for (const v1::Sample& sample : detail.samples()) {
    if (sample.step() != last_step) continue;
    std::printf("  %s\n    %s\n",
                Styled(globals.terminal, Style::kBold, Printable(sample.prompt(), false)).c_str(),
                Printable(sample.text(), false).c_str());
  }
}

void PrintDetail(const Globals& globals, const v1::RunDetail& detail, bool with_spec) {
  const v1::Run& run = detail.run();
  std::printf(
      "%s  %s\n", Styled(globals.terminal, Style::kBold, Printable(run.name(), false)).c_str(),
      Styled(globals.terminal, StatusStyle(run.status()), StatusName(run.status())).c_str());
  Row("id", run.run_id());
  Row("sweep", run.sweep_id());
  Row("reason", Printable(run.status_reason(), false));
  Row("step", StrCat(run.step(), " of ", run.total_steps()));
  Row("parameters", WithCommas(run.parameters()));
  Row("wall time", HumanDuration(WallTime(run, globals.clock().Now())));
  Row("submitted", StrCat("by ", Printable(run.submitted_by(), false), " from ",
                          Printable(run.submitted_from(), false), ", ",
                          absl::FormatTime("%Y-%m-%d %H:%M:%S", ToTime(run.created_at()),
                                           absl::LocalTimeZone())));
  Row("build", run.build_id());
  Row("request", run.request_digest());
  Row("fingerprint", run.fingerprint());
  if (detail.has_numerics()) Row("numerics", spec::NumericsLine(detail.numerics()));
  Row("note", Printable(run.note(), false));
  if (run.metrics_size() > 0) std::printf("\n%s", MetricsTable(globals, run).c_str());
  if (detail.attempts_size() > 0) std::printf("\n%s", AttemptsTable(globals, detail).c_str());
  if (detail.checkpoints_size() > 0) std::printf("\n%s", CheckpointsTable(globals, detail).c_str());
  if (detail.samples_size() > 0) {
    PrintSamples(globals, detail);
  }
  if (with_spec) {
    std::printf("\n%s", spec::ToYaml(detail.spec()).c_str());
  } else {
    std::printf("\nspec, as asked (the rest by default: --spec shows all):\n\n%s",
                AskedSpec(detail.spec()).c_str());
  }
}

}  // namespace

void AddShow(CLI::App& app, Globals& globals) {
  struct Options {
    std::vector<std::string> targets;
    bool spec = false;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals,
      {"show",
       "Show everything about a run, or a table of several",
       {"shoal show last", "shoal show tiny-L4 --spec  # every default filled in",
        "shoal show size-7"}},
      [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
        SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, options->targets));
        if (runs.size() > 1) {
          if (globals.json) {
            JsonReply().AddList("runs", runs).Print();
          } else {
            std::printf("%s", ComparisonTable(globals.terminal, runs).c_str());
          }
          return absl::OkStatus();
        }
        v1::GetRunRequest request;
        request.set_run(runs.front().run_id());
        SHOAL_ASSIGN_OR_RETURN(v1::RunDetail detail,
                               Call(lab.service(), &v1::LabService::Stub::GetRun, request));
        if (globals.json) {
          JsonReply reply;
          reply.Add("run", detail.run());
          detail.clear_run();  // stands beside it
          reply.Add("detail", detail).Print();
        } else {
          PrintDetail(globals, detail, options->spec);
        }
        return absl::OkStatus();
      });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command->add_flag("--spec", options->spec, "Print the complete spec, every default filled in");
}

}  // namespace shoal::cli
