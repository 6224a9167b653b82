#include "cli/output/progress.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int64_t kStart = 1767225600;

v1::Run Running(const std::string& name, int64_t step, int64_t total) {
  v1::Run run;
  run.set_run_id(name);
  run.set_name(name);
  run.set_status(v1::RUN_STATUS_RUNNING);
  run.mutable_started_at()->set_seconds(kStart);
  run.set_step(step);
  run.set_total_steps(total);
  return run;
}

v1::Run Ended(v1::Run run, v1::RunStatus status, const std::string& reason) {
  run.set_status(status);
  run.set_status_reason(reason);
  run.mutable_finished_at()->set_seconds(kStart + 14);
  return run;
}

Terminal Interactive(int columns) {
  Terminal terminal;
  terminal.interactive = true;
  terminal.columns = columns;
  return terminal;
}

std::string Shown(ProgressDisplay& display, const std::vector<v1::Run>& runs,
                  const std::string& notice = "") {
  testing::internal::CaptureStdout();
  display.Show(runs, absl::FromUnixSeconds(kStart + 10), notice);
  return testing::internal::GetCapturedStdout();
}

TEST(Progress, InAFileALineStandsForATenth) {
  ProgressDisplay display{Terminal()};
  v1::Run run = Running("tiny", 100, 1000);
  (*run.mutable_metrics())["train/loss"].set_last(1.8421);
  v1::MetricSummary& speed = (*run.mutable_metrics())["train/tokens_per_s"];
  speed.set_last(61234);
  speed.set_count(1);
  EXPECT_EQ(Shown(display, {run}),
            "tiny   10%  step 100/1000  loss 1.842  61.2k tok/s  ETA 1m 30s\n");
  run.set_step(199);
  EXPECT_EQ(Shown(display, {run}), "");
  run.set_step(200);
  EXPECT_THAT(Shown(display, {run}), StartsWith("tiny   20%  step 200/1000"));
}

TEST(Progress, AnOlderHeldOutLossComesWithItsStep) {
  ProgressDisplay display{Terminal()};
  v1::Run run = Running("tiny", 100, 1000);
  v1::MetricSummary& held_out = (*run.mutable_metrics())["held_out/loss"];
  held_out.set_last(3.912);
  held_out.set_last_step(0);
  EXPECT_THAT(Shown(display, {run}), HasSubstr("  held-out 3.912 (step 0)"));
  run.set_step(200);
  held_out.set_last_step(200);
  EXPECT_THAT(Shown(display, {run}), AllOf(HasSubstr("  held-out 3.912"), Not(HasSubstr("(step"))));
}

TEST(Progress, ABarShrinksBeforeWhatItSaysIsCut) {
  v1::Run run = Running("tiny", 1700, 3000);
  (*run.mutable_metrics())["train/loss"].set_last(3.3591);
  v1::MetricSummary& held_out = (*run.mutable_metrics())["held_out/loss"];
  held_out.set_last(7.645);
  for (const int columns : {120, 90, 84}) {
    ProgressDisplay display{Interactive(columns)};
    EXPECT_THAT(Shown(display, {run}),
                AllOf(HasSubstr("held-out 7.645 (step 0)"), HasSubstr("  ETA "), HasSubstr("██"),
                      Not(HasSubstr("…"))))
        << columns;
  }
}

TEST(Progress, TheTimeLeftIsThatOfThePresentSpeed) {
  ProgressDisplay display{Terminal()};
  v1::Run run = Running("tiny", 100, 1000);  // 10 s after its start, of which it was paused 8
  v1::MetricSummary& tokens = (*run.mutable_metrics())["train/tokens"];
  tokens.set_last(50000);
  tokens.set_last_step(100);
  (*run.mutable_metrics())["train/tokens_per_s"].set_last(25000);
  EXPECT_THAT(Shown(display, {run}), HasSubstr("ETA 18s\n"));
}

