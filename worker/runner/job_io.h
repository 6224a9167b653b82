// What a job says while it runs and what it is told, whoever listens: the agent over frames, or a
// person at a terminal.
#pragma once

#include <atomic>
#include <optional>
#include <set>
#include <string>

#include "core/base/bounded_queue.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "shoal/v1/runner.pb.h"

namespace shoal::runner {

// Up: everything a job produces. Thread-safe.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void Send(const v1::AgentFrame& frame) = 0;
};

// Down: what the job should heed, filled by the thread that receives and looked at between steps.
// Thread-safe.
class Orders {
 public:
  void Cancel() { cancelled_ = true; }
  void Preempt() { preempted_ = true; }
  bool cancelled() const { return cancelled_; }
  bool preempted() const { return preempted_; }

  // Requests of a SERVE job, one after the other. False: the queue is full.
  bool PushRequest(v1::GenerateRequest request) { return requests_.TryPush(std::move(request)); }
  std::optional<v1::GenerateRequest> NextRequest(absl::Duration timeout) {
    return requests_.Pop(timeout);
  }

  void CancelRequest(const std::string& request_id) {
    MutexLock lock(mutex_);
    cancelled_requests_.insert(request_id);
  }
  bool IsRequestCancelled(const std::string& request_id) const {
    MutexLock lock(mutex_);
    return cancelled_requests_.count(request_id) > 0;
  }
  void ForgetRequest(const std::string& request_id) {
    MutexLock lock(mutex_);
    cancelled_requests_.erase(request_id);
  }

 private:
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> preempted_ = false;
  BoundedQueue<v1::GenerateRequest> requests_{256};
  mutable Mutex mutex_;
  std::set<std::string> cancelled_requests_ GUARDED_BY(mutex_);
};

// Sends the frames of one attempt; says each thing in one line of code. Thread-compatible.
class Reporter {
 public:
  Reporter(FrameSink& sink, const Clock& clock) : sink_(sink), clock_(clock) {}

  void Log(std::string_view level, std::string text);
  void Info(std::string text) { Log("info", std::move(text)); }
  // At most four a second of the same phase get through, and always the first of a phase.
  void Progress(int64_t step, int64_t total_steps, std::string_view phase);
  void Sample(int64_t step, std::string prompt, std::string text);
  void CheckpointSaved(const v1::CheckpointSaved& saved);
  void Response(const v1::GenerateEvent& event);
  void ModelReady(int64_t parameters, int64_t memory_bytes);
  void Finished(const v1::Finished& finished);

  // Collects a point; Flush sends what was collected as one frame.
  void Point(std::string_view series, int64_t step, double value);
  void Flush();

 private:
  FrameSink& sink_;
  const Clock& clock_;
  v1::MetricsFrame points_;
  std::string last_phase_;
  absl::Duration last_progress_ = -absl::InfiniteDuration();
};

}  // namespace shoal::runner
