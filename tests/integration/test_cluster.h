// A real coordinator on a Unix socket in a temporary folder, and workers whose every word is
// scripted by the test.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/coordinator.h"
#include "core/base/file.h"
#include "shoal/v1/artifact_service.grpc.pb.h"
#include "shoal/v1/lab_service.grpc.pb.h"
#include "shoal/v1/worker_service.grpc.pb.h"

namespace shoal {

// A call's status as ours.
absl::Status FromGrpc(const grpc::Status& status);
// A client's context; its deadline only keeps a broken test from hanging.
std::unique_ptr<grpc::ClientContext> NewContext();

class TestCluster {
 public:
  TestCluster();
  ~TestCluster();

  // Change before Start; data_dir and socket_path are set.
  CoordinatorOptions& options() { return options_; }
  absl::Status Start();
  void Stop();
  absl::Status Restart();

  Coordinator& coordinator() { return *coordinator_; }
  v1::LabService::Stub& lab() { return *lab_; }
  v1::WorkerService::Stub& worker_stub() { return *worker_; }
  v1::ArtifactService::Stub& artifacts() { return *artifacts_; }
  const std::string& data_dir() const { return options_.data_dir; }
  std::shared_ptr<grpc::Channel> NewChannel() const;

  // Uploads bytes and answers their reference.
  absl::StatusOr<v1::ArtifactRef> Upload(const std::string& bytes);
  // A small valid request, with its data uploaded.
  absl::StatusOr<v1::SubmitRunRequest> NewRequest(const std::string& name);
  absl::StatusOr<v1::Run> Submit(const std::string& name);
  absl::StatusOr<v1::Run> GetRun(const std::string& selector);
  absl::StatusOr<v1::RunDetail> GetDetail(const std::string& selector);
  // Steps of a visible curve, or with `all` of everything recorded.
  absl::StatusOr<std::vector<int64_t>> Steps(const std::string& run, const std::string& series,
                                             bool all = false);
  // Waits for the run's status to be final, by watching.
  absl::StatusOr<v1::Run> WaitUntilFinished(const std::string& selector);

 private:
  std::optional<TempDir> dir_;
  CoordinatorOptions options_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<v1::LabService::Stub> lab_;
  std::unique_ptr<v1::WorkerService::Stub> worker_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
};

// A worker that does only what it is told to.
class ScriptedWorker {
 public:
  ScriptedWorker(TestCluster& cluster, std::string name, std::string instance = "i1",
                 int slots = 1);

  absl::Status Register();
  // With what it holds now; started assignments are added to it, stopped ones removed.
  absl::StatusOr<v1::SynchronizeResponse> Synchronize(
      absl::Duration max_wait = absl::ZeroDuration());
  // Synchronizes until there is something to start.
  absl::StatusOr<v1::Assignment> WaitForAssignment();
  // Sends items; `first_sequence` counts by itself per attempt.
  absl::StatusOr<int64_t> Report(const v1::AttemptKey& key,
                                 const std::vector<v1::ReportItem>& items);
  absl::StatusOr<int64_t> ReportAt(const v1::AttemptKey& key, int64_t first,
                                   const std::vector<v1::ReportItem>& items);
  // Started, `steps` points of train/loss after `from`, a checkpoint pair at the end, finished.
  absl::Status RunToEnd(const v1::Assignment& assignment, int64_t from, int64_t steps);

  const std::string& id() const { return worker_id_; }
  const std::string& instance() const { return instance_; }
  std::vector<v1::HeldAttempt>& held() { return held_; }

 private:
  TestCluster& cluster_;
  const std::string name_;
  const std::string instance_;
  const int slots_;
  std::string worker_id_;
  std::vector<v1::HeldAttempt> held_;
  std::map<std::pair<std::string, int>, int64_t> next_sequence_;
};

v1::ReportItem StartedItem(int64_t resumed_from_step);
v1::ReportItem PointsItem(const std::string& series, int64_t first_step, int64_t count,
                          double first_value = 1.0);
v1::ReportItem LogItem(const std::string& text);
v1::ReportItem CheckpointItem(v1::CheckpointKind kind, int64_t step,
                              const v1::ArtifactRef& artifact);
v1::ReportItem FinishedItem(v1::AttemptState state, int64_t step);

}  // namespace shoal
