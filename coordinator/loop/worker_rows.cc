#include "coordinator/loop/worker_rows.h"

#include "coordinator/store/proto_time.h"

namespace shoal::loop {

v1::Worker DescribeWorker(const scheduler::State& state, const scheduler::WorkerRecord& record,
                          const std::string& address) {
  v1::Worker worker;
  worker.set_worker_id(record.worker_id.str());
  worker.set_name(record.name);
  worker.set_state(record.state);
  *worker.mutable_host() = record.host;
  worker.set_slots(record.slots);
  const scheduler::State::Load& load = state.LoadOf(record.worker_id);
  worker.set_slots_used(load.slots);
  for (const v1::BackendInfo& backend : record.backends) *worker.add_backends() = backend;
  worker.set_build_id(record.build_id);
  store::SetTimestamp(record.registered_at, worker.mutable_registered_at());
  // Of one that has not spoken since this coordinator began nobody knows.
  if (record.present) store::SetTimestamp(record.last_seen_at, worker.mutable_last_seen_at());
  worker.set_address(address);
  worker.set_drained(record.drained);
  for (const JobId& job_id : load.job_ids) {
    const scheduler::JobRecord* job = state.FindJob(job_id);
    const scheduler::RunRecord* run = job == nullptr ? nullptr : state.FindRun(job->run_id);
    if (run != nullptr) worker.add_running(run->name);
  }
  return worker;
}

}  // namespace shoal::loop
