// Who waits for what and why, and which worker is given work.

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "shoal/v1/lab_service.pb.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/machine.h"
#include "tests/e2e/processes.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A lab whose own worker, `local`, has one slot.
class QueueTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(lab_.Shoal({"up", "--slots", "1"}).exit.code, 0); }

  // Runs that pretend to train for some 40 times `step_ms`, of the seeds `first` to `last`.
  std::vector<v1::Run> Sweep(int first, int last, int step_ms) {
    std::vector<std::string> arguments = {"sweep", "tiny",   "--name",
                                          "line",  "--vary", StrCat("seed=", first, "..", last)};
    for (const std::string& setting : TinySettings()) arguments.push_back(setting);
    for (const std::string& setting :
         Sets({"resources.backend=mock", "evaluate.max_examples=5",
               StrCat("resources.backend_options=step_ms=", step_ms)})) {
      arguments.push_back(setting);
    }
    return Members<v1::Run>(lab_.Json(arguments), "runs");
  }
  std::vector<v1::QueueEntry> Queue() {
    return Members<v1::QueueEntry>(lab_.Json({"queue"}), "entries");
  }
  v1::ExplainResponse Explain(const std::string& target) {
    return Member<v1::ExplainResponse>(lab_.Json({"explain", target}), "explanation");
  }
  std::map<std::string, v1::Worker> Workers() {
    std::map<std::string, v1::Worker> workers;
    for (const v1::Worker& one : Members<v1::Worker>(lab_.Json({"workers"}), "workers"))
      workers[one.name()] = one;
    return workers;
  }
  template <typename Condition>
  void WaitUntil(const std::string& what, const Condition& condition) {
    const SystemClock clock;
    const absl::Duration deadline = clock.Boottime() + kSafetyNet;
    while (!condition()) {
      ASSERT_LT(clock.Boottime(), deadline) << what << "\n" << lab_.Shoal({"queue"}).out;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  // Until `worker` trains something; its run's id.
  std::string WaitUntilTraining(const std::string& worker) {
    std::string run;
    WaitUntil(worker + " trains", [&] {
      for (const v1::QueueEntry& entry : Queue()) {
        if (entry.worker_name() == worker) run = entry.job().run_id();
      }
      return !run.empty();
    });
    lab_.WaitForStep(run, 5);
    return run;
  }
  // Which workers finished how many of the runs.
  std::map<std::string, int> Finishers(const std::vector<v1::Run>& runs) {
    std::map<std::string, int> count;
    for (const v1::Run& run : runs) {
      const v1::RunDetail detail = lab_.Show(run.run_id());
      EXPECT_EQ(detail.run().status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
      if (detail.attempts_size() > 0)
        ++count[detail.attempts(detail.attempts_size() - 1).worker_name()];
    }
    return count;
  }

  LabDriver lab_;
};

TEST_F(QueueTest, TheQueueTellsWhoWaitsForWhatAndSinceWhen) {
  EXPECT_THAT(lab_.Shoal({"queue"}).out, HasSubstr("nothing runs and nothing waits"));
  const std::vector<v1::Run> runs = Sweep(1, 4, 250);
  ASSERT_EQ(runs.size(), 4u);
  ASSERT_EQ(WaitUntilTraining("local"), runs[0].run_id());
  ASSERT_EQ(lab_.Shoal({"pause", runs[2].name()}).exit.code, 0);
  const std::vector<v1::QueueEntry> queue = Queue();
  ASSERT_EQ(queue.size(), 4u);
  std::vector<std::string> names;
  for (const v1::QueueEntry& entry : queue) {
    names.push_back(entry.run_name());
    EXPECT_EQ(entry.submitted_by(), runs[0].submitted_by());
    EXPECT_EQ(entry.slots(), 1);
    EXPECT_GE(entry.since().seconds(), runs[0].created_at().seconds());
  }
  EXPECT_THAT(names, ElementsAre(runs[0].name(), runs[1].name(), runs[3].name(), runs[2].name()));
  EXPECT_EQ(queue[0].job().state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(queue[0].worker_name(), "local");
  EXPECT_EQ(queue[0].waits_for(), "");
  EXPECT_EQ(queue[1].jobs_ahead(), 0);
  EXPECT_THAT(queue[1].waits_for(), AllOf(HasSubstr("1 of 1 in use"), HasSubstr("first in")));
  EXPECT_EQ(queue[2].jobs_ahead(), 1);
  EXPECT_TRUE(queue[3].job().paused());
  EXPECT_THAT(queue[3].waits_for(), AllOf(HasSubstr("paused by"), HasSubstr("shoal resume")));

  const std::string text = lab_.Shoal({"queue"}).out;
  EXPECT_THAT(text, ContainsRegex("RUN +JOB +BY +STATE +FOR +SLOTS +WORKER +WHY IT WAITS"));
  EXPECT_THAT(text, ContainsRegex(StrCat(runs[0].name(), " +train +.* RUNNING .* local")));
  EXPECT_THAT(text, ContainsRegex(StrCat(runs[3].name(), " +train +.* QUEUED .* 1 job is ahead")));
  EXPECT_THAT(text, ContainsRegex(StrCat(runs[2].name(), " +train +.* PAUSED .* paused by")));
  ASSERT_EQ(lab_.Shoal({"cancel", "all"}).exit.code, 0);
  EXPECT_EQ(lab_.Shoal({"wait", "line"}).exit.code, 3);
  EXPECT_THAT(Queue(), IsEmpty());
}

TEST_F(QueueTest, ExplainSaysWhyARunIsWhereItIs) {
  const std::vector<v1::Run> runs = Sweep(1, 3, 250);
  ASSERT_EQ(WaitUntilTraining("local"), runs[0].run_id());
  const v1::ExplainResponse running = Explain(runs[0].name());
  EXPECT_THAT(running.summary(), HasSubstr("attempt 1 on worker local"));
  EXPECT_THAT(running.ahead(), IsEmpty());

  const v1::ExplainResponse queued = Explain(runs[2].name());
  EXPECT_THAT(queued.summary(), AllOf(HasSubstr("waits for a free slot (1 of 1 in use)"),
                                      HasSubstr("1 job is ahead of it")));
  EXPECT_THAT(queued.ahead(), ElementsAre(runs[1].name()));
  ASSERT_EQ(queued.workers_size(), 1);
  EXPECT_TRUE(queued.workers(0).suitable());
  EXPECT_THAT(queued.workers(0).reason(), HasSubstr(StrCat("held by ", runs[0].name())));
  EXPECT_THAT(lab_.Shoal({"explain", runs[2].name()}).out,
              AllOf(HasSubstr("WHY NOT NOW"), HasSubstr(StrCat("ahead of it: ", runs[1].name()))));

  // What no worker can run does not hold up what comes behind it, and says what would help.
  const v1::Run large = lab_.Launch({"--set", "resources.slots=64", "--set", "seed=9"});
  const v1::ExplainResponse unmet = Explain(large.run_id());
  EXPECT_THAT(unmet.summary(), HasSubstr("start a worker with --slots 64"));
  ASSERT_EQ(unmet.workers_size(), 1);
  EXPECT_FALSE(unmet.workers(0).suitable());
  EXPECT_THAT(unmet.workers(0).reason(), HasSubstr("64"));

  ASSERT_EQ(lab_.Shoal({"cancel", "all", "--reason", "enough"}).exit.code, 0);
  EXPECT_EQ(lab_.Shoal({"wait", "line"}).exit.code, 3);
  const v1::ExplainResponse ended = Explain(runs[2].name());
  EXPECT_THAT(ended.summary(), AllOf(HasSubstr("CANCELLED"), HasSubstr("enough"),
                                     HasSubstr(StrCat("shoal retry ", runs[2].name()))));
  EXPECT_THAT(ended.workers(), IsEmpty());
  const v1::Run good = lab_.Launch({"--follow", "--set", "resources.backend=mock"});
  EXPECT_EQ(Explain("last").summary(), StrCat(good.name(), " has ended: SUCCEEDED"));
  EXPECT_EQ(lab_.Shoal({"explain", "line"}).exit.code, 2);  // one run is wanted
  EXPECT_EQ(lab_.Shoal({"explain", "nobody"}).exit.code, 2);
}

TEST_F(QueueTest, ADrainedWorkerFinishesAndIsGivenNothingUntilUndrained) {
  auto nora = StartWorkerBeside(lab_, "nora");
  ASSERT_NO_FATAL_FAILURE(WaitUntil("nora is there", [&] { return Workers().contains("nora"); }));
  const std::vector<v1::Run> runs = Sweep(1, 6, 25);
  const std::string hers = WaitUntilTraining("nora");
  const CapturedRun drain = lab_.Shoal({"workers", "drain", "nora"});
  EXPECT_EQ(drain.exit.code, 0) << drain.err;
  EXPECT_THAT(drain.out, AllOf(HasSubstr("nora  DRAINING: takes no new jobs; it finishes"),
                               HasSubstr("`shoal workers undrain nora`")));
  EXPECT_EQ(Workers()["nora"].state(), v1::WORKER_STATE_DRAINING);
  EXPECT_EQ(lab_.Shoal({"wait", "line"}).exit.code, 0);
  EXPECT_EQ(Finishers(runs), (std::map<std::string, int>{{"nora", 1}, {"local", 5}}));
  const v1::RunDetail finished = lab_.Show(hers);
  ASSERT_EQ(finished.attempts_size(), 1);
  EXPECT_EQ(finished.attempts(0).worker_name(), "nora");
  EXPECT_THAT(lab_.Shoal({"workers"}).out, ContainsRegex("nora +DRAINED +0/1"));

  // It outlives the worker's restart.
  nora->Stop();
  WaitUntil("nora is gone", [&] { return Workers()["nora"].state() == v1::WORKER_STATE_OFFLINE; });
  EXPECT_THAT(lab_.Shoal({"workers"}).out, HasSubstr("OFFLINE, drained"));
  nora = StartWorkerBeside(lab_, "nora");
  WaitUntil("nora is back", [&] { return Workers()["nora"].state() == v1::WORKER_STATE_DRAINING; });

  // With everyone drained, what is launched waits and says so.
  EXPECT_EQ(lab_.Shoal({"workers", "drain", "local"}).exit.code, 0);
  const std::vector<v1::Run> more = Sweep(11, 12, 25);
  EXPECT_THAT(Explain(more[0].name()).summary(), HasSubstr("no worker takes jobs"));
  const CapturedRun undrain = lab_.Shoal({"workers", "undrain", "nora"});
  EXPECT_THAT(undrain.out, HasSubstr("nora  READY: takes jobs again"));
  for (const v1::Run& run : more) lab_.WaitForSuccess(run.run_id());
  EXPECT_EQ(Finishers(more), (std::map<std::string, int>{{"nora", 2}}));
  const CapturedRun unknown = lab_.Shoal({"workers", "drain", "norra"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean nora?"));
}

TEST_F(QueueTest, AWorkerThatFallsSilentIsCalledSilentLongBeforeItsLeaseEnds) {
  const auto nora = StartWorkerBeside(lab_, "nora");
  const std::vector<v1::Run> runs = Sweep(1, 2, 1000);
  const std::string hers = WaitUntilTraining("nora");
  EXPECT_THAT(lab_.Shoal({"workers"}).out, ContainsRegex("nora +READY"));
  nora->LosePower();
  WaitUntil("nora is silent",
            [&] { return absl::StrContains(lab_.Shoal({"workers"}).out, "SILENT for 4"); });
  EXPECT_THAT(lab_.Shoal({"workers"}).out, ContainsRegex("local +READY"));
  EXPECT_THAT(lab_.Shoal({"workers", "--json"}).out, HasSubstr("\"silent\":[\"nora\"]"));
  const v1::ExplainResponse explained = Explain(hers);
  EXPECT_THAT(explained.summary(), ContainsRegex("worker nora has been silent for [45][0-9]s"));
  ASSERT_EQ(explained.workers_size(), 2);
  EXPECT_THAT(explained.workers(1).reason(), HasSubstr("has been silent for"));
  EXPECT_THAT(lab_.Shoal({"queue"}).out, HasSubstr("worker nora has been silent for"));
  EXPECT_EQ(lab_.Shoal({"cancel", "all"}).exit.code, 0);
}

TEST_F(QueueTest, AWorkerThatStopsHandsItsRunOver) {
  const auto nora = StartWorkerBeside(lab_, "nora");
  const std::vector<v1::Run> runs = Sweep(1, 2, 50);
  const std::string hers = WaitUntilTraining("nora");
  nora->Stop();
  EXPECT_EQ(lab_.Shoal({"wait", "line"}).exit.code, 0);
  const v1::RunDetail detail = lab_.Show(hers);
  ASSERT_EQ(detail.attempts_size(), 2);
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_EQ(detail.attempts(1).worker_name(), "local");
  EXPECT_GE(detail.attempts(1).resumed_from_step(), 5);
  EXPECT_EQ(Workers()["nora"].state(), v1::WORKER_STATE_OFFLINE);
}

TEST_F(QueueTest, AWorkerThatComesHalfWayTakesPart) {
  const std::vector<v1::Run> runs = Sweep(1, 6, 25);
  lab_.WaitForSuccess(runs[0].run_id());
  const auto nora = StartWorkerBeside(lab_, "nora");
  EXPECT_EQ(lab_.Shoal({"wait", "line"}).exit.code, 0);
  std::map<std::string, int> finishers = Finishers(runs);
  EXPECT_GE(finishers["local"], 2);
  EXPECT_GE(finishers["nora"], 1) << "who came half-way took no part";
  EXPECT_EQ(finishers["local"] + finishers["nora"], 6);
}

}  // namespace
}  // namespace shoal::e2e
