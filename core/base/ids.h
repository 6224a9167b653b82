// Names of things that live as long as the lab: run-0dz4kq1m8t3v9c5h2n7w. A word says the kind,
// then 20 characters of Crockford's base32 in lower case (no i, l, o, u): 9 of time in
// milliseconds, 11 random. Ids of one kind therefore sort by the time they were made, can be made
// anywhere without asking the coordinator, and are safe in file names, URLs and shells. A RunId is
// not a JobId: mixing them does not compile.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"

namespace shoal {
namespace id_internal {
std::string Make(std::string_view kind, absl::Time time, uint64_t random);
absl::Status Validate(std::string_view kind, std::string_view text);
uint64_t SystemRandom();
absl::Time TimeOf(std::string_view kind, std::string_view text);
}  // namespace id_internal

// `Kind::kName` is the word before the dash. A value type; a default-constructed id is empty and
// names nothing.
template <typename Kind>
class Id {
 public:
  Id() = default;

  // A new id of this moment, from the system's random source.
  static Id New(const Clock& clock) { return Make(clock.Now(), id_internal::SystemRandom()); }

  // The id of given parts: a pure function, for code that must be repeatable. Uses milliseconds of
  // `time` since 1970 (45 bits) and the low 55 bits of `random`.
  static Id Make(absl::Time time, uint64_t random) {
    return Id(id_internal::Make(Kind::kName, time, random));
  }

  // Errors: InvalidArgument, naming the text and what was expected.
  static absl::StatusOr<Id> Parse(std::string_view text) {
    absl::Status status = id_internal::Validate(Kind::kName, text);
    if (!status.ok()) return status;
    return Id(std::string(text));
  }

  bool empty() const { return text_.empty(); }
  const std::string& str() const { return text_; }
  // When the id was made, to the millisecond. Requires !empty().
  absl::Time time() const { return id_internal::TimeOf(Kind::kName, text_); }

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Id& id) {
    return H::combine(std::move(state), id.text_);
  }
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.text_; }

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct ExperimentKind {
  static constexpr std::string_view kName = "experiment";
};
struct SweepKind {
  static constexpr std::string_view kName = "sweep";
};
struct RunKind {
  static constexpr std::string_view kName = "run";
};
struct JobKind {
  static constexpr std::string_view kName = "job";
};
struct AttemptKind {
  static constexpr std::string_view kName = "attempt";
};
struct WorkerKind {
  static constexpr std::string_view kName = "worker";
};
struct DatasetKind {
  static constexpr std::string_view kName = "dataset";
};
struct ModelKind {
  static constexpr std::string_view kName = "model";
};

using ExperimentId = Id<ExperimentKind>;
using SweepId = Id<SweepKind>;
using RunId = Id<RunKind>;
using JobId = Id<JobKind>;
using AttemptId = Id<AttemptKind>;
using WorkerId = Id<WorkerKind>;
using DatasetId = Id<DatasetKind>;
using ModelId = Id<ModelKind>;

}  // namespace shoal
