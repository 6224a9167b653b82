#include "cli/output/workers_table.h"

#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "cli/output/table.h"
#include "core/base/heartbeat.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

using A = Table::Align;

template <typename Texts>
std::string Join(const Texts& texts) {
  std::string out;
  for (const std::string& text : texts) StrAppend(out, out.empty() ? "" : ", ", text);
  return out;
}

std::string Backends(const v1::Worker& worker) {
  std::vector<std::string> names;
  for (const v1::BackendInfo& backend : worker.backends()) {
    if (backend.available()) names.push_back(backend.name());
  }
  return Join(names);
}

Style StyleOf(v1::WorkerState state) {
  switch (state) {
    case v1::WORKER_STATE_READY:
      return Style::kGreen;
    case v1::WORKER_STATE_DRAINING:
      return Style::kYellow;
    default:
      return Style::kDim;
  }
}

std::string StateText(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_RUNNING) return "RUNNING";
  return job.paused() ? "PAUSED" : "QUEUED";
}

Style StyleOf(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_RUNNING) return Style::kCyan;
  return job.paused() ? Style::kYellow : Style::kDim;
}

}  // namespace

std::string WorkerStateText(const v1::Worker& worker) {
  switch (worker.state()) {
    case v1::WORKER_STATE_READY:
      return worker.has_last_seen_at() ? "READY" : "NOT HEARD YET";
    case v1::WORKER_STATE_DRAINING:
      if (!worker.drained()) return "SHUTTING DOWN";
      return worker.slots_used() > 0 ? "DRAINING" : "DRAINED";
    default:
      return worker.drained() ? "OFFLINE, drained" : "OFFLINE";
  }
}

absl::Duration SilenceOf(const v1::Worker& worker, absl::Time now) {
  if (worker.state() == v1::WORKER_STATE_OFFLINE || !worker.has_last_seen_at())
    return absl::ZeroDuration();
  const absl::Duration silence = now - ToTime(worker.last_seen_at());
  return silence < kSilentAfter ? absl::ZeroDuration() : silence;
}

std::string WorkersTable(const Terminal& terminal,
                         const google::protobuf::RepeatedPtrField<v1::Worker>& workers,
                         absl::Time now) {
  Table table({{"WORKER"},
               {"STATE"},
               {"SLOTS", A::kRight},
               {"BACKENDS", A::kLeft, false, 2},
               {"ISA", A::kLeft, false, 5},
               {"MEMORY", A::kRight, false, 3},
               {"HOST", A::kLeft, false, 1},
               {"ADDRESS", A::kLeft, false, 4},
               {"LAST SEEN"},
               {"RUNS", A::kLeft, true}});
  for (const v1::Worker& worker : workers) {
    const absl::Duration silence = SilenceOf(worker, now);
    table.Add({Printable(worker.name(), false),
               silence > absl::ZeroDuration()
                   ? Styled(terminal, Style::kRed, StrCat("SILENT for ", HumanDuration(silence)))
                   : Styled(terminal, StyleOf(worker.state()), WorkerStateText(worker)),
               StrCat(worker.slots_used(), "/", worker.slots()), Backends(worker),
               worker.host().isa(), HumanBytes(worker.host().memory_bytes()),
               Printable(worker.host().host(), false), Printable(worker.address(), false),
               worker.has_last_seen_at() ? HumanAgo(ToTime(worker.last_seen_at()), now)
                                         : "before the restart",
               Printable(Join(worker.running()), false)});
  }
  return table.Render(terminal);
}

std::string QueueTable(const Terminal& terminal,
                       const google::protobuf::RepeatedPtrField<v1::QueueEntry>& entries,
                       absl::Time now) {
  Table table({{"RUN"},
               {"JOB", A::kLeft, false, 1},
               {"BY", A::kLeft, false, 2},
               {"STATE"},
               {"FOR", A::kRight},
               {"SLOTS", A::kRight},
               {"WORKER"},
               {"WHY IT WAITS", A::kLeft, true}});
  for (const v1::QueueEntry& entry : entries) {
    table.Add({Printable(entry.run_name(), false),
               entry.job().kind() == v1::JOB_KIND_SERVE ? "serve" : "train",
               Printable(entry.submitted_by(), false),
               Styled(terminal, StyleOf(entry.job()), StateText(entry.job())),
               entry.has_since() ? HumanDuration(now - ToTime(entry.since())) : "",
               StrCat(entry.slots()), Printable(entry.worker_name(), false),
               Printable(entry.waits_for(), false)});
  }
  return table.Render(terminal);
}

std::string VerdictsTable(const Terminal& terminal,
                          const google::protobuf::RepeatedPtrField<v1::WorkerVerdict>& verdicts) {
  Table table({{"WORKER"}, {"SUITABLE"}, {"WHY NOT NOW", A::kLeft, true}});
  for (const v1::WorkerVerdict& verdict : verdicts) {
    table.Add({Printable(verdict.worker_name(), false),
               Styled(terminal, verdict.suitable() ? Style::kGreen : Style::kRed,
                      verdict.suitable() ? "yes" : "no"),
               Printable(verdict.reason(), false)});
  }
  return table.Render(terminal);
}

}  // namespace shoal::cli
