// RunsTable: from what people type (selector.h) to runs.
#include <algorithm>
#include <set>

#include "coordinator/loop/runs_table.h"
#include "coordinator/loop/selector.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"

namespace shoal::loop {
namespace {

constexpr size_t kNamed = 6;  // in a message

// What the numbers leave out: a single one that nothing has, a range that holds nothing.
absl::Status NothingAt(const NumberRange& range, const std::string& what, int64_t largest) {
  const std::string number =
      range.is_single() ? StrCat(range.first) : StrCat(range.first, "-", range.last);
  return absl::NotFoundError(
      StrCat("there is no ", what, " ", number, "; ",
             largest == 0 ? std::string("there is none yet") : StrCat("the last is ", largest)));
}

}  // namespace

Rows RunsTable::RunsOf(const v1::Sweep& sweep) const {
  Rows rows;
  const auto members = members_.find(sweep.sweep_id());
  if (members == members_.end()) return rows;
  for (const auto& [index, member] : members->second) {
    if (RunPtr run = AsMember(member); run != nullptr) rows.push_back(std::move(run));
  }
  return rows;
}

absl::StatusOr<Rows> RunsTable::ResolveNumbers(const std::string& numbers) const {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<NumberRange> ranges, ParseNumbers(numbers));
  Rows found;
  for (const NumberRange& range : ranges) {
    const size_t before = found.size();
    auto it = std::partition_point(rows_.begin(), rows_.end(),
                                   [&](const RunPtr& run) { return run->number() < range.first; });
    for (; it != rows_.end() && (*it)->number() <= range.last; ++it) found.push_back(*it);
    if (found.size() == before)
      return NothingAt(range, "run", rows_.empty() ? 0 : rows_.back()->number());
  }
  return found;
}

// "SWEEP:1-3".
absl::StatusOr<Rows> RunsTable::ResolveTrials(const std::string& selector, size_t colon) const {
  const std::string name = selector.substr(0, colon);
  const v1::Sweep* sweep = name == "last" && !sweeps_.empty() ? &sweeps_.back() : FindSweep(name);
  for (size_t i = 0; sweep == nullptr && i < sweeps_.size(); ++i) {
    if (IsIdPrefix(name, sweeps_[i].sweep_id())) sweep = &sweeps_[i];
  }
  if (sweep == nullptr) {
    return absl::NotFoundError(
        StrCat("there is no sweep \"", name, "\"; `shoal list sweeps` shows what there is"));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::vector<NumberRange> ranges,
                         ParseNumbers(selector.substr(colon + 1)));
  const Rows runs = RunsOf(*sweep);
  const int64_t largest = runs.empty() ? 0 : runs.back()->trial_index() + 1;
  Rows found;
  for (const NumberRange& range : ranges) {
    const size_t before = found.size();
    for (const RunPtr& run : runs) {
      const int64_t number = run->trial_index() + 1;
      if (number >= range.first && number <= range.last) found.push_back(run);
    }
    if (found.size() == before) return NothingAt(range, StrCat("trial of ", name), largest);
  }
  return found;
}

absl::StatusOr<Rows> RunsTable::ResolveIdPrefix(const std::string& selector) const {
  std::vector<std::string> candidates;
  Rows found;
  for (const RunPtr& run : rows_) {
    if (!IsIdPrefix(selector, run->run_id())) continue;
    candidates.push_back(StrCat(run->run_id(), " (", run->name(), ")"));
    found = {run};
  }
  for (const v1::Sweep& sweep : sweeps_) {
    if (!IsIdPrefix(selector, sweep.sweep_id())) continue;
    candidates.push_back(StrCat(sweep.sweep_id(), " (sweep ", sweep.name(), ")"));
    found = RunsOf(sweep);
  }
  // A job's id only with its kind: it begins as its run's does, made in the same millisecond.
  for (const auto& [job_id, run_id] : run_by_job_) {
    const auto place = by_id_.find(run_id);
    if (!selector.starts_with("job-") || !IsIdPrefix(selector, job_id) || place == by_id_.end())
      continue;
    const RunPtr& run = rows_[place->second];
    candidates.push_back(StrCat(job_id, " (a job of ", run->name(), ")"));
    found = {run};
  }
  if (candidates.size() <= 1) return found;
  std::string list;
  for (size_t i = 0; i < std::min(candidates.size(), kNamed); ++i)
    StrAppend(list, i > 0 ? ", " : "", candidates[i]);
  if (candidates.size() > kNamed) StrAppend(list, " and ", candidates.size() - kNamed, " more");
  return absl::InvalidArgumentError(
      StrCat("\"", selector, "\" is the beginning of ", candidates.size(), " ids: ", list));
}

