// A lab of several machines, played by processes of one: a coordinator that listens, workers that
// join it, and a command line that talks to it, over TLS with the key of the join file.
#include <sys/stat.h>

#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/machine.h"
#include "tests/e2e/processes.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

class NetworkE2eTest : public testing::Test {
 protected:
  // As from another machine.
  CapturedRun Remote(const Machine& coordinator, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--lab", coordinator.JoinFile()});
    return here_.Shoal(std::move(arguments));
  }
  google::protobuf::Struct RemoteJson(const Machine& coordinator,
                                      std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--lab", coordinator.JoinFile()});
    return here_.Json(std::move(arguments));
  }
  std::vector<v1::Run> Runs(const Machine& coordinator) {
    return Members<v1::Run>(RemoteJson(coordinator, {"list"}), "runs");
  }
  // Waits until `name` trains something that has come to step 5 at least.
  void WaitUntilTraining(const Machine& coordinator, const std::string& name) {
    const SystemClock clock;
    const absl::Duration deadline = clock.Boottime() + kSafetyNet;
    while (clock.Boottime() < deadline) {
      for (const v1::Run& run : Runs(coordinator)) {
        if (run.status() != v1::RUN_STATUS_RUNNING || run.step() < 5) continue;
        for (const v1::Attempt& attempt : Attempts(coordinator, run.run_id())) {
          if (attempt.worker_name() == name && attempt.state() == v1::ATTEMPT_STATE_RUNNING) return;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL() << name << " never trained";
  }
  std::vector<v1::Attempt> Attempts(const Machine& coordinator, const std::string& run) {
    const auto detail = Member<v1::RunDetail>(RemoteJson(coordinator, {"show", run}), "detail");
    return {detail.attempts().begin(), detail.attempts().end()};
  }

  LabDriver here_;  // where the command line runs; has no lab of its own
};

TEST_F(NetworkE2eTest, ASweepOverMachinesThatComeAndGoLosesNothing) {
  const auto coordinator = StartCoordinator();
  const auto nora = StartWorker(*coordinator, "nora");
  const auto ole = StartWorker(*coordinator, "ole");
  std::vector<std::string> sweep = {"sweep", "tiny", "--vary", "seed=1,2,3,4,5,6"};
  for (const std::string& setting : TinySettings()) sweep.push_back(setting);
  for (const std::string& setting : Sets({"train.steps=200"})) sweep.push_back(setting);
  const CapturedRun submitted = Remote(*coordinator, sweep);
  ASSERT_EQ(submitted.exit.code, 0) << submitted.err;

  WaitUntilTraining(*coordinator, "nora");
  nora->LosePower();
  const auto mia = StartWorker(*coordinator, "mia");
  for (const v1::Run& run : Runs(*coordinator)) {
    const CapturedRun wait = Remote(*coordinator, {"wait", run.run_id()});
    EXPECT_EQ(wait.exit.code, 0) << wait.out << wait.err;
  }
  const std::vector<v1::Run> runs = Runs(*coordinator);
  ASSERT_EQ(runs.size(), 6u);
  std::map<std::string, int> succeeded;
  int lost = 0;
  for (const v1::Run& run : runs) {
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
    EXPECT_EQ(run.step(), 200) << run.name();
    for (const v1::Attempt& attempt : Attempts(*coordinator, run.run_id())) {
      if (attempt.state() == v1::ATTEMPT_STATE_SUCCEEDED) ++succeeded[attempt.worker_name()];
      if (attempt.state() == v1::ATTEMPT_STATE_LOST) ++lost;
    }
  }
  EXPECT_GE(lost, 1);
  EXPECT_GE(succeeded["ole"], 1);
  EXPECT_GE(succeeded["mia"], 1) << "who came half-way took no part";
  const CapturedRun doctor = Remote(*coordinator, {"doctor"});
  EXPECT_EQ(doctor.exit.code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, AllOf(ContainsRegex("ok +certificate +[0-9a-f]{16}, good until"),
                                ContainsRegex("ok +clock"), HasSubstr(AddressOf(*coordinator))));
}

TEST_F(NetworkE2eTest, AWorkerOutlivesTheCoordinatorsRestart) {
  auto coordinator = StartCoordinator();
  const auto worker = StartWorker(*coordinator, "nora");
  worker->WaitFor("worker registered");
  const std::string address = AddressOf(*coordinator);
  coordinator->LosePower();
  worker->WaitFor("coordinator is away");
  const Machine again("again", {"coordinator", "--listen", address, "--lease", "2s"},
                      coordinator->dir());
  worker->WaitFor("coordinator is back");
  EXPECT_EQ(Remote(*coordinator, {"list"}).exit.code, 0);
}

TEST_F(NetworkE2eTest, ARotatedKeyShutsTheOldOnesOut) {
  const auto coordinator = StartCoordinator();
  const std::string old = here_.data_dir() + "/old.join";
  RealFileSystem files;
  ASSERT_OK(files.LinkOrCopy(coordinator->JoinFile(), old));
  const auto worker = StartWorker(*coordinator, "nora");
  worker->WaitFor("worker registered");
  const CapturedRun rotate =
      here_.Shoal({"--data-dir", coordinator->dir(), "coordinator", "join-file", "--rotate"});
  EXPECT_EQ(rotate.exit.code, 0) << rotate.err;
  EXPECT_EQ(rotate.out, coordinator->JoinFile() + "\n");
  EXPECT_EQ(worker->WaitForExit(), 5);
  EXPECT_THAT(worker->Output(), ContainsRegex("shoal: the lab at .* does not accept the key of"));
  const CapturedRun refused = here_.Shoal({"--lab", old, "list"});
  EXPECT_EQ(refused.exit.code, 5);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(old), HasSubstr("join-file")));
  EXPECT_EQ(Remote(*coordinator, {"list"}).exit.code, 0);
  EXPECT_THAT(coordinator->Output(), HasSubstr("call refused"));
}

TEST_F(NetworkE2eTest, AWorkerForAnotherLabSaysSoAndStops) {
  const auto coordinator = StartCoordinator();
  const auto other = StartCoordinator();
  // The other lab's certificate and key at this one's address, as after a lab was made anew.
  std::string text = *RealFileSystem().ReadFile(other->JoinFile());
  const std::string from = AddressOf(*other);
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
    text.replace(at, from.size(), AddressOf(*coordinator));
  }
  const std::string path = here_.data_dir() + "/wrong.join";
  ASSERT_OK(RealFileSystem().WriteFileAtomic(path, text));
  Machine open_file("open", {"worker", "--join", path});
  EXPECT_EQ(open_file.WaitForExit(), 5);
  EXPECT_THAT(open_file.Output(), HasSubstr("chmod o-rwx"));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  Machine worker("wrong", {"worker", "--join", path});
  EXPECT_EQ(worker.WaitForExit(), 5);
  EXPECT_THAT(worker.Output(), HasSubstr("its certificate is another"));
  const CapturedRun list = here_.Shoal({"--lab", path, "list"});
  EXPECT_EQ(list.exit.code, 5);
  EXPECT_THAT(list.err, HasSubstr("its certificate is another"));
}

