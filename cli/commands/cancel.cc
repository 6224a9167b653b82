// shoal cancel.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/follow.h"
#include "cli/lab/submit.h"
#include "core/base/status.h"

namespace shoal::cli {

void AddCancel(CLI::App& app, Globals& globals) {
  struct Options {
    std::vector<std::string> targets;
    std::string reason;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals, "cancel", "Cancel runs or whole sweeps; finished ones are left alone",
      "shoal cancel tiny-L4 --reason \"wrong data\"", [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
        const v1::Submitter self = ThisSubmitter(globals.command_line);
        v1::CancelRequest request;
        request.set_request_id(NewRequestId());
        for (const std::string& target : options->targets) request.add_targets(target);
        request.set_reason(options->reason);
        request.set_actor(StrCat("user:", self.user(), "@", self.host()));
        SHOAL_ASSIGN_OR_RETURN(const auto response,
                               Call(lab.service(), &v1::LabService::Stub::Cancel, request));
        if (globals.json) {
          JsonReply()
              .AddList("cancelled", response.cancelled())
              .AddList("already_finished", response.already_finished())
              .Print();
          return absl::OkStatus();
        }
        for (const v1::Run& run : response.cancelled()) {
          std::printf("%s  %s\n", run.name().c_str(),
                      IsFinal(run.status()) ? "cancelled" : "is being cancelled");
        }
        for (const v1::Run& run : response.already_finished()) {
          std::printf("%s  had ended before: %s\n", run.name().c_str(),
                      StatusName(run.status()).c_str());
        }
        return absl::OkStatus();
      });
  command->add_option("run", options->targets, "Runs or sweeps: id or name")->required();
  command->add_option("--reason", options->reason, "Kept in the event log");
}

}  // namespace shoal::cli
