// Every run and sweep of the lab as lists show them, in memory: the loop puts rows in after each
// commit, readers get immutable snapshots and never wait for the disk.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "coordinator/store/sweep_rows.h"
#include "core/base/mutex.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::loop {

using RunPtr =
    std::shared_ptr<const v1::Run>;  // shared by the table and whoever still shows an older row
using Rows = std::vector<RunPtr>;    // oldest run first

// Thread-safe.
class RunsTable {
 public:
  void Put(v1::Run run);
  // Adds a sweep, or replaces the one with its id; adds members, or replaces those at their places.
  void PutSweep(v1::Sweep sweep, const std::vector<store::SweepMember>& members);
  void PutMembers(const std::vector<store::SweepMember>& members);
  // A job of a run: its id names the run.
  void PutJob(const std::string& job_id, const std::string& run_id);

  std::shared_ptr<const Rows> Snapshot() const;
  RunPtr Find(const std::string& run_id) const;  // null: none
  // As the sweep shows it: a run that another sweep has made is in it at a place of its own, marked
  // as reused. As Find when it is not in the sweep.
  RunPtr FindIn(const std::string& sweep_id, const std::string& run_id) const;
  // By id or name; "last" is the newest. Errors: NotFound.
  absl::StatusOr<v1::Sweep> GetSweep(const std::string& selector) const;

  // What a selector means (selector.h); a sweep's runs in trial order, as FindIn. Errors: NotFound,
  // naming what comes near; InvalidArgument: no such number or range, or an id's beginning that is
  // not of one id alone.
  absl::StatusOr<Rows> Resolve(const std::string& selector) const;
  // All of them, each run once. The error tells of every selector that is wrong.
  absl::StatusOr<Rows> Resolve(
      const google::protobuf::RepeatedPtrField<std::string>& selectors) const;
  // One run. Errors: also InvalidArgument (it names several).
  absl::StatusOr<RunPtr> ResolveOne(const std::string& selector) const;

  // Newest first (of one commit: the last created first), filtered; `total` counts what the limit
  // leaves out too.
  absl::StatusOr<v1::ListRunsResponse> List(const v1::ListRunsRequest& request) const;
  absl::StatusOr<v1::ListSweepsResponse> ListSweeps(const v1::ListSweepsRequest& request) const;

 private:
  absl::StatusOr<Rows> ResolveLocked(const std::string& selector) const SHOAL_REQUIRES(mutex_);
  absl::StatusOr<Rows> ResolveNumbers(const std::string& numbers) const SHOAL_REQUIRES(mutex_);
  absl::StatusOr<Rows> ResolveTrials(const std::string& selector, size_t colon) const
      SHOAL_REQUIRES(mutex_);
  // Empty when it is the beginning of no id.
  absl::StatusOr<Rows> ResolveIdPrefix(const std::string& selector) const SHOAL_REQUIRES(mutex_);
  absl::Status NothingCalled(const std::string& selector) const SHOAL_REQUIRES(mutex_);
  Rows RunsOf(const v1::Sweep& sweep) const SHOAL_REQUIRES(mutex_);
  void SortNewestFirst(Rows& rows) const;
  const v1::Sweep* FindSweep(const std::string& selector) const SHOAL_REQUIRES(mutex_);
  v1::Sweep WithCounts(const v1::Sweep& sweep) const SHOAL_REQUIRES(mutex_);
  void PutMembersLocked(const std::vector<store::SweepMember>& members) SHOAL_REQUIRES(mutex_);
  RunPtr AsMember(const store::SweepMember& member) const SHOAL_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // Guarded by mutex_.
  Rows rows_ SHOAL_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const Rows> snapshot_
      SHOAL_GUARDED_BY(mutex_);  // null: rows_ has changed since
  absl::flat_hash_map<std::string, size_t> by_id_ SHOAL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, size_t> by_name_ SHOAL_GUARDED_BY(mutex_);
  std::vector<v1::Sweep> sweeps_ SHOAL_GUARDED_BY(mutex_);                          // oldest first
  absl::flat_hash_map<std::string, size_t> sweep_by_key_ SHOAL_GUARDED_BY(mutex_);  // id or name
  using Members = std::map<int32_t, store::SweepMember>;                        // by trial index
  absl::flat_hash_map<std::string, Members> members_ SHOAL_GUARDED_BY(mutex_);  // by sweep id
  absl::flat_hash_map<std::pair<std::string, std::string>, int32_t> places_
      SHOAL_GUARDED_BY(mutex_);  // trial index by sweep id and run id
  std::map<std::string, std::string> run_by_job_ SHOAL_GUARDED_BY(mutex_);
};

}  // namespace shoal::loop
