// shoal pause, shoal resume, shoal retry, shoal cancel: what to do with runs that are there.

#include <cstdio>
#include <map>

#include "cli/commands/command.h"
#include "cli/lab/follow.h"
#include "cli/lab/resolve.h"
#include "cli/lab/submit.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

constexpr size_t kMostLines = 12;  // of runs, each on its own
constexpr size_t kNamed = 4;       // of those left alone, for one reason

struct Outcome {
  std::vector<v1::Run> concerned;
  std::vector<v1::Run> others;
};

// How a verb is told.
struct Telling {
  const char* done;  // "paused": "12 runs paused", and the member's name in JSON
  const char* left;  // the member's name of those left alone
  std::function<std::string(const v1::Run&)> now;  // what becomes of a run
  std::function<std::string(const v1::Run&)> why;  // why one was left alone
};

template <typename Runs>
std::vector<v1::Run> Copy(const Runs& runs) {
  return {runs.begin(), runs.end()};
}

std::string HadEnded(const v1::Run& run) {
  return StrCat("had ended before: ", StatusName(run.status()));
}

bool IsBeingPaused(const v1::Run& run) {
  return run.status() == v1::RUN_STATUS_RUNNING && run.status_reason().starts_with("paused by");
}

std::string Place(const v1::Run& run) {
  return StrCat("step ", run.step(), " of ", run.total_steps());
}

std::string WaitsAgain(const v1::Run& run, const char* running) {
  if (run.status() == v1::RUN_STATUS_RUNNING) return running;
  return run.status_reason().empty() ? "waits for its turn"
                                     : StrCat("waits: ", Printable(run.status_reason(), false));
}

void PrintOthers(const Outcome& outcome, const Telling& telling) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const v1::Run& run : outcome.others)
    by_reason[telling.why(run)].push_back(Printable(run.name(), false));
  for (const auto& [reason, names] : by_reason) {
    std::string list;
    for (size_t i = 0; i < std::min(names.size(), kNamed); ++i)
      StrAppend(list, i > 0 ? ", " : "", names[i]);
    if (names.size() > kNamed) StrAppend(list, " and ", names.size() - kNamed, " more");
    std::printf("left alone: %s (%s)\n", list.c_str(), reason.c_str());
  }
}

void Print(const Globals& globals, const Outcome& outcome, const Telling& telling) {
  if (globals.json) {
    JsonReply()
        .AddList(telling.done, outcome.concerned)
        .AddList(telling.left, outcome.others)
        .Print();
    return;
  }
  if (globals.quiet) {
    for (const v1::Run& run : outcome.concerned) std::printf("%s\n", run.run_id().c_str());
    return;
  }
  for (size_t i = 0; i < std::min(outcome.concerned.size(), kMostLines); ++i) {
    const v1::Run& run = outcome.concerned[i];
    std::printf("%s  %s\n", Printable(run.name(), false).c_str(), telling.now(run).c_str());
  }
  if (outcome.concerned.size() > kMostLines)
    std::printf("and %zu more\n", outcome.concerned.size() - kMostLines);
  if (outcome.concerned.size() != 1)
    std::printf("%zu runs %s\n", outcome.concerned.size(), telling.done);
  PrintOthers(outcome, telling);
}

std::string Actor(const Globals& globals) {
  const v1::Submitter self = ThisSubmitter(globals.command_line);
  return StrCat("user:", self.user(), "@", self.host());
}

// Calls one of the verbs: every request has an id, targets and an actor.
template <typename Request, typename Response>
absl::StatusOr<Response> Ask(
    const Globals& globals, const std::vector<std::string>& targets, Request request,
    grpc::Status (v1::LabService::Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  request.set_request_id(NewRequestId());
  for (const std::string& target : targets) request.add_targets(target);
  request.set_actor(Actor(globals));
  return Call(lab.service(), method, request);
}

using Targets = std::shared_ptr<std::vector<std::string>>;

Targets AddTargets(CLI::App& command) {
  auto targets = std::make_shared<std::vector<std::string>>();
  command.add_option("run", *targets, kTargetsHelp)->required();
  return targets;
}

}  // namespace

