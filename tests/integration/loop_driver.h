// The loop and its store without gRPC, driven one command at a time by a seeded script. What was
// acknowledged is written down by the caller, so that a crash can be judged by it.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/loop/control_commands.h"
#include "coordinator/loop/loop.h"
#include "coordinator/loop/submit_commands.h"
#include "coordinator/loop/user_commands.h"
#include "coordinator/loop/worker_commands.h"
#include "coordinator/store/store.h"
#include "tests/support/fake_clock.h"

namespace shoal {

class LoopDriver {
 public:
  // `probe` stands around every commit from now on.
  static absl::StatusOr<std::unique_ptr<LoopDriver>> Open(const std::string& data_dir,
                                                          uint64_t seed,
                                                          store::Database::CommitProbe probe = {});
  ~LoopDriver() { loop_->Stop(); }

  // Does one random thing and answers what was acknowledged, as one line; "" when it was refused,
  // or nothing to keep. Lines: "run NAME", "points JOB ATTEMPT SEQUENCE COUNT".
  std::string RandomStep();

  // Empty when the loop's memory is what the database says, else the first differences.
  std::string MemoryVersusDatabase();

  // Runs `look` on the loop thread and waits.
  void Look(std::function<void(const loop::View&)> look);

  void Advance(absl::Duration duration) { clock_.Advance(duration); }

  loop::Loop& loop() { return *loop_; }
  store::Store& store() { return *store_; }
  absl::Status last_error() const { return last_error_; }

 private:
  struct Held {
    v1::HeldAttempt attempt;
    int64_t next_sequence = 1;
    int64_t step = 0;
    bool started = false;
  };
  struct FakeWorker {
    std::string name, instance, id;
    std::vector<Held> held;
  };

  explicit LoopDriver(uint64_t seed) : random_(seed) {}
  template <typename Response, typename MakeCommand>
  absl::StatusOr<Response> Call(MakeCommand make);
  std::string Submit();
  // Cancels, pauses, resumes or retries any run, whatever its state.
  template <typename ControlCommand>
  std::string ControlSomething();
  std::string DrainSomething();
  std::string Synchronize();
  std::string Report();
  std::string RestartWorker();
  absl::Status PutFile(const std::string& bytes, v1::ArtifactRef& artifact);
  int Pick(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }

  std::mt19937_64 random_;
  FakeClock clock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<loop::Loop> loop_;
  v1::ArtifactRef data_;
  std::vector<FakeWorker> workers_;
  absl::Status last_error_;
};

// The points recorded of an attempt, hidden ones included.
absl::StatusOr<int64_t> RecordedPoints(store::Database& db, const std::string& job_id,
                                       int attempt_number);

}  // namespace shoal
