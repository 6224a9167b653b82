#include "cli/output/runs_table.h"

#include <limits>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kStart = 1767225600;

v1::Run Trial(const std::string& name, const std::string& differing, double loss) {
  v1::Run run;
  run.set_name(name);
  run.add_differing(differing);
  run.set_status(v1::RUN_STATUS_SUCCEEDED);
  run.set_parameters(1071872);
  run.set_step(40);
  run.set_total_steps(40);
  run.set_submitted_by("ada");
  run.mutable_created_at()->set_seconds(kStart - 600);
  run.mutable_started_at()->set_seconds(kStart);
  run.mutable_finished_at()->set_seconds(kStart + 65);
  (*run.mutable_metrics())["held_out/loss"].set_last(loss);
  (*run.mutable_metrics())["held_out/bits_per_byte"].set_last(loss / 2);
  return run;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Terminal Wide() {
  Terminal terminal;
  terminal.columns = 200;
  return terminal;
}

// Once a run has ended, each table says the same of its speed.
TEST(RunsTable, SpeedIsThePresentOneUntilTheEnd) {
  v1::Run run = Trial("tiny", "", 1.5);
  v1::MetricSummary& speed = (*run.mutable_metrics())["train/tokens_per_s"];
  speed.set_last(7777);
  speed.set_mean(1000);
  speed.set_count(1);
  const auto now = absl::FromUnixSeconds(kStart + 70);
  EXPECT_THAT(RunsTable(Wide(), {run}, now), HasSubstr(" 1.00k "));
  EXPECT_THAT(ComparisonTable(Wide(), {run}), HasSubstr(" 1.00k "));
  run.set_status(v1::RUN_STATUS_RUNNING);
  run.clear_finished_at();
  EXPECT_THAT(RunsTable(Wide(), {run}, now), HasSubstr(" 7.78k "));
}

TEST(RunsTable, ShowsWhereEachRunIs) {
  v1::Run failed = Trial("tiny-L4", "model.n_layers=4", 1.25);
  failed.set_status(v1::RUN_STATUS_FAILED);
  failed.set_status_reason("loss became NaN\nat step 10");
  failed.set_note("a note");
  v1::Run waiting;
  waiting.set_name("tiny-L8");
  waiting.set_status(v1::RUN_STATUS_QUEUED);
  waiting.set_total_steps(40);
  v1::Run cancelled = failed;
  cancelled.set_status(v1::RUN_STATUS_CANCELLED);
  cancelled.set_status_reason("wrong data");
  const std::vector<std::string> lines =
      Lines(RunsTable(Wide(), {failed, waiting, cancelled}, absl::FromUnixSeconds(kStart + 100)));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[1], AllOf(HasSubstr("tiny-L4"), HasSubstr("FAILED"), HasSubstr("40/40"),
                              HasSubstr("1.07M"), HasSubstr("1.250"), HasSubstr("1m 05s"),
                              HasSubstr("ada"), HasSubstr("11m ago"),
                              HasSubstr("loss became NaN\\nat step 10"), Not(HasSubstr("a note"))));
  EXPECT_THAT(lines[2], AllOf(HasSubstr("QUEUED"), HasSubstr("0/40"), HasSubstr(" - ")));
  EXPECT_THAT(lines[3], AllOf(HasSubstr("wrong data"), Not(HasSubstr("a note"))));
}

TEST(RunsTable, TellsWhatDiffersInsteadOfTheNoteThatASweepShares) {
  v1::Run trial = Trial("tiny-L4", "model.n_layers=4", 1.25);
  trial.set_note("the recipe's note");
  v1::Run alone = trial;
  alone.clear_differing();
  const absl::Time now = absl::FromUnixSeconds(kStart + 100);
  const std::vector<std::string> sweep = Lines(RunsTable(Wide(), {trial, trial}, now));
  EXPECT_THAT(sweep[0], AllOf(HasSubstr("DIFFERS IN"), Not(HasSubstr("NOTE"))));
  EXPECT_THAT(sweep[1], AllOf(HasSubstr("model.n_layers=4"), Not(HasSubstr("note"))));
  const std::vector<std::string> both = Lines(RunsTable(Wide(), {trial, alone}, now));
  EXPECT_THAT(both[0], HasSubstr("DIFFERS IN, NOTE"));
  EXPECT_THAT(both[2], HasSubstr("the recipe's note"));
  EXPECT_THAT(Lines(RunsTable(Wide(), {alone}, now))[0], Not(HasSubstr("DIFFERS")));
  // Cut to the terminal.
  alone.set_note(std::string(300, 'x'));
  Terminal narrow;
  narrow.columns = 120;
  EXPECT_LE(Lines(RunsTable(narrow, {alone}, now))[1].size(), 122u);  // "…" has three bytes
}

TEST(ComparisonTable, ShowsWhatDiffersAndMarksTheBest) {
  Terminal terminal = Wide();
  terminal.color = true;
  const std::vector<std::string> lines =
      Lines(ComparisonTable(terminal, {Trial("tiny-L1", "model.n_layers=1", 2.5),
                                       Trial("tiny-L4", "model.n_layers=4", 1.25)}));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[1],
              AllOf(HasSubstr("model.n_layers=1"), HasSubstr("1,071,872"), HasSubstr("2.5000")));
  EXPECT_THAT(lines[1], Not(HasSubstr("\x1b[32m")));
  EXPECT_THAT(lines[2], AllOf(HasSubstr("\x1b[32m1.2500"), HasSubstr("0.6250")));
  EXPECT_THAT(lines[0], Not(HasSubstr("STATUS")));  // all succeeded: nothing to tell
}

TEST(ComparisonTable, TellsTheStatesWhenOneDidNotSucceed) {
  v1::Run cancelled = Trial("tiny-L4", "model.n_layers=4", 1.25);
  cancelled.set_status(v1::RUN_STATUS_CANCELLED);
  cancelled.mutable_metrics()->clear();
  const std::vector<std::string> lines =
      Lines(ComparisonTable(Wide(), {Trial("tiny-L1", "model.n_layers=1", 2.5), cancelled}));
  EXPECT_THAT(lines[0], HasSubstr("STATUS"));
  EXPECT_THAT(lines[1], HasSubstr("SUCCEEDED"));
  EXPECT_THAT(lines[2], AllOf(HasSubstr("CANCELLED"), HasSubstr(" - ")));
}

TEST(WallTime, IsThatOfTheRun) {
  v1::Run run;
  const absl::Time now = absl::FromUnixSeconds(kStart + 10);
  EXPECT_EQ(WallTime(run, now), absl::InfiniteDuration());
  run.mutable_started_at()->set_seconds(kStart);
  EXPECT_EQ(WallTime(run, now), absl::Seconds(10));
  run.mutable_finished_at()->set_seconds(kStart + 3);
  run.mutable_finished_at()->set_nanos(500000000);
  EXPECT_EQ(WallTime(run, now), absl::Milliseconds(3500));
}

}  // namespace
}  // namespace shoal::cli
