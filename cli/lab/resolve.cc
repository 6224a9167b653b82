#include "cli/lab/resolve.h"

#include <algorithm>

#include "core/base/status.h"

namespace shoal::cli {

void SortRuns(std::vector<v1::Run>& runs) {
  std::sort(runs.begin(), runs.end(), [](const v1::Run& a, const v1::Run& b) {
    return std::make_pair(a.sweep_id().empty() ? a.run_id() : a.sweep_id(), a.trial_index()) <
           std::make_pair(b.sweep_id().empty() ? b.run_id() : b.sweep_id(), b.trial_index());
  });
}

absl::StatusOr<std::vector<v1::Run>> ResolveRuns(Lab& lab,
                                                 const std::vector<std::string>& targets) {
  v1::ListRunsRequest request;
  request.set_limit(10000);
  for (const std::string& target : targets) request.add_targets(target);
  if (targets.empty()) request.add_targets("last");
  SHOAL_ASSIGN_OR_RETURN(const auto response,
                         Call(lab.service(), &v1::LabService::Stub::ListRuns, request));
  if (response.runs().empty())
    return absl::NotFoundError("there are no runs yet; `shoal launch tiny` trains one");
  std::vector<v1::Run> runs(response.runs().begin(), response.runs().end());
  SortRuns(runs);
  return runs;
}

}  // namespace shoal::cli