void AddCancel(CLI::App& app, Globals& globals) {
  const auto reason = std::make_shared<std::string>();
  const auto targets = std::make_shared<Targets>();
  CLI::App* command = AddCommand(
      app, globals,
      {"cancel",
       "Cancel runs or whole sweeps; finished ones are left alone",
       {"shoal cancel tiny-L4 --reason \"wrong data\"", "shoal cancel all"}},
      [&globals, reason, targets]() -> absl::Status {
        v1::CancelRequest request;
        request.set_reason(*reason);
        SHOAL_ASSIGN_OR_RETURN(const auto response, Ask(globals, **targets, std::move(request),
                                                        &v1::LabService::Stub::Cancel));
        const auto now = [](const v1::Run& run) -> std::string {
          return IsFinal(run.status()) ? "cancelled" : "is being cancelled";
        };
        Print(globals, {Copy(response.cancelled()), Copy(response.already_finished())},
              {"cancelled", "already_finished", now, HadEnded});
        return absl::OkStatus();
      });
  *targets = AddTargets(*command);
  command->add_option("--reason", *reason, "Kept in the event log");
}

void AddPause(CLI::App& app, Globals& globals) {
  const auto targets = std::make_shared<Targets>();
  CLI::App* command = AddCommand(
      app, globals,
      {"pause",
       "Hold runs back: running ones save a checkpoint and free their slots",
       {"shoal pause tiny-L4", "shoal pause last:3-6  # trials 3 to 6 of the newest sweep"}},
      [&globals, targets]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(const auto response, Ask(globals, **targets, v1::PauseRequest(),
                                                        &v1::LabService::Stub::Pause));
        const auto now = [](const v1::Run& run) {
          return run.status() == v1::RUN_STATUS_RUNNING
                     ? StrCat("is being paused at ", Place(run), ": it saves a checkpoint first")
                     : StrCat("paused at ", Place(run));
        };
        const auto why = [](const v1::Run& run) -> std::string {
          if (run.status() == v1::RUN_STATUS_PAUSED) return "is paused already";
          if (IsFinal(run.status())) return HadEnded(run);
          return IsBeingPaused(run) ? "is being paused already" : "is being cancelled";
        };
        Print(globals, {Copy(response.paused()), Copy(response.unchanged())},
              {"paused", "unchanged", now, why});
        if (!globals.json && !globals.quiet && !response.paused().empty()) {
          std::printf("`shoal resume%s` lets %s go on\n", Words(**targets).c_str(),
                      response.paused_size() == 1 ? "it" : "them");
        }
        return absl::OkStatus();
      });
  *targets = AddTargets(*command);
}

void AddResume(CLI::App& app, Globals& globals) {
  const auto targets = std::make_shared<Targets>();
  CLI::App* command = AddCommand(
      app, globals,
      {"resume",
       "Let paused runs go on, from the checkpoint they saved",
       {"shoal resume tiny-L4", "shoal resume all"}},
      [&globals, targets]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(const auto response, Ask(globals, **targets, v1::ResumeRequest(),
                                                        &v1::LabService::Stub::Resume));
        const auto now = [](const v1::Run& run) { return WaitsAgain(run, "goes on"); };
        const auto why = [](const v1::Run& run) {
          return IsFinal(run.status()) ? HadEnded(run)
                                       : StrCat("is not paused: ", StatusName(run.status()));
        };
        Print(globals, {Copy(response.resumed()), Copy(response.unchanged())},
              {"resumed", "unchanged", now, why});
        return absl::OkStatus();
      });
  *targets = AddTargets(*command);
}

void AddRetry(CLI::App& app, Globals& globals) {
  const auto failed = std::make_shared<bool>(false);
  const auto targets = std::make_shared<Targets>();
  CLI::App* command = AddCommand(
      app, globals,
      {"retry",
       "Queue runs again that failed or were cancelled; they go on from their newest checkpoint",
       {"shoal retry --failed depth-sweep", "shoal retry tiny-L4"}},
      [&globals, failed, targets]() -> absl::Status {
        v1::RetryRequest request;
        request.set_failed_only(*failed);
        SHOAL_ASSIGN_OR_RETURN(const auto response, Ask(globals, **targets, std::move(request),
                                                        &v1::LabService::Stub::Retry));
        const auto now = [](const v1::Run& run) { return WaitsAgain(run, "runs again"); };
        const auto why = [](const v1::Run& run) -> std::string {
          if (!IsFinal(run.status())) return StrCat("has not ended: ", StatusName(run.status()));
          if (run.status() == v1::RUN_STATUS_SUCCEEDED) return "has succeeded";
          return "was cancelled; without --failed it is tried again too";
        };
        Print(globals, {Copy(response.retried()), Copy(response.unchanged())},
              {"retried", "unchanged", now, why});
        return absl::OkStatus();
      });
  *targets = AddTargets(*command);
  command->add_flag("--failed", *failed, "Only those that failed, not those that were cancelled");
}

}  // namespace shoal::cli
