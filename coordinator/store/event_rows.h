// The event log: append-only; its ids are the resume tokens of every Watch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/store/database.h"
#include "shoal/v1/event.pb.h"

namespace shoal::store {

// Appends `event` (its id and time are given here; a job's run and sweep are looked up when left
// out). Returns the id.
absl::StatusOr<int64_t> InsertEvent(Database& db, const v1::Event& event, absl::Time now);

// At most `limit` events after `after_event_id`, oldest first; of one run unless `run_id` is empty.
absl::StatusOr<std::vector<v1::Event>> ReadEvents(Database& db, int64_t after_event_id,
                                                  const std::string& run_id, int limit);

// Since when a job has waited, run or been held back as it does now; InfinitePast: its events say
// nothing of it.
absl::StatusOr<absl::Time> InStateSince(Database& db, const std::string& run_id,
                                        const std::string& job_id);

// The newest event's id; 0: none.
absl::StatusOr<int64_t> LastEventId(Database& db);

}  // namespace shoal::store
