// What people do to runs that are there, and to workers: cancel, pause, resume, retry, drain.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/runs_table.h"
#include "coordinator/loop/user_commands.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::loop {

// Each verb's requests carry request_id, actor and targets (resolved by the caller); its response
// lists the runs that it concerned and those that it left alone.
struct CancelVerb {
  using Request = v1::CancelRequest;
  using Response = v1::CancelResponse;
};
struct PauseVerb {
  using Request = v1::PauseRequest;
  using Response = v1::PauseResponse;
};
struct ResumeVerb {
  using Request = v1::ResumeRequest;
  using Response = v1::ResumeResponse;
};
struct RetryVerb {
  using Request = v1::RetryRequest;
  using Response = v1::RetryResponse;
};

// One event for the jobs of all runs; a repeated request id changes nothing and answers the same.
template <typename Verb>
class ControlCommand final : public Command {
 public:
  using Request = typename Verb::Request;
  using Response = typename Verb::Response;

  ControlCommand(Request request, Rows runs, Callback<Response> done)
      : request_(std::move(request)), runs_(std::move(runs)), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const Request request_;
  const Rows runs_;
  const Callback<Response> done_;
  absl::Status answer_;
  Response response_;  // ids only, until Finish
};

using CancelCommand = ControlCommand<CancelVerb>;
using PauseCommand = ControlCommand<PauseVerb>;
using ResumeCommand = ControlCommand<ResumeVerb>;
using RetryCommand = ControlCommand<RetryVerb>;

// A worker takes no new jobs, or takes them again. Answers its id; NotFound names those there are.
class DrainCommand final : public Command {
 public:
  DrainCommand(v1::DrainWorkerRequest request, Callback<std::string> done)
      : request_(std::move(request)), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const v1::DrainWorkerRequest request_;
  const Callback<std::string> done_;
  absl::Status answer_;
  v1::DrainWorkerResponse response_;  // the worker's id
};

}  // namespace shoal::loop
