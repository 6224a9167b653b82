#include "cli/lab/misfit.h"

#include <algorithm>
#include <cstdio>

#include "cli/lab/resolve.h"
#include "cli/output/terminal.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kStartTime = absl::Seconds(10);  // of an embedded lab's worker
constexpr absl::Duration kLook = absl::Milliseconds(50);

// False: no worker takes jobs.
bool WorkerIsReady(Lab& lab) {
  const auto status = Call(lab.service(), &v1::LabService::Stub::GetLab, v1::GetLabRequest());
  return status.ok() && status->ready_workers() > 0;
}

// An embedded lab's worker comes up right after its coordinator.
void WaitForFirstWorker(Lab& lab) {
  const LabOptions& options = lab.options();
  if (!options.address.empty()) return;
  const absl::Duration deadline = options.clock->Boottime() + kStartTime;
  while (!WorkerIsReady(lab) && options.clock->Boottime() < deadline) {
    const auto known =
        Call(lab.service(), &v1::LabService::Stub::ListWorkers, v1::ListWorkersRequest());
    if (!known.ok() || std::any_of(known->workers().begin(), known->workers().end(),
                                   [](const v1::Worker& worker) { return worker.drained(); })) {
      return;  // it is up, and takes nothing
    }
    absl::SleepFor(kLook);
  }
}

bool FitsNowhere(const v1::ExplainResponse& explanation) {
  return std::none_of(explanation.workers().begin(), explanation.workers().end(),
                      [](const v1::WorkerVerdict& worker) { return worker.suitable(); });
}

}  // namespace

void TellMisfits(const LabOptions& options, const std::vector<v1::Run>& runs) {
  std::vector<std::string> waiting;
  for (const v1::Run& run : runs) {
    if (run.status() == v1::RUN_STATUS_QUEUED) waiting.push_back(run.run_id());
  }
  if (waiting.empty()) return;
  absl::StatusOr<Lab> lab = Lab::Connect(options);
  if (!lab.ok()) return;
  WaitForFirstWorker(*lab);
  const absl::StatusOr<std::vector<v1::Run>> now = ResolveRuns(*lab, waiting);
  if (!now.ok()) return;
  // What fits nowhere has that as its reason; only then is it worth asking why, once.
  const v1::Run* first = nullptr;
  size_t misfits = 0;
  for (const v1::Run& run : *now) {
    if (run.status() != v1::RUN_STATUS_QUEUED || !run.status_reason().starts_with("no worker"))
      continue;
    if (misfits++ == 0) first = &run;
  }
  if (first == nullptr) return;
  v1::ExplainRequest request;
  request.set_target(first->run_id());
  const auto explanation = Call(lab->service(), &v1::LabService::Stub::Explain, request);
  if (!explanation.ok() || !(FitsNowhere(*explanation) ||
                             explanation->summary().find("no worker") != std::string::npos)) {
    return;
  }
  const std::string others =
      misfits > 1 ? StrCat(" (and ", misfits - 1, " more of ", runs.size(), ")") : std::string();
  std::fprintf(stderr, "note: %s%s\n", Printable(explanation->summary(), false).c_str(),
               others.c_str());
}

}  // namespace shoal::cli
