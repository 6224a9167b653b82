// A sweep's cells are what its spec says, whoever trains them and whatever dies meanwhile.

#include <chrono>
#include <cstring>
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

using google::protobuf::Struct;

// The tensors of a checkpoint: what follows the header, which names the run that wrote it.
std::string Tensors(const LabDriver& lab, const std::string& sha256) {
  RealFileSystem files;
  const absl::StatusOr<std::string> file = files.ReadFile(
      StrCat(lab.data_dir(), "/artifacts/", sha256.substr(0, 2), "/", sha256.substr(2)));
  EXPECT_TRUE(file.ok()) << file.status();
  if (!file.ok() || file->size() < 8) return "";
  uint64_t header_size = 0;
  std::memcpy(&header_size, file->data(), 8);
  return file->substr(8 + std::min<size_t>(header_size, file->size() - 8));
}

struct Cell {
  std::string digest, weights;
  friend bool operator==(const Cell&, const Cell&) = default;
};

// Trains the same sweep in a lab of its own, with `workers` workers of one slot each.
std::map<std::string, Cell> TrainWith(int workers, std::set<std::string>& used) {
  LabDriver lab;
  EXPECT_EQ(lab.Shoal({"up", "--slots", "1"}).exit.code, 0);
  std::vector<std::unique_ptr<Machine>> more;
  for (int i = 1; i < workers; ++i) more.push_back(StartWorkerBeside(lab, StrCat("worker", i)));
  std::vector<std::string> arguments = {
      "sweep",     "tiny", "--vary",  "train.optimizer.lr=1e-4..1e-2:log",
      "--trials",  "3",    "--seed",  "5",
      "--repeats", "2",    "--follow"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  std::map<std::string, Cell> cells;
  for (const v1::Run& run : Members<v1::Run>(lab.Json(arguments), "runs")) {
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
    const v1::RunDetail detail = lab.Show(run.run_id());
    Cell& cell = cells[run.name()];
    cell.digest = run.request_digest();
    for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
      if (checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS)
        cell.weights = Tensors(lab, checkpoint.artifact().sha256());
    }
    EXPECT_FALSE(cell.weights.empty());
    for (const v1::Attempt& attempt : detail.attempts()) used.insert(attempt.worker_name());
  }
  return cells;
}

TEST(SweepRecovery, OneWorkerAndThreeTrainTheSameRuns) {
  std::set<std::string> one, three;
  const std::map<std::string, Cell> alone = TrainWith(1, one);
  const std::map<std::string, Cell> together = TrainWith(3, three);
  ASSERT_EQ(alone.size(), 6u);
  EXPECT_EQ(one.size(), 1u);
  EXPECT_GT(three.size(), 1u);
  ASSERT_EQ(together.size(), 6u);
  for (const auto& [name, cell] : alone) {
    const auto same = together.find(name);
    ASSERT_NE(same, together.end()) << name;
    EXPECT_EQ(cell.digest, same->second.digest) << name;
    EXPECT_TRUE(cell.weights == same->second.weights) << name << ": the weights differ";
  }
}

TEST(SweepRecovery, NoCellIsLostOrDoubledWhateverIsKilled) {
  constexpr int kCells = 200;
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--slots", "4"}).exit.code, 0);
  std::vector<std::string> arguments = {"sweep",      "tiny",   "--vary",
                                        "seed=1..50", "--vary", "train.batch.size=8,16,32,64"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  for (const std::string& setting :
       Sets({"resources.backend=mock", "resources.backend_options=step_ms=2", "train.steps=20",
             "evaluate.max_examples=5", "resources.max_attempts=20"})) {
    arguments.push_back(setting);
  }
  const Struct reply = lab.Json(arguments);
  const std::string sweep = Member<v1::Sweep>(reply, "sweep").sweep_id();
  ASSERT_EQ(Members<v1::Run>(reply, "runs").size(), static_cast<size_t>(kCells));

  // Something dies each time a part of the cells is done; `list` starts the lab again.
  const SystemClock clock;
  const absl::Duration deadline = clock.Boottime() + kSafetyNet;
  const auto done = [&] {
    return static_cast<int>(lab.Json({"list", "--sweep", sweep, "--status", "succeeded"})
                                .fields()
                                .at("total")
                                .number_value());
  };
  int kills = 0;
  for (const int after : {10, 30, 50, 80, 110, 150}) {
    while (done() < after && clock.Boottime() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const pid_t victim = kills % 3 == 0   ? lab.WorkerPid()
                         : kills % 3 == 1 ? lab.UpPid()
                                          : lab.BusiestRunnerPid();
    if (victim > 0 && KillNow(victim)) ++kills;
  }
  EXPECT_GE(kills, 4);
  EXPECT_EQ(lab.Shoal({"wait", sweep}).exit.code, 0);

  const Struct all = lab.Json({"list", "--sweep", sweep, "--limit", "1000"});
  std::set<int> places;
  std::set<std::string> names, digests;
  for (const v1::Run& run : Members<v1::Run>(all, "runs")) {
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
    EXPECT_TRUE(places.insert(run.trial_index()).second) << run.trial_index() << " is doubled";
    names.insert(run.name());
    digests.insert(run.request_digest());
  }
  EXPECT_EQ(places.size(), static_cast<size_t>(kCells));
  EXPECT_EQ(*places.begin(), 0);
  EXPECT_EQ(*places.rbegin(), kCells - 1);
  EXPECT_EQ(names.size(), static_cast<size_t>(kCells));
  EXPECT_EQ(digests.size(), static_cast<size_t>(kCells));
  EXPECT_EQ(all.fields().at("total").number_value(), kCells);
}

}  // namespace
}  // namespace shoal::e2e
