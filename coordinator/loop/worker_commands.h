// What workers say: who they are, what they hold, what their attempts produced.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/loop.h"
#include "coordinator/loop/user_commands.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::loop {

class RegisterCommand final : public Command {
 public:
  RegisterCommand(v1::RegisterRequest request, Callback<v1::RegisterResponse> done)
      : request_(std::move(request)), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const v1::RegisterRequest request_;
  const Callback<v1::RegisterResponse> done_;
  absl::Status answer_;
};

// Renews leases, and answers what the worker should have: at once when there is something to say,
// else when there is, or after max_wait.
class SynchronizeCommand final : public Command {
 public:
  // `request` must have been checked: ids and durations are well-formed. `address`: where it comes
  // from.
  SynchronizeCommand(v1::SynchronizeRequest request, std::string address, Loop& loop,
                     Callback<v1::SynchronizeResponse> done);
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  const v1::SynchronizeRequest request_;
  const std::string address_;
  Loop& loop_;
  const Callback<v1::SynchronizeResponse> done_;
  scheduler::WorkerSynchronized event_;
  absl::Status answer_;
};

// Records what an attempt produced, exactly once, behind the scheduler's fence.
class ReportCommand final : public Command {
 public:
  // `request` must have been checked: ids and artifacts' digests are well-formed.
  ReportCommand(v1::ReportRequest request, Callback<v1::ReportResponse> done)
      : request_(std::move(request)), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  absl::Status CheckArtifacts(Step& step, int first);
  absl::Status Record(Step& step, const scheduler::AttemptKey& key, int first);

  const v1::ReportRequest request_;
  const Callback<v1::ReportResponse> done_;
  absl::Status answer_;
  int64_t acknowledged_ = 0;
};

}  // namespace shoal::loop
