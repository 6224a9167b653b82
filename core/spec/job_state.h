// The legal transitions of jobs and attempts, as tables; whoever moves a state asks here first.
//
//   job       QUEUED ----------> RUNNING ------> SUCCEEDED
//              |  ^                 | |--------> FAILED
//              |  '--- retried -----' |          (LOST, PREEMPTED, or a failure worth another try)
//              |                      |
//              |----------------------+--------> CANCELLED   a user asked for it
//              |----------------------+--------> ABORTED     something it depends on failed
//              '-------------------------------> FAILED      it can never be placed
//
//   attempt   LEASED --> RUNNING --> SUCCEEDED | FAILED | CANCELLED | PREEMPTED | LOST
//               |                        ^
//               '------------------------'  (each final state also straight from LEASED: a report
//                                            of RUNNING may be lost, its end is not)
//
// Final states never change by themselves; a person's retry makes a FAILED, CANCELLED or ABORTED
// job QUEUED again (coordinator/scheduler). Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "shoal/v1/job.pb.h"

namespace shoal::spec {

bool IsFinal(v1::JobState state);
bool IsFinal(v1::AttemptState state);

// Whether `from` may become `to`. Staying in the same state is not a transition.
bool CanBecome(v1::JobState from, v1::JobState to);
bool CanBecome(v1::AttemptState from, v1::AttemptState to);

// "QUEUED", "BACKEND_CRASH", "TRAIN": the enum's name without its prefix; "UNSPECIFIED" for 0 and
// for numbers that a newer version sent.
std::string_view Name(v1::JobState state);
std::string_view Name(v1::AttemptState state);
std::string_view Name(v1::FailureClass failure);
std::string_view Name(v1::JobKind kind);

// The inverse of Name, in any case of letters.
std::optional<v1::JobState> ParseJobState(std::string_view name);
std::optional<v1::AttemptState> ParseAttemptState(std::string_view name);

// Whether a job whose attempt ended like this is worth another try (the job's tries permitting).
bool WorthRetrying(v1::AttemptState state, v1::FailureClass failure, bool has_time_limit);

}  // namespace shoal::spec
