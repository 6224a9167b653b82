// Runs many seeds, or replays one.
//
//   simulation                  500 fixed seeds, then 100 fresh ones from a base that is printed
//   simulation --count N        N fixed seeds and N/5 fresh ones
//   simulation --base B         the "fresh" ones start from B
//   simulation --seed S         one seed, with its whole trace
//
// Exit status 1 when an invariant broke; the seed to replay is the last line.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "tests/simulation/simulation.h"

namespace {

using shoal::simulation::Outcome;
using shoal::simulation::Run;

int Replay(uint64_t seed) {
  const Outcome outcome = Run({.seed = seed, .keep_trace = true});
  for (const std::string& line : outcome.trace) std::cout << line << "\n";
  std::cout << "seed " << seed << ": " << outcome.actions << " actions, trace hash " << std::hex
            << outcome.trace_hash << std::dec << "\n"
            << (outcome.violation.empty() ? "every invariant held" : "BROKEN " + outcome.violation)
            << "\n";
  return outcome.violation.empty() ? 0 : 1;
}

bool RunSeeds(uint64_t first, uint64_t count, Outcome& sum) {
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Outcome outcome = Run({.seed = seed});
    sum.actions += outcome.actions;
    sum.commits += outcome.commits;
    sum.coordinator_starts += outcome.coordinator_starts;
    sum.attempts += outcome.attempts;
    sum.lost += outcome.lost;
    sum.refused += outcome.refused;
    sum.succeeded += outcome.succeeded;
    sum.failed += outcome.failed;
    sum.cancelled += outcome.cancelled;
    sum.paused += outcome.paused;
    sum.retried += outcome.retried;
    sum.drained += outcome.drained;
    if (outcome.violation.empty()) continue;
    std::cout << "BROKEN " << outcome.violation << "\nreplay it with: simulation --seed " << seed
              << std::endl;
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t count = 500;
  uint64_t base = static_cast<uint64_t>(absl::ToUnixMicros(shoal::SystemClock().Now()));
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--seed") return Replay(value);
    if (flag == "--count") count = value;
    if (flag == "--base") base = value;
  }
  std::cout << "fixed seeds 1.." << count << ", fresh seeds from --base " << base << std::endl;
  Outcome sum;
  if (!RunSeeds(1, count, sum) || !RunSeeds(base, count / 5, sum)) return 1;
  std::cout << count + count / 5 << " seeds held: " << sum.actions << " actions, " << sum.commits
            << " commits, " << sum.coordinator_starts << " coordinator starts, " << sum.attempts
            << " attempts (" << sum.lost << " lost), " << sum.refused
            << " stale reports refused; jobs: " << sum.succeeded << " succeeded, " << sum.failed
            << " failed, " << sum.cancelled << " cancelled; " << sum.paused << " pauses, "
            << sum.retried << " retries, " << sum.drained << " drains\n";
  return 0;
}
