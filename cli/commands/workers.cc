// shoal workers: who computes, what they have and run; drain and undrain.

#include <algorithm>
#include <cstdio>

#include "cli/commands/command.h"
#include "cli/commands/workers.h"
#include "cli/lab/submit.h"
#include "cli/output/runs_table.h"
#include "cli/output/workers_table.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

absl::Status Drain(Globals& globals, const std::vector<std::string>& names, bool undo) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  const v1::Submitter self = ThisSubmitter(globals.command_line);
  std::vector<v1::Worker> workers;
  for (const std::string& name : names) {
    v1::DrainWorkerRequest request;
    request.set_request_id(NewRequestId());
    request.set_worker(name);
    request.set_undo(undo);
    request.set_actor(StrCat("user:", self.user(), "@", self.host()));
    SHOAL_ASSIGN_OR_RETURN(const auto response,
                           Call(lab.service(), &v1::LabService::Stub::DrainWorker, request));
    workers.push_back(response.worker());
  }
  if (globals.json) {
    JsonReply().AddList("workers", workers).Print();
    return absl::OkStatus();
  }
  for (const v1::Worker& worker : workers) {
    if (globals.quiet) {
      std::printf("%s\n", worker.worker_id().c_str());
      continue;
    }
    std::string what = undo ? "takes jobs again" : "takes no new jobs";
    if (!undo && worker.slots_used() > 0) {
      std::string runs;
      for (const std::string& run : worker.running())
        StrAppend(runs, runs.empty() ? "" : ", ", Printable(run, false));
      StrAppend(what, "; it finishes ", runs);
    }
    std::printf("%s  %s: %s\n", Printable(worker.name(), false).c_str(),
                WorkerStateText(worker).c_str(), what.c_str());
  }
  if (!undo && !globals.quiet) {
    std::printf("`shoal workers undrain %s` ends that; it outlives restarts\n",
                Printable(names.front(), false).c_str());
  }
  return absl::OkStatus();
}

void AddDrainCommand(CLI::App& workers, Globals& globals, const CommandHelp& help, bool undo) {
  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = AddCommand(workers, globals, help,
                                 [&globals, names, undo] { return Drain(globals, *names, undo); });
  command->add_option("worker", *names, "Workers: name or id")->required();
}

}  // namespace

absl::Status PrintWorkers(Globals& globals) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(auto response, Call(lab.service(), &v1::LabService::Stub::ListWorkers,
                                             v1::ListWorkersRequest()));
  std::sort(response.mutable_workers()->begin(), response.mutable_workers()->end(),
            [](const v1::Worker& a, const v1::Worker& b) { return a.name() < b.name(); });
  // The coordinator's clock: this machine's may be another.
  SHOAL_ASSIGN_OR_RETURN(const auto about,
                         Call(lab.service(), &v1::LabService::Stub::GetLab, v1::GetLabRequest()));
  const absl::Time now = ToTime(about.now());
  if (globals.json) {
    std::string silent;
    for (const v1::Worker& worker : response.workers()) {
      if (SilenceOf(worker, now) > absl::ZeroDuration())
        StrAppend(silent, silent.empty() ? "" : ",", JsonReply::Quote(worker.name()));
    }
    JsonReply()
        .AddList("workers", response.workers())
        .AddRaw("silent", StrCat("[", silent, "]"))
        .Print();
  } else if (globals.quiet) {
    for (const v1::Worker& worker : response.workers())
      std::printf("%s\n", worker.worker_id().c_str());
  } else if (response.workers().empty()) {
    std::printf("no workers; `shoal up` starts one on this machine\n");
  } else {
    std::printf("%s", WorkersTable(globals.terminal, response.workers(), now).c_str());
  }
  return absl::OkStatus();
}

void AddWorkers(CLI::App& app, Globals& globals) {
  CLI::App* command = AddCommand(app, globals,
                                 {"workers",
                                  "List workers, what they have and what they run",
                                  {"shoal workers", "shoal workers drain nora"}},
                                 [&globals] { return PrintWorkers(globals); });
  AddDrainCommand(*command, globals,
                  {"drain",
                   "Let workers finish what they run and take no new jobs",
                   {"shoal workers drain nora", "shoal workers drain nora otto"}},
                  false);
  AddDrainCommand(*command, globals,
                  {"undrain",
                   "Let drained workers take jobs again",
                   {"shoal workers undrain nora", "shoal workers undrain nora otto"}},
                  true);
}

}  // namespace shoal::cli
