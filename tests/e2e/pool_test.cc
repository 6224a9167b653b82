// A pool: a coordinator that listens, three workers that joined it, one of which loses power.

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/machine.h"
#include "tests/e2e/processes.h"

namespace shoal::e2e {
namespace {

constexpr int kCells = 12;

class PoolTest : public testing::Test {
 protected:
  google::protobuf::Struct Remote(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--lab", coordinator_->JoinFile()});
    return here_.Json(std::move(arguments));
  }
  std::vector<v1::Run> Runs() {
    return Members<v1::Run>(Remote({"list", "--sweep", "pool", "--limit", "100"}), "runs");
  }
  std::vector<v1::Attempt> AttemptsOf(const std::string& run) {
    const auto detail = Member<v1::RunDetail>(Remote({"show", run}), "detail");
    return {detail.attempts().begin(), detail.attempts().end()};
  }
  // Until `worker` trains a run that has reported `step`; that run's id.
  std::string WaitUntilTraining(const std::string& worker, int64_t step) {
    const SystemClock clock;
    const absl::Duration deadline = clock.Boottime() + kSafetyNet;
    while (clock.Boottime() < deadline) {
      for (const v1::Run& run : Runs()) {
        if (run.status() != v1::RUN_STATUS_RUNNING || run.step() < step) continue;
        const std::vector<v1::Attempt> attempts = AttemptsOf(run.run_id());
        if (!attempts.empty() && attempts.back().worker_name() == worker &&
            attempts.back().state() == v1::ATTEMPT_STATE_RUNNING) {
          return run.run_id();
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << worker << " never trained";
    return "";
  }

  LabDriver here_;  // where the command line runs; has no lab of its own
  std::unique_ptr<Machine> coordinator_ = StartCoordinator();
};

TEST_F(PoolTest, ASweepOutlivesAWorkerThatLosesPower) {
  std::map<std::string, std::unique_ptr<Machine>> workers;
  for (const std::string name : {"ada", "bo", "cy"})
    workers[name] = StartWorker(*coordinator_, name);
  for (const auto& [name, worker] : workers)
    ASSERT_NO_FATAL_FAILURE(worker->WaitFor("worker registered"));

  // Real training, so that a run that goes on elsewhere needs what its checkpoint holds.
  std::vector<std::string> sweep = {"sweep",  "tiny",         "--name", "pool",
                                    "--vary", "seed=1,2,3,4", "--vary", "train.batch.size=8,16,32"};
  for (const std::string& setting : TinySettings()) sweep.push_back(setting);
  for (const std::string& setting :
       Sets({"train.steps=400", "evaluate.every=200", "checkpoint.every=50"})) {
    sweep.push_back(setting);
  }
  const auto submitted = Members<v1::Run>(Remote(sweep), "runs");
  ASSERT_EQ(submitted.size(), static_cast<size_t>(kCells));

  const std::string victim = WaitUntilTraining("bo", 100);
  ASSERT_FALSE(victim.empty());
  workers["bo"]->LosePower();
  EXPECT_EQ(here_.Shoal({"--lab", coordinator_->JoinFile(), "wait", "pool"}).exit.code, 0);

  const std::vector<v1::Run> runs = Runs();
  ASSERT_EQ(runs.size(), static_cast<size_t>(kCells)) << "cells lost or doubled";
  std::set<int> places;
  std::set<std::string> digests;
  std::map<std::string, int> succeeded;
  int lost = 0;
  for (const v1::Run& run : runs) {
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
    EXPECT_EQ(run.step(), 400) << run.name();
    places.insert(run.trial_index());
    digests.insert(run.request_digest());
    const std::vector<v1::Attempt> attempts = AttemptsOf(run.run_id());
    for (size_t i = 0; i < attempts.size(); ++i) {
      const bool last = i + 1 == attempts.size();
      EXPECT_EQ(attempts[i].attempt_number(), static_cast<int>(i) + 1);
      EXPECT_EQ(attempts[i].state(), last ? v1::ATTEMPT_STATE_SUCCEEDED : v1::ATTEMPT_STATE_LOST)
          << attempts[i].ShortDebugString();
      if (last) {
        ++succeeded[attempts[i].worker_name()];
      } else {
        ++lost;
        EXPECT_EQ(attempts[i].worker_name(), "bo");
      }
    }
  }
  EXPECT_EQ(places.size(), static_cast<size_t>(kCells));
  EXPECT_EQ(*places.rbegin(), kCells - 1);
  EXPECT_EQ(digests.size(), static_cast<size_t>(kCells));
  EXPECT_EQ(lost, 1);
  EXPECT_GE(succeeded["ada"], 2);
  EXPECT_GE(succeeded["cy"], 2);

  const std::vector<v1::Attempt> attempts = AttemptsOf(victim);
  ASSERT_EQ(attempts.size(), 2u);
  EXPECT_EQ(attempts[0].state(), v1::ATTEMPT_STATE_LOST);
  EXPECT_NE(attempts[1].worker_name(), "bo");
  EXPECT_GE(attempts[1].resumed_from_step(), 50) << "its checkpoint was not used";
  EXPECT_LT(attempts[1].resumed_from_step(), 400);
  // What was waited for in the silence of the lost worker is no work.
  const v1::Run healed = Member<v1::Run>(Remote({"show", victim}), "run");
  const auto micros = [](const google::protobuf::Timestamp& time) {
    return time.seconds() * 1'000'000 + time.nanos() / 1000;
  };
  const double wall =
      1e-6 * static_cast<double>(micros(healed.finished_at()) - micros(healed.started_at()));
  EXPECT_GT(healed.compute_seconds(), 0);
  EXPECT_LT(healed.compute_seconds(), wall - 1);
  const v1::MetricSummary& speed = healed.metrics().at("train/tokens_per_s");
  EXPECT_GE(speed.mean(), speed.min());
  EXPECT_LE(speed.mean(), speed.max());
  // The curve has each point once, whoever reported it.
  const auto curves = Remote({"plot", victim, "--metric", "train/loss"});
  const auto series = Member<v1::SeriesPoints>(
      curves.fields().at("curves").list_value().values(0).struct_value(), "series");
  ASSERT_EQ(series.points_size(), 80);
  for (int i = 0; i < 80; ++i) EXPECT_EQ(series.points(i).step(), 5 * (i + 1));
}

}  // namespace
}  // namespace shoal::e2e
