// Why a job is where it is, in words for a person: for `explain`, `queue`, and the one line beside
// a run that waits. Pure functions of a committed state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduler/state.h"

namespace shoal::scheduler {

// What one worker means for a job.
struct Verdict {
  std::string worker_name{};
  bool suitable = false;  // could run it when idle; also when it is not there at the moment
  std::string reason{};  // the requirement it does not meet, that it is away or drained, what holds
                         // its slots; empty: it would start there now, or runs there
};

struct Explanation {
  std::string summary{};           // a sentence
  std::vector<Verdict> workers{};  // by name
  std::vector<JobId> ahead{};      // jobs that are placed before it, in their order
};

// Empty when the job is not in memory (it has ended).
Explanation ExplainJob(const State& state, const JobId& job_id, absl::Time now);

// The summary alone, for less: the requirement that no present worker meets, the jobs ahead, the
// time it will be tried again, or where it runs.
std::string Explain(const State& state, const JobId& job_id, absl::Time now);

// One living job in a list of all.
struct QueueLine {
  JobId job_id{};
  std::string waits_for{};  // a sentence; empty while it runs undisturbed
  int32_t jobs_ahead = 0;   // that could be placed before it
};

// Running jobs, then those that wait in the order in which they would be placed, then paused ones.
// Cost: one step per living job.
std::vector<QueueLine> ListQueue(const State& state, absl::Time now);

}  // namespace shoal::scheduler
