#include "coordinator/loop/dataset_commands.h"

#include "coordinator/loop/plan.h"
#include "coordinator/store/dataset_rows.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/request_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::loop {
namespace {

constexpr std::string_view kMethod = "CreateDataset";

}  // namespace

absl::Status CreateDatasetCommand::CheckFiles(Step& step) {
  const v1::Dataset& asked = request_.dataset();
  SHOAL_ASSIGN_OR_RETURN(
      const std::vector<std::string> missing,
      store::MissingArtifacts(step.reading(), {asked.files().begin(), asked.files().end()}));
  if (!missing.empty()) {
    answer_ = absl::FailedPreconditionError(StrCat("files: ", missing.size(),
                                                   " are not in the lab, the first is ",
                                                   missing.front(), "; upload them first"));
    return absl::OkStatus();
  }
  for (const v1::DataBinding& file : asked.files()) {
    SHOAL_ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(file.sha256()));
    if (files_.SizeOf(digest) == file.size_bytes()) continue;
    answer_ =
        absl::InvalidArgumentError(StrCat("files: ", file.sha256(), " has ", files_.SizeOf(digest),
                                          " bytes, not ", file.size_bytes()));
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CreateDatasetCommand::IsNew(Step& step) {
  const v1::Dataset& asked = request_.dataset();
  SHOAL_ASSIGN_OR_RETURN(std::optional<v1::Dataset> present,
                         store::FindDataset(step.reading(), asked.name()));
  if (!present) {
    SHOAL_RETURN_IF_ERROR(CheckFiles(step));
    return answer_.ok();
  }
  if (present->dataset_id() == asked.dataset_id() && present->kind() == asked.kind()) {
    response_ = *std::move(present);
    return false;
  }
  answer_ = absl::AlreadyExistsError(StrCat(
      "data set '", asked.name(), "' stands for other data (", present->kind(), ", ",
      present->train().examples(), " training examples, from ", present->source(),
      "), and a data set never changes; choose another name, such as '", asked.name(), "-2'"));
  return false;
}

absl::Status CreateDatasetCommand::Add(Step& step) {
  response_ = request_.dataset();
  response_.set_submitted_by(request_.submitter().user());
  store::SetTimestamp(step.now(), response_.mutable_created_at());
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  SHOAL_RETURN_IF_ERROR(store::InsertDataset(*db, response_));
  v1::Event event;
  event.set_actor(ActorOf(request_.submitter()));
  event.set_kind("dataset.created");
  event.set_message(response_.name());
  return step.WriteEvent(std::move(event));
}

absl::Status CreateDatasetCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  response_.Clear();
  const std::string sha256 = store::RequestSha256(request_);
  absl::StatusOr<std::optional<std::string>> stored =
      store::FindRequest(step.reading(), request_.request_id(), std::string(kMethod), sha256);
  if (absl::IsInvalidArgument(stored.status())) {
    answer_ = stored.status();
    return absl::OkStatus();
  }
  SHOAL_RETURN_IF_ERROR(stored);
  if (stored->has_value()) {
    if (response_.ParseFromString(**stored)) return absl::OkStatus();
    return absl::DataLossError("a stored answer cannot be read");
  }
  SHOAL_ASSIGN_OR_RETURN(const bool is_new, IsNew(step));
  if (!answer_.ok()) return absl::OkStatus();
  if (is_new) SHOAL_RETURN_IF_ERROR(Add(step));
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, request_.request_id(), std::string(kMethod), sha256, response_,
                              step.now());
}

void CreateDatasetCommand::Finish(const absl::Status& committed, const View&) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  done_(std::move(response_));
}

}  // namespace shoal::loop
