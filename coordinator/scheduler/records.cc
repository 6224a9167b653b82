#include "coordinator/scheduler/records.h"

#include <tuple>

namespace shoal::scheduler {
namespace {

// Messages without maps: equal bytes and equal messages are the same thing here.
template <typename Message>
bool Same(const Message& a, const Message& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

}  // namespace

bool operator==(const JobRecord& a, const JobRecord& b) {
  const auto plain = [](const JobRecord& job) {
    return std::tie(job.job_id, job.run_id, job.kind, job.needs, job.submit_order, job.created_at,
                    job.state, job.state_reason, job.attempt_count, job.failures, job.losses,
                    job.crashes_in_a_row, job.takedowns_in_a_row, job.checkpoint_step,
                    job.memory_above_bytes, job.not_before, job.stop, job.stop_reason, job.paused,
                    job.finished_at);
  };
  if (plain(a) != plain(b) || a.numerics.has_value() != b.numerics.has_value()) return false;
  return !a.numerics.has_value() || Same(*a.numerics, *b.numerics);
}

bool operator==(const WorkerRecord& a, const WorkerRecord& b) {
  const auto plain = [](const WorkerRecord& worker) {
    return std::tie(worker.worker_id, worker.name, worker.instance_id, worker.state, worker.slots,
                    worker.build_id, worker.registered_at, worker.drained, worker.leaving,
                    worker.last_seen_at, worker.present);
  };
  if (plain(a) != plain(b) || !Same(a.host, b.host) || a.backends.size() != b.backends.size())
    return false;
  for (size_t i = 0; i < a.backends.size(); ++i) {
    if (!Same(a.backends[i], b.backends[i])) return false;
  }
  return true;
}

}  // namespace shoal::scheduler
