// Data sets becoming part of the lab. Nothing changes or removes one.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/user_commands.h"
#include "shoal/v1/dataset.pb.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::loop {

// Adds a data set; a repeated request id gets the first answer, and so does whoever brings the same
// name with the same content again. Answers AlreadyExists when the name stands for other data,
// FailedPrecondition when a file is not here, InvalidArgument when an announced size is wrong.
class CreateDatasetCommand final : public Command {
 public:
  // `request` must have been checked: the data set is well-formed and has its id.
  CreateDatasetCommand(v1::CreateDatasetRequest request, const store::ArtifactFiles& files,
                       Callback<v1::Dataset> done)
      : request_(std::move(request)), files_(files), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  // Decides `answer_`; true when `response_` is to be stored as a new data set.
  absl::StatusOr<bool> IsNew(Step& step);
  absl::Status CheckFiles(Step& step);
  absl::Status Add(Step& step);

  const v1::CreateDatasetRequest request_;
  const store::ArtifactFiles& files_;
  const Callback<v1::Dataset> done_;
  absl::Status answer_;
  v1::Dataset response_;
};

}  // namespace shoal::loop
