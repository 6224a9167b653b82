// What a restart keeps of a state, and how two of them are compared.
#include <algorithm>

#include "coordinator/scheduler/state.h"
#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

template <typename Record, typename Key>
void SortBy(std::vector<Record>& records, Key key) {
  std::sort(records.begin(), records.end(),
            [&](const Record& a, const Record& b) { return key(a) < key(b); });
}

// Names the first records that are in one list only or differ, and up to three of them.
template <typename Record, typename Key>
void Compare(std::string_view noun, const std::vector<Record>& a, const std::vector<Record>& b,
             Key key, std::string& out) {
  int told = 0;
  const auto tell = [&](const Record& record, std::string_view what) {
    if (told++ < 3) StrAppend(out, noun, " ", key(record), " ", what, "; ");
  };
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && key(a[i]) < key(b[j]))) {
      tell(a[i++], "is only in the first");
    } else if (i == a.size() || key(b[j]) < key(a[i])) {
      tell(b[j++], "is only in the second");
    } else {
      if (!(a[i] == b[j])) tell(a[i], "differs");
      ++i, ++j;
    }
  }
}

}  // namespace

void ResetVolatile(AttemptRecord& attempt) {
  const AttemptRecord fresh;
  attempt.lease_expires_at = fresh.lease_expires_at;
  attempt.lease_renewed_at = fresh.lease_renewed_at;
  attempt.offered_since = fresh.offered_since;
}

void ResetVolatile(WorkerRecord& worker) {
  const WorkerRecord fresh;
  worker.leaving = fresh.leaving;
  worker.last_seen_at = fresh.last_seen_at;
  worker.present = fresh.present;
}

StateImage State::Image() const {
  StateImage image;
  for (const auto& [id, run] : runs_) image.runs.push_back(run);
  for (const auto& [id, job] : jobs_) image.jobs.push_back(job);
  for (const auto& [id, attempt] : attempts_) {
    image.attempts.push_back(attempt);
    ResetVolatile(image.attempts.back());
  }
  for (const auto& [id, worker] : workers_) {
    image.workers.push_back(worker);
    ResetVolatile(image.workers.back());
  }
  image.request_ids.assign(requests_.begin(), requests_.end());
  SortBy(image.runs, [](const RunRecord& run) { return run.run_id; });
  SortBy(image.jobs, [](const JobRecord& job) { return job.job_id; });
  SortBy(image.attempts, [](const AttemptRecord& attempt) { return attempt.key; });
  std::sort(image.request_ids.begin(), image.request_ids.end());
  image.next_submit_order = next_submit_order_;
  image.refused_stale_reports = refused_stale_reports_;
  return image;
}

bool operator==(const StateImage& a, const StateImage& b) { return Difference(a, b).empty(); }

std::string Difference(const StateImage& a, const StateImage& b) {
  std::string out;
  Compare(
      "run", a.runs, b.runs, [](const RunRecord& run) { return run.run_id.str(); }, out);
  Compare(
      "job", a.jobs, b.jobs, [](const JobRecord& job) { return job.job_id.str(); }, out);
  Compare(
      "attempt of job", a.attempts, b.attempts,
      [](const AttemptRecord& attempt) { return attempt.key.job_id.str(); }, out);
  Compare(
      "worker", a.workers, b.workers,
      [](const WorkerRecord& worker) { return worker.worker_id.str(); }, out);
  if (a.request_ids != b.request_ids) {
    StrAppend(out, "request ids differ (", a.request_ids.size(), " and ", b.request_ids.size(),
              "); ");
  }
  if (a.next_submit_order != b.next_submit_order) {
    StrAppend(out, "next_submit_order ", a.next_submit_order, " and ", b.next_submit_order, "; ");
  }
  if (a.refused_stale_reports != b.refused_stale_reports) {
    StrAppend(out, "refused_stale_reports ", a.refused_stale_reports, " and ",
              b.refused_stale_reports, "; ");
  }
  return out;
}

}  // namespace shoal::scheduler