TEST(Progress, InAFileEveryChangeOfStateIsALine) {
  ProgressDisplay display{Terminal()};
  v1::Run run = Running("tiny", 0, 10);
  run.set_status(v1::RUN_STATUS_QUEUED);
  run.set_status_reason("both slots are taken");
  EXPECT_EQ(Shown(display, {run}), "tiny  queued: both slots are taken\n");
  EXPECT_EQ(Shown(display, {run}), "");
  run.set_status_reason("no worker is ready");
  EXPECT_EQ(Shown(display, {run}), "tiny  queued: no worker is ready\n");
  run.set_status(v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(Shown(display, {run}), "tiny    0%  step 0/10\n");
  run = Ended(Running("tiny", 10, 10), v1::RUN_STATUS_SUCCEEDED, "");
  EXPECT_EQ(Shown(display, {run}), "tiny  SUCCEEDED  step 10/10  in 14s\n");
}

TEST(Progress, AReusedRunSaysSoInsteadOfATimeThatWasNotSpent) {
  ProgressDisplay display{Terminal()};
  v1::Run run = Ended(Running("tiny", 10, 10), v1::RUN_STATUS_SUCCEEDED, "");
  run.set_reused(true);
  EXPECT_EQ(Shown(display, {run}), "tiny  SUCCEEDED  step 10/10  reused\n");
}

TEST(Progress, AFailureSaysWhy) {
  ProgressDisplay display{Terminal()};
  const v1::Run run =
      Ended(Running("tiny", 7, 10), v1::RUN_STATUS_FAILED, "loss became NaN at step 7");
  EXPECT_EQ(Shown(display, {run}), "tiny  FAILED  step 7/10  loss became NaN at step 7\n");
}

TEST(Progress, AReasonCannotBreakTheLine) {
  ProgressDisplay display{Terminal()};
  const v1::Run run = Ended(Running("tiny", 7, 10), v1::RUN_STATUS_FAILED, "two\nlines\x1b[2J");
  EXPECT_EQ(Shown(display, {run}), "tiny  FAILED  step 7/10  two\\nlines\\x1b[2J\n");
}

TEST(Progress, NamesAreAligned) {
  ProgressDisplay display{Terminal()};
  const std::string text = Shown(display, {Running("a", 1, 10), Running("tiny-L4", 5, 10)});
  EXPECT_THAT(text, AllOf(HasSubstr("a         10%"), HasSubstr("tiny-L4   50%")));
}

TEST(Progress, OnATerminalTheLinesAreRedrawn) {
  ProgressDisplay display{Interactive(100)};
  const std::vector<v1::Run> runs = {Running("a", 5, 10), Running("b", 0, 10)};
  const std::string first = Shown(display, runs);
  EXPECT_THAT(first, AllOf(Not(HasSubstr("A\x1b[2K")), HasSubstr("██████████            50%")));
  EXPECT_THAT(Shown(display, runs, "the lab is away"),
              AllOf(StartsWith("\x1b[2A\x1b[2K"), HasSubstr("the lab is away\n")));
  EXPECT_THAT(Shown(display, runs), StartsWith("\x1b[3A"));  // over the notice, which goes
  display.Finish();
  EXPECT_THAT(Shown(display, runs), Not(StartsWith("\x1b[2A")));
}

TEST(Progress, OnANarrowTerminalNoLineWraps) {
  Terminal terminal = Interactive(30);
  terminal.color = true;
  ProgressDisplay display{terminal};
  const std::string text = Shown(display, {Running("tiny-with-a-long-name", 5, 10)});
  const std::string line = text.substr(4, text.find('\n') - 4);  // after the erasing code
  EXPECT_LT(DisplayWidth(line), 30) << line;
  EXPECT_THAT(line, HasSubstr("…"));
}

TEST(Progress, ABarIsFilledToAnEighth) {
  ProgressDisplay display{Interactive(100)};
  EXPECT_THAT(Shown(display, {Running("a", 5, 160)}), HasSubstr("a  ▋                      3%"));
  EXPECT_THAT(Shown(display, {Running("a", 200, 160)}),
              HasSubstr("a  ████████████████████ 125%"));  // never beyond its end
}

}  // namespace
}  // namespace shoal::cli
