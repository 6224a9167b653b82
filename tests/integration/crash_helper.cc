// Dies in the middle: crash_helper DATA_DIR SEED COMMIT before|after. Does random things, prints
// each acknowledged one, and leaves without a word (_exit) before or after its COMMITth commit.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/integration/loop_driver.h"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  const int fatal = std::atoi(argv[3]);
  const bool before = std::string(argv[4]) == "before";
  std::atomic<int> commits = 0;
  shoal::store::Database::CommitProbe probe;
  probe.before = [&] {
    if (++commits == fatal && before) _exit(9);
    return absl::OkStatus();
  };
  probe.after = [&] {
    if (commits == fatal && !before) _exit(9);
  };
  auto driver = shoal::LoopDriver::Open(argv[1], seed, probe);
  if (!driver.ok()) {
    std::fprintf(stderr, "%s\n", driver.status().ToString().c_str());
    return 3;
  }
  for (int i = 0; i < 10000; ++i) {
    const std::string line = (*driver)->RandomStep();
    if (line.empty()) continue;
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }
  return 4;  // it should not have lived this long
}
