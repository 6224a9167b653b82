#include "core/spec/job_state.h"

#include <algorithm>
#include <array>
#include <string>

#include "google/protobuf/descriptor.h"

namespace shoal::spec {
namespace {

struct JobMove {
  v1::JobState from, to;
};
constexpr std::array kJobMoves = {
    JobMove{v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING},
    JobMove{v1::JOB_STATE_QUEUED, v1::JOB_STATE_FAILED},
    JobMove{v1::JOB_STATE_QUEUED, v1::JOB_STATE_CANCELLED},
    JobMove{v1::JOB_STATE_QUEUED, v1::JOB_STATE_ABORTED},
    JobMove{v1::JOB_STATE_RUNNING, v1::JOB_STATE_QUEUED},
    JobMove{v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED},
    JobMove{v1::JOB_STATE_RUNNING, v1::JOB_STATE_FAILED},
    JobMove{v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLED},
    JobMove{v1::JOB_STATE_RUNNING, v1::JOB_STATE_ABORTED},
};

struct AttemptMove {
  v1::AttemptState from, to;
};
constexpr std::array kAttemptMoves = {
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_RUNNING},
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_SUCCEEDED},
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_FAILED},
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_CANCELLED},
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_PREEMPTED},
    AttemptMove{v1::ATTEMPT_STATE_LEASED, v1::ATTEMPT_STATE_LOST},
    AttemptMove{v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_SUCCEEDED},
    AttemptMove{v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_FAILED},
    AttemptMove{v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_CANCELLED},
    AttemptMove{v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_PREEMPTED},
    AttemptMove{v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_LOST},
};

// "JOB_STATE_QUEUED" without "JOB_STATE_"; the zero value's ending tells how long the prefix is.
std::string_view ShortName(const google::protobuf::EnumDescriptor& type, int number) {
  const std::string_view zero = type.FindValueByNumber(0)->name();
  const size_t prefix = zero.size() - std::string_view("UNSPECIFIED").size();
  const auto* value = type.FindValueByNumber(number);
  return std::string_view(value == nullptr ? zero : value->name()).substr(prefix);
}

template <typename Enum>
std::optional<Enum> ParseShortName(const google::protobuf::EnumDescriptor& type,
                                   std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number != 0 && ShortName(type, number) == upper) return static_cast<Enum>(number);
  }
  return std::nullopt;
}

}  // namespace

bool IsFinal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED || state == v1::JOB_STATE_ABORTED;
}

bool IsFinal(v1::AttemptState state) {
  return state == v1::ATTEMPT_STATE_SUCCEEDED || state == v1::ATTEMPT_STATE_FAILED ||
         state == v1::ATTEMPT_STATE_CANCELLED || state == v1::ATTEMPT_STATE_PREEMPTED ||
         state == v1::ATTEMPT_STATE_LOST;
}

bool CanBecome(v1::JobState from, v1::JobState to) {
  return std::any_of(kJobMoves.begin(), kJobMoves.end(),
                     [&](const JobMove& move) { return move.from == from && move.to == to; });
}

bool CanBecome(v1::AttemptState from, v1::AttemptState to) {
  return std::any_of(kAttemptMoves.begin(), kAttemptMoves.end(),
                     [&](const AttemptMove& move) { return move.from == from && move.to == to; });
}

std::string_view Name(v1::JobState state) { return ShortName(*v1::JobState_descriptor(), state); }
std::string_view Name(v1::AttemptState state) {
  return ShortName(*v1::AttemptState_descriptor(), state);
}
std::string_view Name(v1::FailureClass failure) {
  return ShortName(*v1::FailureClass_descriptor(), failure);
}
std::string_view Name(v1::JobKind kind) { return ShortName(*v1::JobKind_descriptor(), kind); }

std::optional<v1::JobState> ParseJobState(std::string_view name) {
  return ParseShortName<v1::JobState>(*v1::JobState_descriptor(), name);
}
std::optional<v1::AttemptState> ParseAttemptState(std::string_view name) {
  return ParseShortName<v1::AttemptState>(*v1::AttemptState_descriptor(), name);
}

bool WorthRetrying(v1::AttemptState state, v1::FailureClass failure, bool has_time_limit) {
  if (state == v1::ATTEMPT_STATE_LOST || state == v1::ATTEMPT_STATE_PREEMPTED) return true;
  if (state != v1::ATTEMPT_STATE_FAILED) return false;
  switch (failure) {
    case v1::FAILURE_CLASS_BACKEND_CRASH:
    case v1::FAILURE_CLASS_BACKEND_ERROR:
    case v1::FAILURE_CLASS_INFRASTRUCTURE:
      return true;
    case v1::FAILURE_CLASS_TIMED_OUT:
      return !has_time_limit;
    // The same would happen again. OUT_OF_MEMORY: placement knows only workers of the size that
    // failed, until it tracks sizes.
    default:
      return false;
  }
}

}  // namespace shoal::spec