absl::Status RunsTable::NothingCalled(const std::string& selector) const {
  std::vector<std::string> names = {"last", "all"};
  for (const RunPtr& run : rows_) names.push_back(run->name());
  for (const v1::Sweep& sweep : sweeps_) names.push_back(sweep.name());
  const auto nearest = spec::Nearest(selector, names);
  return absl::NotFoundError(StrCat("there is no run or sweep \"", selector, "\"; ",
                                    nearest ? StrCat("did you mean ", *nearest, "?")
                                            : std::string("`shoal list` shows what there is")));
}

absl::StatusOr<Rows> RunsTable::ResolveLocked(const std::string& selector) const {
  if (selector == "all" || selector == "last") {
    if (rows_.empty())
      return absl::NotFoundError("there is no run yet; start one with `shoal launch`");
    return selector == "all" ? rows_ : Rows{rows_.back()};
  }
  if (auto it = by_id_.find(selector); it != by_id_.end()) return Rows{rows_[it->second]};
  if (auto it = by_name_.find(selector); it != by_name_.end()) return Rows{rows_[it->second]};
  if (const v1::Sweep* sweep = FindSweep(selector); sweep != nullptr) return RunsOf(*sweep);
  if (const size_t colon = selector.find(':'); colon != std::string::npos)
    return ResolveTrials(selector, colon);
  if (LooksLikeNumbers(selector)) return ResolveNumbers(selector);
  SHOAL_ASSIGN_OR_RETURN(Rows found, ResolveIdPrefix(selector));
  if (!found.empty()) return found;
  return NothingCalled(selector);
}

absl::StatusOr<Rows> RunsTable::Resolve(const std::string& selector) const {
  MutexLock lock(mutex_);
  return ResolveLocked(selector);
}

absl::StatusOr<Rows> RunsTable::Resolve(
    const google::protobuf::RepeatedPtrField<std::string>& selectors) const {
  MutexLock lock(mutex_);
  Rows all;
  std::set<std::string> seen;
  absl::Status first;
  std::string messages;
  for (const std::string& selector : selectors) {
    const absl::StatusOr<Rows> rows = ResolveLocked(selector);
    if (!rows.ok()) {
      first.Update(rows.status());
      StrAppend(messages, messages.empty() ? "" : "\n", rows.status().message());
      continue;
    }
    for (const RunPtr& run : *rows) {
      if (seen.insert(run->run_id()).second) all.push_back(run);
    }
  }
  if (!first.ok()) return absl::Status(first.code(), messages);
  return all;
}

absl::StatusOr<RunPtr> RunsTable::ResolveOne(const std::string& selector) const {
  SHOAL_ASSIGN_OR_RETURN(const Rows rows, Resolve(selector));
  if (rows.size() == 1) return rows.front();
  if (rows.empty()) return absl::NotFoundError(StrCat("\"", selector, "\" names no run yet"));
  return absl::InvalidArgumentError(StrCat("\"", selector, "\" names ", rows.size(),
                                           " runs, and one is wanted; name it, such as ",
                                           rows.back()->name()));
}

}  // namespace shoal::loop
