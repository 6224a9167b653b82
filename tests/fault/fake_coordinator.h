// A coordinator that does what a test says: leases what it is given, records what is reported, goes
// away and comes back. It keeps the wire's promises (proto/shoal/v1/worker_service.proto) and
// remembers who broke them.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "shoal/v1/artifact_service.grpc.pb.h"
#include "shoal/v1/worker_service.grpc.pb.h"

namespace shoal::fault {

// What was reported about an attempt, as a coordinator would have recorded it.
struct Recorded {
  std::vector<v1::ReportItem> items;  // in order, each once

  const v1::AttemptFinished* finished() const;
  std::vector<v1::MetricPoint> Points(const std::string& series) const;
  std::vector<v1::Checkpoint> Checkpoints() const;
};

// Thread-safe.
class FakeCoordinator final : public v1::WorkerService::Service,
                              public v1::ArtifactService::Service {
 public:
  using Key = std::pair<std::string, int>;

  FakeCoordinator(std::string socket, absl::Duration lease)
      : socket_(std::move(socket)), lease_(lease) {}
  ~FakeCoordinator() override;

  std::string target() const { return "unix:" + socket_; }
  // Begins or begins again to answer; GoAway ends it, cutting off calls that wait. State stays.
  void ComeUp();
  void GoAway();

  // Leased at the next Synchronize.
  void Lease(v1::Assignment assignment);
  // Sent with every Synchronize that holds the attempt.
  void Order(const Key& key, v1::StopOrder::Kind kind);
  // Reports of the attempt are answered ABORTED from now on.
  void MakeStale(const Key& key);
  // Forgets the worker: NOT_FOUND until it registers again.
  void ForgetWorker();
  // Puts are answered with this; OK: they are stored.
  void FailPuts(grpc::Status status);
  // Reports with more than `count` items not recorded before lose their answer after that many were
  // recorded.
  void AcknowledgeAtMost(size_t count);
  std::string AddArtifact(const std::string& bytes);  // its digest
  void Ask(const v1::GenerateRequest& request);       // down the open Serve stream

  // Waits until `done` holds; false after a minute, which only a broken agent needs. Called under
  // the lock.
  bool Await(const std::function<bool()>& done);

  // Under Await's predicate, or when nothing runs any more.
  std::map<Key, Recorded> recorded;
  std::map<Key, v1::HeldAttempt> held;  // of the newest Synchronize
  std::map<std::string, std::string> artifacts;
  std::vector<std::string> broken;     // promises that the agent did not keep
  std::vector<std::string> instances;  // of every Register
  std::vector<v1::GenerateEvent> answers;
  v1::RegisterRequest registration;
  int synchronized = 0;
  int stale_reports = 0;
  int downloads = 0;
  int serve_streams = 0;
  bool draining = false;

 private:
  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest*,
                        v1::RegisterResponse*) override;
  grpc::Status Synchronize(grpc::ServerContext*, const v1::SynchronizeRequest*,
                           v1::SynchronizeResponse*) override;
  grpc::Status Report(grpc::ServerContext*, const v1::ReportRequest*, v1::ReportResponse*) override;
  grpc::Status Serve(grpc::ServerContext*,
                     grpc::ServerReaderWriter<v1::ServeDown, v1::ServeUp>*) override;
  grpc::Status Put(grpc::ServerContext*, grpc::ServerReader<v1::PutArtifactRequest>*,
                   v1::PutArtifactResponse*) override;
  grpc::Status Get(grpc::ServerContext*, const v1::GetArtifactRequest*,
                   grpc::ServerWriter<v1::GetArtifactResponse>*) override;
  grpc::Status Find(grpc::ServerContext*, const v1::FindArtifactsRequest*,
                    v1::FindArtifactsResponse*) override;

  bool Answer(const v1::SynchronizeRequest& request, v1::SynchronizeResponse& response)
      SHOAL_REQUIRES(mutex_);
  void Expect(bool condition, const std::string& promise) SHOAL_REQUIRES(mutex_);

  const std::string socket_;
  const absl::Duration lease_;
  std::unique_ptr<grpc::Server> server_;
  Mutex mutex_;
  CondVar changed_;
  std::map<Key, v1::Assignment> leased_ SHOAL_GUARDED_BY(mutex_);
  std::map<Key, v1::StopOrder::Kind> orders_ SHOAL_GUARDED_BY(mutex_);
  std::set<Key> stale_ SHOAL_GUARDED_BY(mutex_);
  std::string instance_ SHOAL_GUARDED_BY(mutex_);
  grpc::Status put_status_ SHOAL_GUARDED_BY(mutex_);
  size_t acknowledge_at_most_ SHOAL_GUARDED_BY(mutex_) = 1000000;
  grpc::ServerReaderWriter<v1::ServeDown, v1::ServeUp>* serving_ SHOAL_GUARDED_BY(mutex_) = nullptr;
  bool away_ SHOAL_GUARDED_BY(mutex_) = true;
};

}  // namespace shoal::fault
