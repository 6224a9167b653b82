#include "coordinator/loop/runs_table.h"

#include <algorithm>
#include <set>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::loop {

void RunsTable::Put(v1::Run run) {
  auto row = std::make_shared<const v1::Run>(std::move(run));
  MutexLock lock(mutex_);
  snapshot_.reset();
  if (auto it = by_id_.find(row->run_id()); it != by_id_.end()) {
    rows_[it->second] = std::move(row);
    return;
  }
  by_id_[row->run_id()] = rows_.size();
  by_name_[row->name()] = rows_.size();
  rows_.push_back(std::move(row));
}

void RunsTable::PutSweep(v1::Sweep sweep, const std::vector<store::SweepMember>& members) {
  MutexLock lock(mutex_);
  const auto [place, is_new] = sweep_by_key_.try_emplace(sweep.sweep_id(), sweeps_.size());
  if (is_new) {
    sweep_by_key_[sweep.name()] = sweeps_.size();
    sweeps_.push_back(std::move(sweep));
  } else {
    sweeps_[place->second] = std::move(sweep);
  }
  PutMembersLocked(members);
}

void RunsTable::PutMembers(const std::vector<store::SweepMember>& members) {
  MutexLock lock(mutex_);
  PutMembersLocked(members);
}

void RunsTable::PutJob(const std::string& job_id, const std::string& run_id) {
  MutexLock lock(mutex_);
  run_by_job_[job_id] = run_id;
}

void RunsTable::PutMembersLocked(const std::vector<store::SweepMember>& members) {
  for (const store::SweepMember& member : members) {
    members_[member.sweep_id][member.trial_index] = member;
    places_[{member.sweep_id, member.run_id}] = member.trial_index;
  }
}

RunPtr RunsTable::AsMember(const store::SweepMember& member) const {
  const auto place = by_id_.find(member.run_id);
  if (place == by_id_.end()) return nullptr;
  const RunPtr& run = rows_[place->second];
  const bool same = std::equal(run->differing().begin(), run->differing().end(),
                               member.differing.begin(), member.differing.end());
  if (!member.reused && same) return run;
  auto shown = std::make_shared<v1::Run>(*run);
  shown->set_sweep_id(member.sweep_id);
  shown->set_trial_index(member.trial_index);
  shown->set_reused(member.reused);
  shown->mutable_differing()->Assign(member.differing.begin(), member.differing.end());
  return shown;
}

std::shared_ptr<const Rows> RunsTable::Snapshot() const {
  MutexLock lock(mutex_);
  if (snapshot_ == nullptr) snapshot_ = std::make_shared<const Rows>(rows_);
  return snapshot_;
}

RunPtr RunsTable::Find(const std::string& run_id) const {
  MutexLock lock(mutex_);
  auto it = by_id_.find(run_id);
  return it == by_id_.end() ? nullptr : rows_[it->second];
}

RunPtr RunsTable::FindIn(const std::string& sweep_id, const std::string& run_id) const {
  {
    MutexLock lock(mutex_);
    if (const auto place = places_.find(std::pair(sweep_id, run_id)); place != places_.end()) {
      return AsMember(members_.at(sweep_id).at(place->second));
    }
  }
  return Find(run_id);
}

const v1::Sweep* RunsTable::FindSweep(const std::string& selector) const {
  auto it = sweep_by_key_.find(selector);
  return it == sweep_by_key_.end() ? nullptr : &sweeps_[it->second];
}

// Ids tell the time only to the millisecond; the table's order is that of creation.
void RunsTable::SortNewestFirst(Rows& rows) const {
  std::vector<std::pair<size_t, RunPtr>> placed;
  {
    MutexLock lock(mutex_);
    for (RunPtr& run : rows) placed.emplace_back(by_id_.at(run->run_id()), std::move(run));
  }
  std::sort(placed.begin(), placed.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = std::move(placed[i].second);
}

absl::StatusOr<v1::ListRunsResponse> RunsTable::List(const v1::ListRunsRequest& request) const {
  Rows rows;
  if (!request.targets().empty()) {
    SHOAL_ASSIGN_OR_RETURN(rows, Resolve(request.targets()));
  } else if (!request.sweep().empty()) {
    SHOAL_ASSIGN_OR_RETURN(rows, Resolve(request.sweep()));
  } else {
    rows = *Snapshot();
  }
  SortNewestFirst(rows);
  const std::set<int> statuses(request.statuses().begin(), request.statuses().end());
  const int limit = request.limit() > 0 ? request.limit() : 100;
  v1::ListRunsResponse response;
  int total = 0;
  for (const RunPtr& run : rows) {
    if (!statuses.empty() && !statuses.contains(run->status())) continue;
    if (total++ < limit) *response.add_runs() = *run;
  }
  response.set_total(total);
  return response;
}

v1::Sweep RunsTable::WithCounts(const v1::Sweep& sweep) const {
  v1::Sweep counted = sweep;
  const auto members = members_.find(sweep.sweep_id());
  if (members == members_.end()) return counted;
  for (const auto& [index, member] : members->second) {
    const auto place = by_id_.find(member.run_id);
    if (place == by_id_.end()) continue;
    ++(*counted.mutable_runs_by_status())[std::string(spec::Name(rows_[place->second]->status()))];
  }
  return counted;
}

absl::StatusOr<v1::Sweep> RunsTable::GetSweep(const std::string& selector) const {
  MutexLock lock(mutex_);
  const v1::Sweep* sweep =
      selector == "last" && !sweeps_.empty() ? &sweeps_.back() : FindSweep(selector);
  if (sweep != nullptr) return WithCounts(*sweep);
  return absl::NotFoundError(
      StrCat("there is no sweep \"", selector, "\"; `shoal list sweeps` shows what there is"));
}

absl::StatusOr<v1::ListSweepsResponse> RunsTable::ListSweeps(
    const v1::ListSweepsRequest& request) const {
  v1::ListSweepsResponse response;
  const int limit = request.limit() > 0 ? request.limit() : 100;
  for (const std::string& target : request.targets()) {
    SHOAL_ASSIGN_OR_RETURN(v1::Sweep sweep, GetSweep(target));
    if (response.sweeps_size() < limit) *response.add_sweeps() = std::move(sweep);
  }
  if (!request.targets().empty()) return response;
  MutexLock lock(mutex_);
  for (auto it = sweeps_.rbegin(); it != sweeps_.rend() && response.sweeps_size() < limit; ++it) {
    *response.add_sweeps() = WithCounts(*it);
  }
  return response;
}

}  // namespace shoal::loop
