#include "coordinator/scheduler/state.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/spec/job_state.h"

namespace shoal::scheduler {
namespace {

constexpr size_t kRetired = 64;

template <typename Map, typename Key>
auto* FindIn(Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

State::QueuePlace PlaceOf(const JobRecord& job) {
  return {.after_serve = job.kind != v1::JOB_KIND_SERVE,
          .submit_order = job.submit_order,
          .job_id = job.job_id};
}

}  // namespace

State::State(StateImage image)
    : requests_(image.request_ids.begin(), image.request_ids.end()),
      next_submit_order_(image.next_submit_order),
      refused_stale_reports_(image.refused_stale_reports) {
  absl::flat_hash_map<RunId, RunRecord> runs;
  for (RunRecord& run : image.runs) {
    const RunId run_id = run.run_id;
    runs.emplace(run_id, std::move(run));
  }
  for (WorkerRecord& worker : image.workers) {
    ResetVolatile(worker);
    const WorkerId worker_id = worker.worker_id;
    worker_by_name_[worker.name] = worker_id;
    workers_.emplace(worker_id, std::move(worker));
  }
  for (const JobRecord& job : image.jobs) {
    SHOAL_CHECK(runs.contains(job.run_id), "job ", job.job_id.str(), " has no run in the image");
    InsertJob(job, runs.at(job.run_id));
  }
  for (AttemptRecord& attempt : image.attempts) {
    ResetVolatile(attempt);
    InsertAttempt(attempt);
  }
}

void State::Apply(const CommittedUpdates& committed) {
  for (const Update& update : committed.updates()) ApplyOne(update);
}

void State::ApplyOne(const Update& update) {
  std::visit([this](const auto& change) { On(change); }, update);
}

const RunRecord* State::FindRun(const RunId& run_id) const { return FindIn(runs_, run_id); }
const JobRecord* State::FindJob(const JobId& job_id) const { return FindIn(jobs_, job_id); }
const AttemptRecord* State::FindAttempt(const JobId& job_id) const {
  return FindIn(attempts_, job_id);
}
const WorkerRecord* State::FindWorker(const WorkerId& worker_id) const {
  return FindIn(workers_, worker_id);
}

const WorkerRecord* State::FindWorkerByName(const std::string& name) const {
  const WorkerId* worker_id = FindIn(worker_by_name_, name);
  return worker_id == nullptr ? nullptr : FindWorker(*worker_id);
}

const JobRecord* State::FindServeJob(const RunId& run_id) const {
  const JobId* job_id = FindIn(serve_jobs_, run_id);
  return job_id == nullptr ? nullptr : FindJob(*job_id);
}

const WorkerRecord* State::FindAnnounced(const WorkerId& worker_id) const {
  return FindIn(announced_, worker_id);
}

bool State::IsRetired(const std::string& worker_name, const std::string& instance_id) const {
  const std::deque<std::string>* retired = FindIn(retired_, worker_name);
  return retired != nullptr &&
         std::find(retired->begin(), retired->end(), instance_id) != retired->end();
}

const State::Load& State::LoadOf(const WorkerId& worker_id) const {
  static const Load kNone;
  const Load* load = FindIn(loads_, worker_id);
  return load == nullptr ? kNone : *load;
}

void State::On(const RequestRecorded& update) {
  SHOAL_CHECK(requests_.insert(update.request_id).second, "request ", update.request_id,
              " is recorded twice");
}

void State::On(const RunAdded&) {}

void State::On(const JobAdded& update) {
  SHOAL_CHECK(update.job.submit_order == next_submit_order_, "submit order ",
              update.job.submit_order, ", expected ", next_submit_order_);
  SHOAL_CHECK(update.job.state == v1::JOB_STATE_QUEUED && update.job.attempt_count == 0);
  ++next_submit_order_;
  InsertJob(update.job, update.run);
}

void State::On(const JobChanged& update) {
  const JobRecord& after = update.job;
  JobRecord* job = FindIn(jobs_, after.job_id);
  SHOAL_CHECK(job != nullptr, "job ", after.job_id.str(), " is not in memory");
  SHOAL_CHECK(job->state == update.from, "job ", after.job_id.str(),
              " is not in the state it should leave");
  SHOAL_CHECK(update.from == after.state || spec::CanBecome(update.from, after.state), "job ",
              after.job_id.str());
  SHOAL_CHECK(after.attempt_count >= job->attempt_count, "attempt numbers only grow");
  SHOAL_CHECK(after.state == v1::JOB_STATE_RUNNING || !attempts_.contains(after.job_id), "job ",
              after.job_id.str(), " still has a live attempt");
  if (after.finished()) {
    EraseJob(after.job_id);
    return;
  }
  Dequeue(*job);
  Enqueue(after);
  if (after.stop != StopWish::kNone && after.kind == v1::JOB_KIND_SERVE) ForgetServeJob(*job);
  *job = after;
}

void State::On(const JobRetried& update) {
  SHOAL_CHECK(update.job.submit_order == next_submit_order_, "submit order ",
              update.job.submit_order, ", expected ", next_submit_order_);
  SHOAL_CHECK(update.job.state == v1::JOB_STATE_QUEUED && spec::IsFinal(update.from), "job ",
              update.job.job_id.str(), " is not one that ended");
  ++next_submit_order_;
  InsertJob(update.job, update.run);
}

void State::On(const AttemptAdded& update) {
  const AttemptRecord& attempt = update.attempt;
  const JobRecord* job = FindJob(attempt.key.job_id);
  SHOAL_CHECK(job != nullptr && job->state == v1::JOB_STATE_RUNNING, "job ",
              attempt.key.job_id.str());
  SHOAL_CHECK(job->attempt_count == attempt.key.attempt_number, "job ", attempt.key.job_id.str(),
              " is at attempt ", job->attempt_count, ", not ", attempt.key.attempt_number);
  SHOAL_CHECK(attempt.state == v1::ATTEMPT_STATE_LEASED);
  InsertAttempt(attempt);
}

void State::On(const AttemptChanged& update) {
  const AttemptRecord& after = update.attempt;
  AttemptRecord* attempt = FindIn(attempts_, after.key.job_id);
  SHOAL_CHECK(attempt != nullptr && attempt->key == after.key, "attempt ", after.key.attempt_number,
              " of job ", after.key.job_id.str(), " is not alive");
  SHOAL_CHECK(attempt->state == update.from && spec::CanBecome(update.from, after.state));
  if (!after.finished()) {
    attempt->state = after.state;
    attempt->resumed_from_step = after.resumed_from_step;
    return;
  }
  leases_.erase({attempt->lease_expires_at, after.key.job_id});
  Load& load = loads_[attempt->worker_id];
  load.job_ids.erase(after.key.job_id);
  load.slots -= attempt->slots;
  load.memory_bytes -= attempt->memory_bytes;
  attempts_.erase(after.key.job_id);
}

void State::On(const CheckpointAccepted& update) {
  JobRecord* job = FindIn(jobs_, update.key.job_id);
  SHOAL_CHECK(job != nullptr && job->attempt_count == update.key.attempt_number);
  job->checkpoint_step = std::max(job->checkpoint_step, update.step);
}

void State::On(const WorkerRegisteredUpdate& update) {
  const WorkerRecord& worker = update.worker;
  const WorkerRecord* old = FindWorkerByName(worker.name);
  SHOAL_CHECK(old == nullptr || old->worker_id == worker.worker_id, "two workers are called ",
              worker.name);
  if (update.announced_only) {
    SHOAL_CHECK(old != nullptr && old->instance_id != worker.instance_id);
    announced_[worker.worker_id] = worker;
    return;
  }
  announced_.erase(worker.worker_id);
  SHOAL_CHECK(old == nullptr || old->instance_id == worker.instance_id ||
                  LoadOf(worker.worker_id).job_ids.empty(),
              "worker ", worker.name, " starts anew while its old attempts live");
  if (old != nullptr && old->instance_id != worker.instance_id) {
    std::deque<std::string>& retired = retired_[worker.name];
    retired.push_back(old->instance_id);
    if (retired.size() > kRetired) retired.pop_front();
  }
  worker_by_name_[worker.name] = worker.worker_id;
  workers_[worker.worker_id] = worker;
}

void State::On(const WorkerStateChanged& update) {
  WorkerRecord* worker = FindIn(workers_, update.worker_id);
  SHOAL_CHECK(worker != nullptr && worker->state == update.from);
  worker->state = update.to;
}

void State::On(const WorkerDrainSet& update) {
  WorkerRecord* worker = FindIn(workers_, update.worker_id);
  SHOAL_CHECK(worker != nullptr && worker->drained != update.drained);
  worker->drained = update.drained;
}

void State::On(const StaleReportRefused&) { ++refused_stale_reports_; }

void State::On(const LeaseRenewed& update) {
  AttemptRecord* attempt = FindIn(attempts_, update.key.job_id);
  SHOAL_CHECK(attempt != nullptr && attempt->key == update.key &&
              update.at >= attempt->lease_renewed_at);
  leases_.erase({attempt->lease_expires_at, update.key.job_id});
  attempt->lease_expires_at = update.expires_at;
  attempt->lease_renewed_at = update.at;
  if (update.at_start) attempt->offered_since = update.at;
  leases_.insert({attempt->lease_expires_at, update.key.job_id});
}

void State::On(const WorkerSeen& update) {
  WorkerRecord* worker = FindIn(workers_, update.worker_id);
  SHOAL_CHECK(worker != nullptr);
  worker->last_seen_at = update.at;
  worker->leaving = update.leaving;
  if (update.present) worker->present = true;
}

void State::InsertJob(const JobRecord& job, const RunRecord& run) {
  SHOAL_CHECK(!job.finished() && jobs_.emplace(job.job_id, job).second, "job ", job.job_id.str(),
              " is there already");
  runs_.emplace(run.run_id, run);
  ++run_job_count_[run.run_id];
  Enqueue(job);
  if (job.kind == v1::JOB_KIND_SERVE && job.stop == StopWish::kNone)
    serve_jobs_[job.run_id] = job.job_id;
}

void State::InsertAttempt(const AttemptRecord& attempt) {
  const JobId& job_id = attempt.key.job_id;
  SHOAL_CHECK(!attempt.finished() && attempts_.emplace(job_id, attempt).second, "job ",
              job_id.str(), " has a live attempt already");
  leases_.insert({attempt.lease_expires_at, job_id});
  Load& load = loads_[attempt.worker_id];
  load.job_ids.insert(job_id);
  load.slots += attempt.slots;
  load.memory_bytes += attempt.memory_bytes;
}

void State::Enqueue(const JobRecord& job) {
  if (job.state != v1::JOB_STATE_QUEUED || job.paused) return;
  queue_.insert(PlaceOf(job));
  if (job.not_before != absl::InfinitePast()) backoffs_.insert({job.not_before, job.job_id});
}

void State::Dequeue(const JobRecord& job) {
  queue_.erase(PlaceOf(job));
  backoffs_.erase({job.not_before, job.job_id});
}

void State::ForgetServeJob(const JobRecord& job) {
  const auto it = serve_jobs_.find(job.run_id);
  if (it != serve_jobs_.end() && it->second == job.job_id) serve_jobs_.erase(it);
}

void State::EraseJob(const JobId& job_id) {
  const JobRecord job = jobs_.at(job_id);
  Dequeue(job);
  ForgetServeJob(job);
  if (--run_job_count_[job.run_id] == 0) {
    run_job_count_.erase(job.run_id);
    runs_.erase(job.run_id);
  }
  jobs_.erase(job_id);
}

}  // namespace shoal::scheduler
