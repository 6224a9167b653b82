// A worker with real runners beside a fake coordinator, and small jobs for it.
#pragma once

#include <memory>
#include <string>

#include "shoal/v1/worker_service.pb.h"
#include "tests/fault/fake_coordinator.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "worker/agent/agent.h"

namespace shoal::fault {

class AgentTest : public TempDirTest {
 protected:
  using Key = FakeCoordinator::Key;

  // A coordinator that is up, with leases of this length; data and tokenizer are there.
  void StartCoordinator(absl::Duration lease = absl::Seconds(30));
  // Starts the agent; `options` has short limits, and may be changed before.
  void StartAgent();
  void TearDown() override;

  // A job of `steps` steps on a backend with a script; a point and a chance for a checkpoint every
  // 2 steps.
  v1::Assignment Job(int number, int attempt, int64_t steps, const std::string& backend,
                     const std::string& script);
  v1::Assignment MockJob(int attempt, int64_t steps, const std::string& script) {
    return Job(1, attempt, steps, "mock", script);
  }

  // Waits until the attempt's last item has come, and returns everything.
  Recorded AwaitEnd(const Key& key);
  // Waits until the attempt has reported a checkpoint of at least this step.
  void AwaitCheckpoint(const Key& key, int64_t step);
  // Waits until the worker says that the attempt has passed this step.
  void AwaitStep(const Key& key, int64_t step);
  // Process ids of this agent's runners that work on an attempt.
  std::vector<int> RunnerPids(const Key& key) const;
  std::string WorkerPath(const std::string& name) const { return Path("worker/" + name); }

  agent::AgentOptions options_;
  std::unique_ptr<FakeCoordinator> coordinator_;
  std::unique_ptr<agent::Agent> agent_;
  std::string text_sha256_, tokenizer_sha256_;
};

FakeCoordinator::Key KeyOf(const v1::Assignment& assignment);

}  // namespace shoal::fault
