#include "cli/lab/lab.h"

#include "cli/lab/embedded.h"
#include "core/base/ids.h"
#include "core/base/status.h"
#include "core/join/channel.h"

namespace shoal::cli {
namespace {

std::shared_ptr<grpc::Channel> Open(const join::Endpoint& endpoint) {
  grpc::ChannelArguments arguments = join::LabChannelArguments();
  arguments.SetMaxReceiveMessageSize(64 << 20);
  arguments.SetMaxSendMessageSize(64 << 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return join::OpenChannel(endpoint, arguments);
}

struct RequestKind {
  static constexpr std::string_view kName = "request";
};

absl::Status Answers(v1::LabService::Stub& service, absl::Duration timeout) {
  return Call(service, &v1::LabService::Stub::GetLab, v1::GetLabRequest(), timeout).status();
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(gpr_time_from_micros(absl::ToInt64Microseconds(timeout), GPR_TIMESPAN));
}

std::string NewRequestId() { return Id<RequestKind>::New(SystemClock()).str(); }

absl::StatusOr<Lab> Lab::Connect(const LabOptions& options) {
  Lab lab;
  lab.options_ = options;
  if (!options.address.empty()) {
    SHOAL_ASSIGN_OR_RETURN(lab.endpoint_, join::FindEndpoint(options.address, options.clock->Now()),
                           "--lab");
  } else {
    SHOAL_RETURN_IF_ERROR(CheckDataDir(options.data_dir));
    lab.endpoint_ = join::UnixEndpoint(EmbeddedSocket(options.data_dir));
    if (options.start) {
      SHOAL_RETURN_IF_ERROR(EnsureEmbeddedLab(options.data_dir, options.quiet, *options.clock));
    } else if (!EmbeddedLabRuns(options.data_dir) && !LabAnswers(options.data_dir)) {
      return absl::UnavailableError(StrCat("no lab is running in ", options.data_dir,
                                           "; `shoal up` starts it, --lab FILE names another"));
    }
  }
  const auto channel = Open(lab.endpoint_);
  lab.service_ = v1::LabService::NewStub(channel);
  lab.artifacts_ = v1::ArtifactService::NewStub(channel);
  const absl::Status status =
      join::Explain(Answers(*lab.service_, absl::Seconds(10)), lab.endpoint_);
  if (absl::IsUnauthenticated(status)) return status;
  if (!status.ok()) {
    return absl::UnavailableError(StrCat("the lab at ", lab.endpoint_.ToString(),
                                         " does not answer (", status.message(),
                                         "); `shoal doctor` looks for the reason"));
  }
  return lab;
}

}  // namespace shoal::cli
