// shoal queue, shoal explain: who waits for what, and why.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/resolve.h"
#include "cli/output/workers_table.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

constexpr int kNamedAhead = 6;

absl::Status PrintQueue(const Globals& globals) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const auto response, Call(lab.service(), &v1::LabService::Stub::ListQueue,
                                                   v1::ListQueueRequest()));
  if (globals.json) {
    JsonReply().AddList("entries", response.entries()).Print();
  } else if (globals.quiet) {
    for (const v1::QueueEntry& entry : response.entries())
      std::printf("%s\n", entry.job().run_id().c_str());
  } else if (response.entries().empty()) {
    std::printf("nothing runs and nothing waits\n");
  } else {
    std::printf("%s",
                QueueTable(globals.terminal, response.entries(), globals.clock().Now()).c_str());
  }
  return absl::OkStatus();
}

absl::Status PrintExplanation(const Globals& globals, const std::string& target) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  v1::ExplainRequest request;
  request.set_target(target);
  SHOAL_ASSIGN_OR_RETURN(const auto response,
                         Call(lab.service(), &v1::LabService::Stub::Explain, request));
  if (globals.json) {
    JsonReply().Add("explanation", response).Print();
    return absl::OkStatus();
  }
  std::printf("%s\n", Printable(response.summary(), false).c_str());
  if (globals.quiet) return absl::OkStatus();
  if (!response.workers().empty())
    std::printf("\n%s", VerdictsTable(globals.terminal, response.workers()).c_str());
  if (response.ahead().empty()) return absl::OkStatus();
  std::string ahead;
  for (int i = 0; i < std::min(response.ahead_size(), kNamedAhead); ++i)
    StrAppend(ahead, i > 0 ? ", " : "", Printable(response.ahead(i), false));
  if (response.ahead_size() > kNamedAhead)
    StrAppend(ahead, " and ", response.ahead_size() - kNamedAhead, " more");
  std::printf("\nahead of it: %s\n", ahead.c_str());
  return absl::OkStatus();
}

}  // namespace

void AddQueue(CLI::App& app, Globals& globals) {
  AddCommand(app, globals,
             {"queue",
              "List what runs and what waits, in order, and why it waits",
              {"shoal queue", "shoal queue --json"}},
             [&globals] { return PrintQueue(globals); });
}

void AddExplain(CLI::App& app, Globals& globals) {
  const auto target = std::make_shared<std::string>("last");
  CLI::App* command =
      AddCommand(app, globals,
                 {"explain",
                  "Say why a run is where it is: what each worker lacks or is busy with",
                  {"shoal explain last", "shoal explain tiny-L4"}},
                 [&globals, target] { return PrintExplanation(globals, *target); });
  command->add_option("run", *target, StrCat(kTargetHelp, "; or a job's id; default: last"));
}

}  // namespace shoal::cli
