// Sends an attempt's spool to the coordinator, in order and exactly once, however often it goes
// away; uploads a checkpoint's file before the item that speaks of it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "shoal/v1/worker_service.pb.h"
#include "worker/agent/artifact_cache.h"
#include "worker/agent/attempt_context.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/spool.h"

namespace shoal::agent {

// Thread-safe.
class ReportSender {
 public:
  // Begins at once. `on_stale` is called, once, from the sending thread, when the coordinator has
  // given the attempt up. Everything referred to must outlive this object.
  ReportSender(CoordinatorClient& client, const Clock& clock, Spool& spool, v1::AttemptKey key,
               std::function<Identity()> identity,
               std::function<void(const std::string& reason)> on_stale);
  // As Stop.
  ~ReportSender();

  // A checkpoint's file; call before its item is spooled. Kept until it was uploaded.
  void Keep(ArtifactCache::Pin file);

  // Sends what is spooled without waiting for more.
  void Hurry();

  // True once the attempt's last item is acknowledged, or the attempt was given up. Waits at most
  // `timeout`.
  bool WaitUntilDone(absl::Duration timeout);

  // Ends the thread; unsent items stay in the spool. The client's calls must end by themselves
  // (Shutdown) or in time.
  void Stop();

 private:
  enum class Outcome { kOk, kRetry, kDone };

  void Main();
  Outcome SendOnce();
  Outcome Upload(v1::ReportItem& item, int64_t sequence);
  Outcome Send(Spool::Batch batch);
  Outcome OnRefused(const absl::Status& status, const Spool::Batch& batch);
  void Amend(Spool::Batch& batch);
  void GiveUp(const std::string& reason);
  void Pause(absl::Duration duration);
  bool stopping() const;

  // Constant after construction.
  CoordinatorClient& client_;
  const Clock& clock_;
  Spool& spool_;
  const v1::AttemptKey key_;
  const std::function<Identity()> identity_;
  const std::function<void(const std::string&)> on_stale_;
  // The sending thread's.
  std::set<std::string> uploaded_;
  std::map<int64_t, std::string>
      replaced_;  // items that cannot be told, by number, and what is said instead
  bool lost_checkpoint_ = false;
  bool one_by_one_ = false;  // the last batch was refused as invalid: find the item
  std::string away_;         // what was last logged about not getting through
  // Own synchronisation.
  mutable Mutex mutex_;
  CondVar changed_;
  // Guarded by mutex_.
  std::map<std::string, ArtifactCache::Pin> kept_ SHOAL_GUARDED_BY(mutex_);
  bool hurry_ SHOAL_GUARDED_BY(mutex_) = false;
  bool stopping_ SHOAL_GUARDED_BY(mutex_) = false;
  bool done_ SHOAL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace shoal::agent