TEST_F(NetworkE2eTest, ALabNobodyAnswersForIsInfrastructure) {
  std::string join;
  {
    const auto coordinator = StartCoordinator();
    join = here_.data_dir() + "/gone.join";
    ASSERT_OK(RealFileSystem().LinkOrCopy(coordinator->JoinFile(), join));
  }
  const CapturedRun away = here_.Shoal({"--lab", join, "list"});
  EXPECT_EQ(away.exit.code, 4);
  EXPECT_THAT(away.err, AllOf(HasSubstr("127.0.0.1:"), HasSubstr("does not answer")));
  EXPECT_EQ(here_.Shoal({"--lab", join, "doctor"}).exit.code, 4);
}

TEST_F(NetworkE2eTest, WhatCannotBeListenedOnIsToldInOneLine) {
  const auto first = StartCoordinator();
  const std::string address = AddressOf(*first);
  const auto run = [&](std::vector<std::string> arguments) {
    return here_.Shoal(std::move(arguments));
  };
  const CapturedRun taken = run({"coordinator", "--listen", address});
  EXPECT_EQ(taken.exit.code, 4);
  EXPECT_THAT(taken.err, ContainsRegex("shoal: port [0-9]+ is in use: .*name another port"));
  const CapturedRun up = run({"up", "--listen", address});
  EXPECT_EQ(up.exit.code, 4);
  EXPECT_THAT(up.err, testing::MatchesRegex("shoal: port [0-9]+ is in use: [^\n]*\n"));
  const CapturedRun foreign = run({"coordinator", "--listen", "203.0.113.7:7411"});
  EXPECT_EQ(foreign.exit.code, 4);
  EXPECT_THAT(foreign.err, HasSubstr("no address of this machine"));
  const CapturedRun locked =
      run({"--data-dir", first->dir(), "coordinator", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(locked.exit.code, 5);
  EXPECT_THAT(locked.err, AllOf(HasSubstr("in use by the coordinator with pid"),
                                HasSubstr("another data folder")));
  EXPECT_EQ(run({"coordinator", "--listen", "7411"}).exit.code, 2);
  EXPECT_EQ(run({"worker", "--connect", "127.0.0.1:7411"}).exit.code, 2);
  EXPECT_EQ(run({"--lab", "127.0.0.1:7411", "list"}).exit.code, 2);
}

TEST_F(NetworkE2eTest, AnEmbeddedLabOpensToOtherMachines) {
  LabDriver lab;
  const CapturedRun up = lab.Shoal({"up", "--listen", "127.0.0.1:0", "--slots", "1"});
  ASSERT_EQ(up.exit.code, 0) << up.err;
  const std::string join = lab.data_dir() + "/lab.join";
  EXPECT_THAT(up.out, AllOf(HasSubstr(join), HasSubstr("shoal worker --join lab.join")));
  EXPECT_EQ(here_.Shoal({"--lab", join, "list"}).exit.code, 0);
  const auto reply = lab.Json({"up", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(reply.fields().at("join_file").string_value(), join);
  const CapturedRun elsewhere = lab.Shoal({"up", "--listen", "127.0.0.1:1"});
  EXPECT_EQ(elsewhere.exit.code, 5);
  EXPECT_THAT(elsewhere.err, HasSubstr("listens as 127.0.0.1:"));
}

TEST_F(NetworkE2eTest, AKilledLabStartsAgainAsItWas) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--listen", "127.0.0.1:0", "--slots", "3"}).exit.code, 0);
  const std::string join = lab.data_dir() + "/lab.join";
  const pid_t up = lab.UpPid(), worker = lab.WorkerPid();
  ASSERT_EQ(kill(up, SIGKILL), 0);
  ASSERT_EQ(kill(worker, SIGKILL), 0);
  const CapturedRun away = here_.Shoal({"--lab", join, "list"});
  EXPECT_EQ(away.exit.code, 4) << away.err;
  ASSERT_EQ(lab.Shoal({"list"}).exit.code, 0);  // starts it
  EXPECT_NE(lab.UpPid(), up);
  EXPECT_EQ(here_.Shoal({"--lab", join, "list"}).exit.code, 0);  // on the port it had
  EXPECT_THAT(lab.Shoal({"up"}).out, HasSubstr("0 of 3 slots"));

  ASSERT_EQ(lab.Shoal({"down"}).exit.code, 0);  // and forgets
  ASSERT_EQ(lab.Shoal({"up", "--slots", "1"}).exit.code, 0);
  EXPECT_EQ(here_.Shoal({"--lab", join, "list"}).exit.code, 4);
}

TEST_F(NetworkE2eTest, ALabThatDoesNotListenSaysSo) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--slots", "1"}).exit.code, 0);
  const CapturedRun up = lab.Shoal({"up", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(up.exit.code, 5);
  EXPECT_THAT(up.err, AllOf(HasSubstr("runs already"), HasSubstr("shoal down")));
  const CapturedRun none = lab.Shoal({"coordinator", "join-file"});
  EXPECT_EQ(none.exit.code, 5);
  EXPECT_THAT(none.err, HasSubstr("--listen"));
}

}  // namespace
}  // namespace shoal::e2e
