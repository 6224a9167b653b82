// Every run and sweep of the lab as lists show them, in memory: the loop puts rows in after each
// commit, readers get immutable snapshots and never wait for the disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
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
  void PutSweep(v1::Sweep sweep);

  std::shared_ptr<const Rows> Snapshot() const;
  RunPtr Find(const std::string& run_id) const;  // null: none

  // A run's id or name, a sweep's id or name (all its runs, in trial order), or "last" (the newest
  // run). Errors: NotFound, saying how to see what there is.
  absl::StatusOr<Rows> Resolve(const std::string& selector) const;
  // All of them, each run once.
  absl::StatusOr<Rows> Resolve(
      const google::protobuf::RepeatedPtrField<std::string>& selectors) const;
  // One run. Errors: also InvalidArgument (a sweep with more than one run).
  absl::StatusOr<RunPtr> ResolveOne(const std::string& selector) const;

  // Newest first (of one commit: the last created first), filtered; `total` counts what the limit
  // leaves out too.
  absl::StatusOr<v1::ListRunsResponse> List(const v1::ListRunsRequest& request) const;
  absl::StatusOr<v1::ListSweepsResponse> ListSweeps(const v1::ListSweepsRequest& request) const;

 private:
  absl::StatusOr<Rows> ResolveLocked(const std::string& selector) const SHOAL_REQUIRES(mutex_);
  void SortNewestFirst(Rows& rows) const;
  const v1::Sweep* FindSweep(const std::string& selector) const SHOAL_REQUIRES(mutex_);

  mutable Mutex mutex_;
  // Guarded by mutex_.
  Rows rows_ SHOAL_GUARDED_BY(mutex_);
  mutable std::shared_ptr<const Rows> snapshot_
      SHOAL_GUARDED_BY(mutex_);  // null: rows_ has changed since
  absl::flat_hash_map<std::string, size_t> by_id_ SHOAL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, size_t> by_name_ SHOAL_GUARDED_BY(mutex_);
  std::vector<v1::Sweep> sweeps_ SHOAL_GUARDED_BY(mutex_);                          // oldest first
  absl::flat_hash_map<std::string, size_t> sweep_by_key_ SHOAL_GUARDED_BY(mutex_);  // id or name
  absl::flat_hash_map<std::string, std::vector<size_t>> runs_of_sweep_ SHOAL_GUARDED_BY(mutex_);
};

}  // namespace shoal::loop
