// What the scheduler knows: the queue, the leases, the workers. Finished jobs and attempts are not
// here; they are rows in the store. Everything is derived from StateImage plus the updates
// committed since, by Apply alone.
//
// Thread-compatible; belongs to the coordinator's loop thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "coordinator/scheduler/committed_updates.h"
#include "coordinator/scheduler/records.h"
#include "coordinator/scheduler/update.h"

namespace shoal::scheduler {

// What a restarted coordinator reads from the store to begin with. Order within the lists does not
// matter.
struct StateImage {
  std::vector<RunRecord> runs;          // of the jobs below
  std::vector<JobRecord> jobs;          // QUEUED and RUNNING ones
  std::vector<AttemptRecord> attempts;  // LEASED and RUNNING ones
  std::vector<WorkerRecord> workers;    // all that ever registered
  std::vector<std::string>
      request_ids;  // all, or those young enough that a client might still repeat them
  int64_t next_submit_order = 1;  // 1 + the largest submit_order of ANY job, finished ones included
  int64_t refused_stale_reports = 0;
};

class State {
 public:
  State() = default;
  explicit State(StateImage image);

  // Takes over what a transaction has committed, in order. SHOAL_CHECKs that every update fits the
  // present state (known keys, legal transitions, attempt numbers that grow): anything else is our
  // bug, and continuing would corrupt the store.
  void Apply(const CommittedUpdates& committed);

  // --- looking; null when there is none. Pointers are valid until the next Apply.
  // The process that has registered under this worker's name and not yet spoken; null: none.
  const WorkerRecord* FindAnnounced(const WorkerId& worker_id) const;
  // True when a newer process has taken the worker's name over from `instance_id`. Such a process
  // is over and does not get the name back. Memory only, of the newest 64 per name.
  bool IsRetired(const std::string& worker_name, const std::string& instance_id) const;

  const RunRecord* FindRun(const RunId& run_id) const;
  const JobRecord* FindJob(const JobId& job_id) const;
  const AttemptRecord* FindAttempt(const JobId& job_id) const;  // the job's live attempt
  const WorkerRecord* FindWorker(const WorkerId& worker_id) const;
  const WorkerRecord* FindWorkerByName(const std::string& name) const;
  const JobRecord* FindServeJob(
      const RunId& run_id) const;  // QUEUED or RUNNING, and not asked to stop
  bool HasRequest(const std::string& request_id) const { return requests_.contains(request_id); }

  // Queued jobs that are not paused, in the order they are served: serve jobs first, then by
  // submission.
  struct QueuePlace {
    bool after_serve = true;  // false sorts first: serve jobs
    int64_t submit_order = 0;
    JobId job_id;
    friend auto operator<=>(const QueuePlace&, const QueuePlace&) = default;
  };
  const std::set<QueuePlace>& queue() const { return queue_; }

  // Live attempts ordered by the end of their lease: the lease table.
  const std::set<std::pair<absl::Time, JobId>>& leases() const { return leases_; }

  // Queued jobs that have had a backoff, by its end.
  const std::set<std::pair<absl::Time, JobId>>& backoffs() const { return backoffs_; }

  // A worker's live attempts, and what they take of it.
  struct Load {
    std::set<JobId> job_ids;
    int32_t slots = 0;
    int64_t memory_bytes = 0;
  };
  const Load& LoadOf(const WorkerId& worker_id) const;

  const absl::flat_hash_map<JobId, JobRecord>& jobs() const { return jobs_; }
  const std::map<WorkerId, WorkerRecord>& workers() const { return workers_; }
  int64_t queued_jobs() const { return static_cast<int64_t>(queue_.size()); }
  int64_t running_jobs() const { return static_cast<int64_t>(attempts_.size()); }
  int64_t next_submit_order() const { return next_submit_order_; }
  int64_t refused_stale_reports() const { return refused_stale_reports_; }

  // Everything durable, sorted, volatile fields reset: two states with equal images are the same
  // after a restart.
  StateImage Image() const;

 private:
  friend class Draft;  // decide.h: applies to its own copy what is not committed yet

  void ApplyOne(const Update& update);
  void On(const RequestRecorded& update);
  void On(const RunAdded& update);
  void On(const JobAdded& update);
  void On(const JobChanged& update);
  void On(const JobRetried& update);
  void On(const AttemptAdded& update);
  void On(const AttemptChanged& update);
  void On(const CheckpointAccepted& update);
  void On(const WorkerRegisteredUpdate& update);
  void On(const WorkerStateChanged& update);
  void On(const WorkerDrainSet& update);
  void On(const StaleReportRefused& update);
  void On(const LeaseRenewed& update);
  void On(const WorkerSeen& update);

  void InsertJob(const JobRecord& job, const RunRecord& run);
  void InsertAttempt(const AttemptRecord& attempt);
  void EraseJob(const JobId& job_id);
  void Enqueue(const JobRecord& job);
  void Dequeue(const JobRecord& job);
  void ForgetServeJob(const JobRecord& job);

  absl::flat_hash_map<RunId, RunRecord> runs_;         // runs that have a live job
  absl::flat_hash_map<RunId, int32_t> run_job_count_;  // live jobs of each run in runs_
  absl::flat_hash_map<JobId, JobRecord> jobs_;
  absl::flat_hash_map<JobId, AttemptRecord> attempts_;
  std::map<WorkerId, WorkerRecord> workers_;
  absl::flat_hash_map<std::string, std::deque<std::string>>
      retired_;                                            // (volatile) instance ids by worker name
  absl::flat_hash_map<WorkerId, WorkerRecord> announced_;  // (volatile)
  absl::flat_hash_set<std::string> requests_;
  int64_t next_submit_order_ = 1;
  int64_t refused_stale_reports_ = 0;

  // Indexes over the above.
  std::set<QueuePlace> queue_;
  std::set<std::pair<absl::Time, JobId>> leases_;
  std::set<std::pair<absl::Time, JobId>> backoffs_;
  absl::flat_hash_map<WorkerId, Load> loads_;
  absl::flat_hash_map<std::string, WorkerId> worker_by_name_;
  absl::flat_hash_map<RunId, JobId> serve_jobs_;  // not those asked to stop
};

// Sets the fields marked (volatile) to what they are before CoordinatorStarted.
void ResetVolatile(AttemptRecord& attempt);
void ResetVolatile(WorkerRecord& worker);

// True when both hold the same durable rows.
bool operator==(const StateImage& a, const StateImage& b);

// The first few differences in words, "" when equal; for failure messages.
std::string Difference(const StateImage& a, const StateImage& b);

}  // namespace shoal::scheduler
