// shoal watch, shoal wait, shoal logs: what is happening.

#include <signal.h>

#include <cstdio>
#include <set>

#include "cli/commands/command.h"
#include "cli/lab/follow.h"
#include "cli/lab/resolve.h"
#include "cli/output/runs_table.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

// Ids, so that a later run of the same name does not confuse a watch that outlives a lab; a reused
// run as its place in the sweep, which tells that it is.
absl::StatusOr<std::vector<std::string>> RunIds(const Globals& globals,
                                                const std::vector<std::string>& targets) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, targets));
  std::vector<std::string> ids;
  for (const v1::Run& run : runs) {
    ids.push_back(run.reused() ? StrCat(run.sweep_id(), ":", run.trial_index() + 1) : run.run_id());
  }
  return ids;
}

// `again` is the command itself.
absl::Status WatchOrWait(Globals& globals, const std::string& again,
                         const std::vector<std::string>& targets, const std::string& timeout,
                         FollowMode mode) {
  absl::Duration limit = absl::InfiniteDuration();
  if (!timeout.empty() && !absl::ParseDuration(timeout, &limit)) {
    return absl::InvalidArgumentError(
        StrCat("--timeout: '", timeout, "' is not a duration such as 90s, 10m or 2h"));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> ids, RunIds(globals, targets));
  SHOAL_ASSIGN_OR_RETURN(const FollowResult result,
                         Follow(globals.lab, ids, mode, globals.terminal, limit));
  if (result.detached) {
    std::string names;
    // Without targets `last` was meant, which may be another run by then.
    for (const std::string& name : targets.empty() ? ids : targets) StrAppend(names, " ", name);
    std::fprintf(stderr,
                 "\ndetached; the work goes on. `%s%s` attaches again, `shoal cancel%s` stops it\n",
                 again.c_str(), names.c_str(), names.c_str());
    return absl::OkStatus();
  }
  for (const v1::Run& run : result.runs) {
    if (run.status() != v1::RUN_STATUS_SUCCEEDED) globals.exit_code = kJobFailed;
  }
  if (globals.json) {
    JsonReply().AddList("runs", result.runs).Print();
  } else if (!globals.quiet) {
    std::printf("%s%s", mode == FollowMode::kProgress ? "\n" : "",
                ComparisonTable(globals.terminal, result.runs).c_str());
  }
  return absl::OkStatus();
}

// NotFound, naming the attempts there are, unless `attempt` is one of the run's.
absl::Status CheckAttempt(Lab& lab, const v1::Run& run, int attempt) {
  v1::GetRunRequest request;
  request.set_run(run.run_id());
  SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail,
                         Call(lab.service(), &v1::LabService::Stub::GetRun, request));
  std::set<int> numbers;
  for (const v1::Attempt& known : detail.attempts()) numbers.insert(known.attempt_number());
  if (numbers.contains(attempt)) return absl::OkStatus();
  std::string list;
  for (const int number : numbers) StrAppend(list, list.empty() ? "" : ", ", number);
  return absl::NotFoundError(StrCat(run.name(), " has no attempt ", attempt, "; it has ",
                                    list.empty() ? "none yet" : list));
}

void PrintLogLine(const Globals& globals, const v1::ReadLogsResponse& response) {
  if (globals.json) {
    // One object a line, each with its schema in front.
    std::printf("{\"schema\":1,%s\n", JsonReply::ToJson(response).substr(1).c_str());
  } else {
    const absl::Time at = absl::FromUnixMicros(response.line().wall_time_us());
    std::printf("%s  %d  %-5s  %s\n",
                absl::FormatTime("%H:%M:%S", at, absl::LocalTimeZone()).c_str(),
                response.attempt_number(), response.line().level().c_str(),
                Printable(response.line().text(), false).c_str());
  }
  std::fflush(stdout);
}

absl::Status PrintLogs(const Globals& globals, const std::string& target, bool follow,
                       int attempt) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(
      const std::vector<v1::Run> runs,
      ResolveRuns(lab, target.empty() ? std::vector<std::string>() : std::vector{target}));
  if (runs.size() > 1) {
    return absl::InvalidArgumentError(StrCat(
        target, " names ", runs.size(), " runs; logs are of one, such as ", runs.front().name()));
  }
  if (attempt > 0) SHOAL_RETURN_IF_ERROR(CheckAttempt(lab, runs.front(), attempt));
  v1::ReadLogsRequest request;
  request.set_run(runs.front().run_id());
  request.set_follow(follow);
  request.set_attempt_number(attempt);
  return FollowLogs(globals.lab, request,
                    [&](const v1::ReadLogsResponse& response) { PrintLogLine(globals, response); });
}

}  // namespace

void AddWatch(CLI::App& app, Globals& globals) {
  const auto targets = std::make_shared<std::vector<std::string>>();
  CLI::App* command = AddCommand(app, globals,
                                 {"watch",
                                  "Follow runs to their end, with live progress",
                                  {"shoal watch last", "shoal watch tiny-L2 tiny-L4"}},
                                 [&globals, targets] {
                                   const FollowMode mode = globals.json || globals.quiet
                                                               ? FollowMode::kSilent
                                                               : FollowMode::kProgress;
                                   return WatchOrWait(globals, "shoal watch", *targets, "", mode);
                                 });
  command->add_option("run", *targets, StrCat(kTargetsHelp, "; default: last"));
}

void AddWait(CLI::App& app, Globals& globals) {
  struct Options {
    std::vector<std::string> targets;
    std::string timeout;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"wait",
                  "Wait until runs have ended; exit 3 when one did not succeed",
                  {"shoal wait tiny --timeout 10m", "shoal wait size-7 && shoal compare size-7"}},
                 [&globals, options] {
                   return WatchOrWait(globals, "shoal wait", options->targets, options->timeout,
                                      FollowMode::kSilent);
                 });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command->add_option("--timeout", options->timeout,
                      "Give up waiting after this long (exit 4); the runs go on");
}

void AddLogs(CLI::App& app, Globals& globals) {
  struct Options {
    std::string target;
    bool follow = false;
    int attempt = 0;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals,
      {"logs", "Print a run's log", {"shoal logs -f last", "shoal logs tiny-L4 --attempt 2"}},
      [&globals, options] {
        return PrintLogs(globals, options->target, options->follow, options->attempt);
      });
  command->add_option("run", options->target, StrCat(kTargetHelp, "; default: last"));
  command->get_option("--json")->description("Print JSON lines, an object each, instead of text");
  command->add_flag("-f,--follow", options->follow, "Go on until the run has ended");
  command->add_option("--attempt", options->attempt, "Only this attempt")
      ->check(CLI::Range(1, 1000000));
}

}  // namespace shoal::cli
