#include "cli/output/runs_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/analysis/comparison.h"
#include "cli/lab/follow.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

double Last(const v1::Run& run, const std::string& metric) {
  const v1::MetricSummary* summary = FindMetric(run, metric);
  return summary == nullptr ? std::numeric_limits<double>::quiet_NaN() : summary->last();
}

std::string JoinDiffering(const v1::Run& run) {
  std::string out;
  for (const std::string& one : run.differing()) StrAppend(out, out.empty() ? "" : " ", one);
  return out;
}

// Empty where it goes without saying.
std::string StatusCell(const Terminal& terminal, const v1::Run& run, bool all_succeeded) {
  if (all_succeeded) return run.reused() ? "reused" : "";
  return StrCat(Styled(terminal, StatusStyle(run.status()), StatusName(run.status())),
                run.reused() ? " (reused)" : "");
}

// Why it waits, or ended as it did.
bool TellsWhy(const v1::Run& run) {
  return run.status() != v1::RUN_STATUS_RUNNING && run.status() != v1::RUN_STATUS_SUCCEEDED &&
         !run.status_reason().empty();
}

double TokensPerSecond(const v1::Run& run) {
  return analysis::TokensPerSecond(run).value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration WallTime(const v1::Run& run, absl::Time now) {
  if (!run.has_started_at()) return absl::InfiniteDuration();
  return (run.has_finished_at() ? ToTime(run.finished_at()) : now) - ToTime(run.started_at());
}

std::string RunsTable(const Terminal& terminal, const std::vector<v1::Run>& runs, absl::Time now) {
  using A = Table::Align;
  // The runs of a sweep share their note: what sets each apart tells more.
  const auto differs = [](const v1::Run& run) { return run.differing_size() > 0; };
  const char* const told = std::all_of(runs.begin(), runs.end(), differs)    ? "DIFFERS IN"
                           : std::none_of(runs.begin(), runs.end(), differs) ? "NOTE"
                                                                             : "DIFFERS IN, NOTE";
  // A note may go where there is no room; what sets runs apart, or why they wait or failed, stays.
  const bool all_went_well = std::none_of(
      runs.begin(), runs.end(), [&](const v1::Run& run) { return differs(run) || TellsWhy(run); });
  Table table({{"#", A::kRight},
               {"RUN"},
               {"STATUS"},
               {"STEP", A::kRight},
               {"PARAMS", A::kRight, false, 3},
               {"LOSS", A::kRight},
               {"HELD-OUT", A::kRight},
               {"TOK/S", A::kRight, false, 2},
               {"TIME", A::kRight, false, 1},
               {"BY", A::kLeft, false, 6},
               {"CREATED", A::kLeft, false, 4},
               {told, A::kLeft, true, all_went_well ? 5 : 0}});
  for (const v1::Run& run : runs) {
    // Why it waits or ended as it did goes before what its spec says of it.
    table.Add({run.number() > 0 ? StrCat(run.number()) : "", Printable(run.name(), false),
               Styled(terminal, StatusStyle(run.status()), StatusName(run.status())),
               StrCat(run.step(), "/", run.total_steps()),
               HumanCount(static_cast<double>(run.parameters())), Fixed(Last(run, "train/loss"), 3),
               Fixed(Last(run, "held_out/loss"), 3), HumanCount(TokensPerSecond(run)),
               HumanDuration(WallTime(run, now)), Printable(run.submitted_by(), false),
               HumanAgo(ToTime(run.created_at()), now),
               StrCat(run.reused() ? "(reused) " : "", Printable(TellsWhy(run) ? run.status_reason()
                                                                 : differs(run) ? JoinDiffering(run)
                                                                                : run.note(),
                                                                 false))});
  }
  return table.Render(terminal);
}

std::string ComparisonTable(const Terminal& terminal, const std::vector<v1::Run>& runs) {
  using A = Table::Align;
  double best = std::numeric_limits<double>::infinity();
  bool all_succeeded = true, classifiers = false;
  for (const v1::Run& run : runs) {
    classifiers = classifiers || std::isfinite(Last(run, "held_out/accuracy"));
    const double loss = Last(run, "held_out/loss");
    if (std::isfinite(loss)) best = std::min(best, loss);
    all_succeeded = all_succeeded && run.status() == v1::RUN_STATUS_SUCCEEDED;
  }
  Table table({{"RUN"},
               {"DIFFERS IN", A::kLeft, true},
               {"STATUS"},
               {"PARAMETERS", A::kRight},
               {"HELD-OUT LOSS", A::kRight},
               {classifiers ? "ACCURACY" : "BITS/BYTE", A::kRight},
               {"TOK/S", A::kRight},
               {"WALL TIME", A::kRight}});
  for (const v1::Run& run : runs) {
    const double loss = Last(run, "held_out/loss");
    const std::string shown = Fixed(loss, 4);
    table.Add({Printable(run.name(), false), Printable(JoinDiffering(run), false),
               StatusCell(terminal, run, all_succeeded), WithCommas(run.parameters()),
               loss == best && runs.size() > 1 ? Styled(terminal, Style::kGreen, shown) : shown,
               Fixed(Last(run, classifiers ? "held_out/accuracy" : "held_out/bits_per_byte"), 4),
               HumanCount(TokensPerSecond(run)),
               HumanDuration(WallTime(run, absl::InfiniteFuture()))});
  }
  return table.Render(terminal);
}

}  // namespace shoal::cli
