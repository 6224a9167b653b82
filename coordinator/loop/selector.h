// What people type for runs, as text. Whoever takes targets takes these:
//
//   last          the newest run
//   all           every run
//   tiny-L4       a run's name; or a sweep's: all its runs
//   run-0dz4kq1m  the beginning of an id of a run or sweep, with the word before the dash or
//                 without it, when nothing else begins like that
//   job-0dz4kq1m  the beginning of a job's id, with its word: the job's run
//   7  1-10  1,3,5-8        runs by number: `shoal list` shows it as #
//   tiny-grid:3  tiny-grid:1-10   trials of a sweep, from 1; last:1-3: of the newest sweep
//
// A name that looks like a number is the name. Numbers never change, so that a selector means the
// same runs tomorrow; but `last` and `all`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal::loop {

struct NumberRange {
  int64_t first = 1;
  int64_t last = 1;  // not below first

  bool is_single() const { return first == last; }
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};

// True for text that can only be meant as numbers: digits, '-' and ',', beginning with a digit.
bool LooksLikeNumbers(std::string_view text);

// "1,3,5-8". Errors: InvalidArgument, naming the piece: not a number, zero, a range that goes down.
absl::StatusOr<std::vector<NumberRange>> ParseNumbers(std::string_view text);

// Whether `text` can be the beginning of `id`, with or without its kind ("run-0dz4", "0dz4"). Fewer
// than four characters after the kind are too few to mean one.
bool IsIdPrefix(std::string_view text, std::string_view id);

}  // namespace shoal::loop
