#include "core/spec/run_status.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/spec/job_state.h"

namespace shoal::spec {
namespace {

constexpr std::array<std::string_view, 8> kNames = {
    "UNSPECIFIED", "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "ABORTED", "PAUSED"};

template <typename Jobs>
v1::RunStatus Combine(const Jobs& jobs) {
  int queued = 0, paused = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0, aborted = 0;
  for (const v1::Job& job : jobs) {
    if (job.kind() == v1::JOB_KIND_SERVE) continue;
    switch (job.state()) {
      case v1::JOB_STATE_RUNNING:
        ++running;
        break;
      case v1::JOB_STATE_SUCCEEDED:
        ++succeeded;
        break;
      case v1::JOB_STATE_FAILED:
        ++failed;
        break;
      case v1::JOB_STATE_CANCELLED:
        ++cancelled;
        break;
      case v1::JOB_STATE_ABORTED:
        ++aborted;
        break;
      default:
        ++(job.paused() ? paused : queued);
        break;
    }
  }
  if (running > 0) return v1::RUN_STATUS_RUNNING;
  if (failed > 0) return v1::RUN_STATUS_FAILED;
  if (cancelled > 0) return v1::RUN_STATUS_CANCELLED;
  if (aborted > 0) return v1::RUN_STATUS_ABORTED;
  if (queued > 0) return succeeded > 0 ? v1::RUN_STATUS_RUNNING : v1::RUN_STATUS_QUEUED;
  if (paused > 0) return v1::RUN_STATUS_PAUSED;
  return succeeded > 0 ? v1::RUN_STATUS_SUCCEEDED : v1::RUN_STATUS_QUEUED;
}

}  // namespace

v1::RunStatus StatusOfRun(std::span<const v1::Job> jobs) { return Combine(jobs); }
v1::RunStatus StatusOfRun(const google::protobuf::RepeatedPtrField<v1::Job>& jobs) {
  return Combine(jobs);
}

v1::RunStatus StatusOfJob(v1::JobState state) {
  v1::Job job;
  job.set_kind(v1::JOB_KIND_TRAIN);
  job.set_state(state);
  return StatusOfRun(std::span<const v1::Job>(&job, 1));
}

bool IsFinal(v1::RunStatus status) {
  return status == v1::RUN_STATUS_SUCCEEDED || status == v1::RUN_STATUS_FAILED ||
         status == v1::RUN_STATUS_CANCELLED || status == v1::RUN_STATUS_ABORTED;
}

std::string_view Name(v1::RunStatus status) {
  const auto index = static_cast<size_t>(status);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

std::optional<v1::RunStatus> ParseRunStatus(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == upper) return static_cast<v1::RunStatus>(i);
  }
  return std::nullopt;
}

}  // namespace shoal::spec
