// Carries questions and answers between the coordinator's Serve stream and a runner that holds a
// model; opens the stream again when it breaks.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/runner.pb.h"
#include "shoal/v1/worker_service.pb.h"
#include "worker/agent/attempt_context.h"
#include "worker/agent/coordinator_client.h"

namespace shoal::agent {

// Thread-safe.
class ServeRelay {
 public:
  // Opens the stream at once. `to_runner` sends a frame down and may block for a moment; it is
  // called from this object's thread. Everything referred to must outlive this object.
  ServeRelay(CoordinatorClient& client, const Clock& clock, v1::AttemptKey key,
             std::function<Identity()> identity,
             std::function<void(const v1::RunnerFrame&)> to_runner);
  ~ServeRelay();

  // An answer of the runner. Dropped while there is no stream: whoever asked has been told so by
  // the coordinator.
  void Answer(const v1::GenerateEvent& event);

  // How long nobody has asked and nothing is being answered.
  absl::Duration IdleFor() const;

 private:
  void Main();
  void Listen(ServeStream& stream);
  void OnQuestion(const v1::ServeDown& frame);

  // Constant after construction.
  CoordinatorClient& client_;
  const Clock& clock_;
  const v1::AttemptKey key_;
  const std::function<Identity()> identity_;
  const std::function<void(const v1::RunnerFrame&)> to_runner_;
  // Own synchronisation.
  Mutex writing_;  // one Write at a time; taken before mutex_
  mutable Mutex mutex_;
  CondVar changed_;
  // Guarded by mutex_.
  std::shared_ptr<ServeStream> stream_
      SHOAL_GUARDED_BY(mutex_);  // shared with a Write in progress; null: none is open
  std::set<std::string> open_requests_ SHOAL_GUARDED_BY(mutex_);
  absl::Duration last_used_ SHOAL_GUARDED_BY(mutex_);
  bool stopping_ SHOAL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace shoal::agent
