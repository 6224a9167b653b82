// One attempt on this worker, from the lease to the last acknowledged report.
//
//   fetch -> take a runner -> Start -> frames -> Finished or death -> last report sent -> done
//
// Three threads: one directs (and watches limits, lease and orders), one reads the runner's frames
// into the spool, one sends the spool.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "shoal/v1/worker_service.pb.h"
#include "worker/agent/attempt_context.h"
#include "worker/agent/attempt_order.h"
#include "worker/agent/report_sender.h"
#include "worker/agent/runner_process.h"
#include "worker/agent/serve_relay.h"
#include "worker/agent/spool.h"
#include "worker/agent/verdict.h"

namespace shoal::agent {

// Thread-safe.
class Attempt {
 public:
  // Begins at once. The lease lasts until `lease_ends` of the boot clock. `context` must outlive
  // it.
  Attempt(const AttemptContext& context, v1::Assignment assignment, absl::Duration lease_ends);
  // Drops it: the runner is killed, nothing more is reported. The context's client must have been
  // shut down, or the attempt be done, for this to be quick.
  ~Attempt();

  const v1::AttemptKey& key() const { return assignment_.key(); }
  int slots() const { return assignment_.slots(); }

  // What the coordinator is told about it.
  v1::HeldAttempt Held() const;
  // The lease lasts longer; an earlier time than before changes nothing.
  void Renew(absl::Duration lease_ends);
  // Ends it; an ending that overrules (verdict.h) replaces one before.
  void End(Ending ending, std::string reason);
  // True once all is reported, or it was dropped.
  bool done() const { return done_; }

 private:
  struct Limits;  // what the directing thread watches

  // The directing thread.
  void Main();
  absl::Status SetUp();
  absl::StatusOr<PreparedOrder> Prepare();
  void Run(const PreparedOrder& prepared);
  void Conduct(Limits& limits);
  void Watch(Limits& limits);
  void WatchUse(Limits& limits, absl::Duration now);
  void Enforce(Limits& limits);
  RunnerEnd Collect(int64_t out_of_memory_kills);
  void Report(const v1::AttemptFinished& finished);
  void ReportWithoutSpool(const v1::AttemptFinished& finished);
  void CleanUp(bool failed);

  // The reading thread.
  void ReadFrames();
  void OnFrame(v1::AgentFrame& frame);
  void OnCheckpoint(const v1::CheckpointSaved& saved);
  void OnModelReady();

  // Spools, waiting for room for as long as it takes; says false when the attempt was dropped
  // meanwhile.
  bool Append(const v1::ReportItem& item);
  void SendDown(const v1::RunnerFrame& frame);
  Ending ending() const;
  std::string Name() const;

  // Constant after construction.
  const AttemptContext& context_;
  const v1::Assignment assignment_;
  const std::string folder_;
  // Of the directing thread, made before the other threads begin and destroyed after they ended.
  std::vector<ArtifactCache::Pin> files_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<ReportSender> sender_;
  std::unique_ptr<RunnerProcess> runner_;
  CoreSet cores_;
  std::unique_ptr<ServeRelay> relay_;  // made by the reading thread; used by others under mutex_
  // Own synchronisation.
  std::atomic<bool> done_ = false;
  mutable Mutex mutex_;
  CondVar changed_;
  // Guarded by mutex_.
  absl::Duration lease_ends_ SHOAL_GUARDED_BY(mutex_);
  Ending ending_ SHOAL_GUARDED_BY(mutex_) = Ending::kNone;
  std::string reason_ SHOAL_GUARDED_BY(mutex_);
  v1::AttemptState state_ SHOAL_GUARDED_BY(mutex_) = v1::ATTEMPT_STATE_LEASED;
  int64_t step_ SHOAL_GUARDED_BY(mutex_) = 0;
  std::string phase_ SHOAL_GUARDED_BY(mutex_);
  std::optional<v1::Finished> finished_ SHOAL_GUARDED_BY(mutex_);
  absl::Duration last_frame_ SHOAL_GUARDED_BY(mutex_);  // boot time of the newest sign of life
  bool handling_ SHOAL_GUARDED_BY(mutex_) = false;      // a frame is being handled: silence is ours
  bool reading_ended_ SHOAL_GUARDED_BY(mutex_) = false;
  absl::Status lost_checkpoint_ SHOAL_GUARDED_BY(mutex_);  // one that could not be kept
  std::jthread thread_;                                    // last: it uses all of the above
};

}  // namespace shoal::agent
