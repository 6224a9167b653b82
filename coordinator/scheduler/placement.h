// Which queued job goes to which worker, now. A pure function of the state.
//
// The queue is served strictly in order: serve jobs first, then by submission. For each job in
// turn:
//   1. Among the workers that are READY, have spoken to this coordinator, are not silent, and are
//   not reserved, those with room for it
//      (free slots, free memory) are candidates; the best backend wins, then the most free slots,
//      then the oldest id.
//   2. No room anywhere: the job RESERVES the worker it could run on that has the most free slots
//   (ties: oldest id).
//      Nothing behind it in the queue is placed there in this pass; all other workers stay open to
//      narrower jobs.
//   3. A job of the very same needs behind one that found no room finds none either, and reserves
//   nothing more.
// Why wide jobs do not starve: the first waiting job always has a reservation; while a worker is
// reserved its free slots only grow, and the reservation moves only to a worker with more of them;
// so it ends with enough. Jobs in their backoff are passed over and reserve nothing.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduler/state.h"

namespace shoal::scheduler {

struct Placement {
  JobId job_id{};
  WorkerId worker_id{};
};

struct PlacementPlan {
  std::vector<Placement> placements{};    // in queue order
  std::vector<Placement> reservations{};  // workers kept free, and for which job
};

// Cost: one step per queued job that still finds a worker with a free slot.
PlacementPlan PlanQueued(const State& state, absl::Time now);

// Whether the worker is one that jobs are placed on: READY, and has spoken to this coordinator.
bool TakesWork(const WorkerRecord& worker);

// Whether it has missed heartbeats, so that nobody knows if it lives: it gets nothing new until it
// speaks again.
bool IsSilent(const WorkerRecord& worker, absl::Time now);

// The requirement that keeps the job from every READY worker present, whatever they are busy with:
// "no worker fits: 4 slots needed, local has 2". "" when one could run it, or when no worker is
// present at all.
std::string UnmetRequirement(const State& state, const JobRecord& job);

// How UnmetRequirement's text begins: a state_reason that does is taken back when a fitting worker
// comes.
inline constexpr char kUnmetPrefix[] = "no worker fits: ";

}  // namespace shoal::scheduler
