// Keeps the worker and the coordinator of one mind: registers, says what is held, does what is
// answered, renews leases.
//
//   unknown --Register--> known --Synchronize--> known ...      NOT_FOUND: unknown again, attempts
//   go on
//                                                               ABORTED: another process has our
//                                                               name; everything ends
//                                                               UNAUTHENTICATED: we are not let
//                                                               in; the same
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "shoal/v1/worker_service.pb.h"
#include "worker/agent/attempt.h"
#include "worker/agent/attempt_context.h"

namespace shoal::agent {

// Thread-safe.
class Synchronizer {
 public:
  // `registration` says who the worker is. The context's identity() and changed() come from this
  // object (the two that follow), so it is made before they are set; Begin starts the thread.
  Synchronizer(AttemptContext context, v1::RegisterRequest registration);
  // As Stop.
  ~Synchronizer();
  void Begin();

  // Takes nothing new and asks every attempt to save and stop.
  void Drain(const std::string& reason);
  // Waits at most `timeout` until the last attempt is done (or everything has ended). True when it
  // is.
  bool WaitUntilIdle(absl::Duration timeout);
  // Ends the thread and drops what is left. The client must have been shut down.
  void Stop();

  // Why it ended by itself; OK while it has not.
  absl::Status ended() const;

 private:
  using Key = std::pair<std::string, int>;

  void Main();
  absl::Status Register();
  absl::Status SynchronizeOnce();
  v1::SynchronizeRequest Request();
  void Apply(const v1::SynchronizeResponse& response, absl::Duration sent_at);
  void Begin(const v1::Assignment& assignment, absl::Duration lease_ends);
  void Reap();
  void Pause(absl::Duration duration, bool until_changed);
  Identity Who() const;
  void Wake();

  // Constant after construction.
  AttemptContext context_;
  const v1::RegisterRequest registration_;
  // The thread's.
  bool first_registration_ = true;
  absl::Duration next_call_;
  // Own synchronisation.
  mutable Mutex mutex_;
  CondVar cond_;
  // Guarded by mutex_.
  std::string worker_id_ SHOAL_GUARDED_BY(mutex_);
  std::map<Key, std::unique_ptr<Attempt>> attempts_ SHOAL_GUARDED_BY(mutex_);
  bool draining_ SHOAL_GUARDED_BY(mutex_) = false;
  std::string drain_reason_ SHOAL_GUARDED_BY(mutex_);
  bool told_draining_ SHOAL_GUARDED_BY(mutex_) = false;  // the coordinator has heard of it
  bool told_gone_ SHOAL_GUARDED_BY(mutex_) = false;      // and that nothing is left here
  bool stopping_ SHOAL_GUARDED_BY(mutex_) = false;
  bool changed_ SHOAL_GUARDED_BY(mutex_) = false;
  absl::Status ended_ SHOAL_GUARDED_BY(mutex_);
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace shoal::agent
