// Brings people who ask a model together with the worker that holds it.
//
//   Generate call --Ask--> [waiting: no model yet] --Open--> [sent down the worker's Serve stream]
//   --events--> Done
//
// A serve job is asked of the scheduler by the first question and ended when nobody has asked for
// the idle timeout, or for a few seconds when other jobs are waiting for a slot. Questions to one
// model wait together and run side by side; a caller who leaves cancels only his own. Worker and
// callers are seen through two small interfaces; no gRPC here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/loop/loop.h"
#include "core/base/mutex.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::rpc {

// A caller. Thread-safe; must not wait.
class Asker {
 public:
  virtual ~Asker() = default;
  virtual void Hear(v1::GenerateEvent event) = 0;
  virtual void End(const absl::Status& status) = 0;
};

// A worker's open Serve stream. Thread-safe; must not wait.
class ModelHolder {
 public:
  virtual ~ModelHolder() = default;
  virtual void Send(v1::ServeDown frame) = 0;
  virtual void End(const absl::Status& status) = 0;
};

// Thread-safe.
class ServeBroker {
 public:
  ServeBroker(loop::Loop& loop, absl::Duration idle_timeout);
  ~ServeBroker();
  ServeBroker(const ServeBroker&) = delete;
  ServeBroker& operator=(const ServeBroker&) = delete;

  // Asks the run's model. Returns a ticket for Withdraw. The asker hears everything else.
  int64_t Ask(const loop::RunPtr& run, v1::GenerateRequest request, std::weak_ptr<Asker> asker,
              std::string actor);
  // The asker has gone.
  void Withdraw(int64_t ticket);

  // A worker's model is ready. The attempt must have been found alive.
  void Open(const scheduler::AttemptKey& key, std::weak_ptr<ModelHolder> holder);
  void Event(const scheduler::AttemptKey& key, v1::GenerateEvent event);
  // The worker's stream broke; it may open another.
  void Closed(const scheduler::AttemptKey& key, const ModelHolder* holder);

  // From the loop: the attempt ended or was lost. What it was answering ends; what still waits goes
  // on waiting when the job does.
  void OnServeEnded(const scheduler::AttemptKey& key, const std::string& reason,
                    const loop::View& view);
  // Everyone is sent away. Idempotent.
  void Close();

 private:
  struct Question {
    JobId job_id;  // empty until the scheduler has named it
    std::string caller_id;
    v1::GenerateRequest request;  // request_id is ours: the ticket
    std::weak_ptr<Asker> asker;
    bool sent = false;
    std::string told;  // newest reason to wait that was told
  };
  struct Model {
    scheduler::AttemptKey key;
    std::weak_ptr<ModelHolder> holder;
    bool open = false;
    absl::Time last_used;
  };

  void Named(int64_t ticket, absl::StatusOr<JobId> job_id);
  void SendDown(Model& model, Question& question) SHOAL_REQUIRES(mutex_);
  // Ends the questions for which `which` holds; answers are given by the caller outside the lock.
  template <typename Predicate>
  std::vector<std::shared_ptr<Asker>> Take(Predicate which) SHOAL_REQUIRES(mutex_);
  void Main(std::stop_token stop);
  void ExplainWaits();
  void TellWaiting(const loop::View& view);
  void EndIdle();

  loop::Loop& loop_;
  const absl::Duration idle_timeout_;
  Mutex mutex_;
  CondVar stopping_;
  std::map<int64_t, Question> questions_ SHOAL_GUARDED_BY(mutex_);
  std::map<JobId, Model> models_ SHOAL_GUARDED_BY(mutex_);
  int64_t next_ticket_ SHOAL_GUARDED_BY(mutex_) = 1;
  bool closed_ SHOAL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace shoal::rpc
