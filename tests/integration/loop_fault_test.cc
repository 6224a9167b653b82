// What the coordinator promises when things go wrong: memory equals the database, and nothing
// acknowledged is lost.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <sstream>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/base/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/loop_driver.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using LoopFaultTest = TempDirTest;

TEST_F(LoopFaultTest, MemoryIsWhatTheDatabaseSaysAfterEveryStep) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    ASSERT_OK_AND_ASSIGN(auto driver, LoopDriver::Open(Path(StrCat("lab", seed)), seed));
    for (int i = 0; i < 150; ++i) {
      driver->RandomStep();
      ASSERT_EQ(driver->MemoryVersusDatabase(), "") << "seed " << seed << " step " << i;
    }
  }
}

TEST_F(LoopFaultTest, AFailedCommitChangesNothingAndTheNextOneGoesOn) {
  bool full = false;
  store::Database::CommitProbe probe;
  probe.before = [&] {
    return full ? absl::ResourceExhaustedError("no space left on device") : absl::OkStatus();
  };
  ASSERT_OK_AND_ASSIGN(auto driver, LoopDriver::Open(Path("lab"), 11, probe));
  std::map<std::string, int64_t> points;  // "JOB ATTEMPT" -> acknowledged
  int failed = 0;
  for (int i = 0; i < 400; ++i) {
    full = i % 10 >= 7;
    const std::string line = driver->RandomStep();
    if (absl::IsResourceExhausted(driver->last_error())) ++failed;
    std::istringstream words(line);
    std::string kind, job, attempt;
    int64_t sequence = 0, count = 0;
    if (words >> kind >> job >> attempt >> sequence >> count) points[job + " " + attempt] += count;
    ASSERT_EQ(driver->MemoryVersusDatabase(), "") << "step " << i;
  }
  EXPECT_GT(failed, 10);
  ASSERT_FALSE(points.empty());
  driver->Look([&](const loop::View& view) {
    for (const auto& [key, count] : points) {
      const size_t space = key.find(' ');
      EXPECT_THAT(RecordedPoints(view.db, key.substr(0, space), std::stoi(key.substr(space))),
                  IsOkAndHolds(count));
    }
  });
}

TEST_F(LoopFaultTest, AFullDiskIsTriedAgainAfterAPauseNotAllTheTime) {
  std::atomic<bool> full = false;
  std::atomic<int> tries = 0;
  store::Database::CommitProbe probe;
  probe.before = [&] {
    if (!full) return absl::OkStatus();
    ++tries;
    return absl::ResourceExhaustedError("no space left on device");
  };
  ASSERT_OK_AND_ASSIGN(auto driver, LoopDriver::Open(Path("lab"), 11, probe));
  for (int i = 0; i < 60; ++i) driver->RandomStep();
  const auto seen = [&] {  // after the loop has gone round often enough to have tried again
    for (int i = 0; i < 50; ++i) {
      driver->Look([](const loop::View&) {});
      absl::SleepFor(absl::Milliseconds(2));
    }
    return tries.load();
  };
  full = true;
  driver->Advance(absl::Seconds(30));  // every lease has run out
  EXPECT_EQ(seen(), 1);
  driver->Advance(absl::Seconds(2));
  EXPECT_EQ(seen(), 2);
  full = false;
  driver->Advance(absl::Seconds(2));
  driver->RandomStep();
  EXPECT_EQ(driver->MemoryVersusDatabase(), "");
  EXPECT_EQ(seen(), 2);
}

// Starts the helper, which dies at a commit, and returns what it had acknowledged.
std::vector<std::string> DieAt(const std::string& data_dir, int seed, int commit,
                               const std::string& when, const std::string& out_path) {
  const int out = open(out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  SubprocessOptions options;
  options.args = {BuildPath("bin/coordinator_crash_helper"), data_dir, StrCat(seed), StrCat(commit),
                  when};
  options.descriptors = {{out, 1}};
  absl::StatusOr<Subprocess> child = Subprocess::Start(options);
  close(out);
  EXPECT_OK(child);
  std::vector<std::string> lines;
  if (!child.ok()) return lines;
  const std::optional<ExitStatus> end = child->Wait(absl::Seconds(50));
  EXPECT_TRUE(end.has_value() && end->code == 9) << (end ? end->ToString() : "still alive");
  RealFileSystem files;
  const absl::StatusOr<std::string> text = files.ReadFile(out_path);
  EXPECT_OK(text);
  std::istringstream stream(text.value_or(""));
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(LoopFaultTest, NothingAcknowledgedIsLostWhereverTheProcessDies) {
  for (int commit : {1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144}) {
    for (const std::string when : {"before", "after"}) {
      const std::string lab = Path(StrCat("lab", commit, when));
      const std::vector<std::string> lines = DieAt(lab, commit, commit, when, Path("out"));
      ASSERT_OK_AND_ASSIGN(auto driver, LoopDriver::Open(lab, 1));
      EXPECT_EQ(driver->MemoryVersusDatabase(), "");
      std::map<std::string, int64_t> points;
      for (const std::string& line : lines) {
        std::istringstream words(line);
        std::string kind, name, attempt;
        int64_t sequence = 0, count = 0;
        words >> kind >> name;
        if (kind == "run") {
          EXPECT_OK(driver->loop().runs().ResolveOne(name));
        } else if (words >> attempt >> sequence >> count) {
          points[name + " " + attempt] += count;
        }
      }
      driver->Look([&](const loop::View& view) {
        for (const auto& [key, count] : points) {
          const size_t space = key.find(' ');
          const auto recorded =
              RecordedPoints(view.db, key.substr(0, space), std::stoi(key.substr(space)));
          ASSERT_OK(recorded);
          // The last report may have been committed and never answered: at most one more of them.
          EXPECT_GE(*recorded, count) << key << " lost acknowledged points";
          EXPECT_LE(*recorded, count + 700) << key << " has points twice";
        }
      });
      for (int i = 0; i < 20; ++i) driver->RandomStep();
      EXPECT_EQ(driver->MemoryVersusDatabase(), "");
    }
  }
}

}  // namespace
}  // namespace shoal
