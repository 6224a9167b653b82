#include "cli/lab/reuse.h"

#include <limits>
#include <map>
#include <set>
#include <string>

#include "core/base/status.h"
#include "core/spec/fingerprint.h"

namespace shoal::cli {
namespace {

using RunsByDigest = std::map<std::string, std::vector<v1::Run>>;  // newest first

absl::StatusOr<RunsByDigest> FinishedRuns(Lab& lab) {
  v1::ListRunsRequest request;
  request.set_limit(std::numeric_limits<int32_t>::max());
  request.add_statuses(v1::RUN_STATUS_SUCCEEDED);
  SHOAL_ASSIGN_OR_RETURN(const auto response,
                         Call(lab.service(), &v1::LabService::Stub::ListRuns, request));
  RunsByDigest runs;
  for (const v1::Run& run : response.runs()) {
    if (run.has_numerics()) runs[run.request_digest()].push_back(run);
  }
  return runs;
}

absl::StatusOr<bool> StandsFor(Lab& lab, const v1::Run& run, const v1::RunSpec& spec) {
  v1::GetRunRequest request;
  request.set_run(run.run_id());
  SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail,
                         Call(lab.service(), &v1::LabService::Stub::GetRun, request));
  return spec::MayStandFor(run.numerics(), detail.spec().resources(), spec.resources());
}

}  // namespace

absl::Status FindReused(const LabOptions& options, std::vector<PlannedRun>& planned) {
  LabOptions quietly = options;
  quietly.start = false;
  absl::StatusOr<Lab> lab = Lab::Connect(quietly);
  if (!lab.ok()) return options.address.empty() ? absl::OkStatus() : lab.status();
  SHOAL_ASSIGN_OR_RETURN(const RunsByDigest finished, FinishedRuns(*lab));
  std::set<std::string> used;
  for (PlannedRun& one : planned) {
    SHOAL_ASSIGN_OR_RETURN(const std::string digest,
                           spec::RequestDigest(one.trial.spec, one.data.Bindings()));
    const auto same = finished.find(digest);
    if (same == finished.end()) continue;
    for (const v1::Run& run : same->second) {
      SHOAL_ASSIGN_OR_RETURN(const bool stands, StandsFor(*lab, run, one.trial.spec));
      if (!stands) continue;
      // The newest one decides: the lab takes no older one in its place.
      if (used.insert(run.run_id()).second) one.reuses = run.name();
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace shoal::cli
