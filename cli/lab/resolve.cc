#include "cli/lab/resolve.h"

#include <algorithm>
#include <limits>

#include "core/base/status.h"

namespace shoal::cli {

namespace {

auto Order(const v1::Run& run) {
  return std::make_pair(run.sweep_id().empty() ? run.run_id() : run.sweep_id(), run.trial_index());
}

absl::StatusOr<v1::ListRunsResponse> List(Lab& lab, const std::vector<std::string>& targets,
                                          bool with_details) {
  v1::ListRunsRequest request;
  request.set_limit(std::numeric_limits<int32_t>::max());
  request.set_with_details(with_details);
  for (const std::string& target : targets) request.add_targets(target);
  if (targets.empty()) request.add_targets("last");
  SHOAL_ASSIGN_OR_RETURN(auto response,
                         Call(lab.service(), &v1::LabService::Stub::ListRuns, request));
  if (response.runs().empty())
    return absl::NotFoundError("there are no runs yet; `shoal launch tiny` trains one");
  return response;
}

}  // namespace

std::string Words(const std::vector<std::string>& targets) {
  std::string words;
  for (const std::string& target : targets) StrAppend(words, " ", target);
  return words;
}

void SortRuns(std::vector<v1::Run>& runs) {
  std::sort(runs.begin(), runs.end(),
            [](const v1::Run& a, const v1::Run& b) { return Order(a) < Order(b); });
}

absl::StatusOr<std::vector<v1::Run>> ResolveRuns(Lab& lab,
                                                 const std::vector<std::string>& targets) {
  SHOAL_ASSIGN_OR_RETURN(const auto response, List(lab, targets, false));
  std::vector<v1::Run> runs(response.runs().begin(), response.runs().end());
  SortRuns(runs);
  return runs;
}

std::vector<v1::RunDetail> JoinDetails(v1::ListRunsResponse response) {
  std::vector<v1::RunDetail> details;
  for (int i = 0; i < response.runs_size(); ++i) {
    v1::RunDetail& detail = details.emplace_back();
    detail.Swap(response.mutable_details(i));
    detail.mutable_run()->Swap(response.mutable_runs(i));
  }
  return details;
}

absl::StatusOr<std::vector<v1::RunDetail>> ResolveDetails(Lab& lab,
                                                          const std::vector<std::string>& targets) {
  SHOAL_ASSIGN_OR_RETURN(auto response, List(lab, targets, true));
  if (response.details_size() < response.runs_size())
    return absl::FailedPreconditionError(
        "the lab is of an older release and does not list specs; upgrade it: stop it with `shoal "
        "down`, then `shoal up`");
  std::vector<v1::RunDetail> details = JoinDetails(std::move(response));
  std::sort(details.begin(), details.end(), [](const v1::RunDetail& a, const v1::RunDetail& b) {
    return Order(a.run()) < Order(b.run());
  });
  return details;
}

}  // namespace shoal::cli
