// The worker's talking half: asks the coordinator for work, spawns a runner for every attempt,
// passes on what it produces, and gives up what it may no longer hold. It computes nothing itself.
//
//   SHOAL_ASSIGN_OR_RETURN(auto agent, Agent::Start(options));
//   while (!agent->WaitUntilEnded(absl::Seconds(1))) { if (signal) agent->Stop(absl::Seconds(50));
//   }
//
// The worker's folder holds worker.lock (flock; the process id is written in it) while a worker
// lives, so that two never share it and `shoal up` finds one that is alive.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/join/endpoint.h"

namespace shoal::agent {

struct AgentOptions {
  join::Endpoint coordinator;
  std::string name;  // unique in the lab; a worker that starts anew under its name releases its old
                     // attempts
  std::string worker_dir;   // spool, cache, work folders; made (0700) when absent
  int slots = 0;            // cores it gives to jobs; 0: the machine's usable cores
  std::string runner_path;  // shoal-runner; empty: that of this installation
  absl::Duration hang_timeout =
      absl::Seconds(60);  // a runner without a frame for this long is killed
  absl::Duration cancel_grace = absl::Seconds(10);   // from Cancel to SIGTERM to SIGKILL, each
  absl::Duration preempt_grace = absl::Seconds(45);  // to save a checkpoint
  int64_t cache_bytes = int64_t{20}
                        << 30;  // artifacts and tokenized data kept; oldest use goes first
  int64_t spool_bytes = int64_t{1} << 30;  // unacknowledged reports; beyond it runners wait
  const Clock* clock = nullptr;            // null: the system's. Must outlive the agent
};

// Thread-safe.
class Agent {
 public:
  // Locks the folder, probes the backends, starts the threads; returns before the coordinator was
  // reached, and keeps trying to reach it. Errors: FailedPrecondition (another worker has the
  // folder, naming its pid), NotFound (no runner), Internal (the probe failed).
  static absl::StatusOr<std::unique_ptr<Agent>> Start(AgentOptions options);
  ~Agent();  // as Stop(ZeroDuration())

  // Drains: asks every runner for a checkpoint, reports it, tells the coordinator, and ends; after
  // `grace` runners are killed and their attempts are left to the coordinator. Returns when
  // everything has ended. Idempotent.
  void Stop(absl::Duration grace);

  // True once the agent has ended: after Stop, or by itself (why_ended). Waits at most `timeout`.
  bool WaitUntilEnded(absl::Duration timeout);

  // Why it ended by itself; OK while it has not. Aborted: another worker has its name.
  // Unauthenticated: the lab does not accept the key, or is not the one that was to be joined.
  absl::Status why_ended() const;

 private:
  struct Parts;
  explicit Agent(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace shoal::agent
