#include "coordinator/scheduler/placement.h"

#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "coordinator/scheduler/requirement.h"
#include "core/base/heartbeat.h"
#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

// A worker during one pass.
struct Seat {
  const WorkerRecord* worker = nullptr;
  int32_t free_slots = 0;
  int64_t free_memory = 0;
  bool memory_known = false;
  bool reserved = false;

  bool HasRoomFor(const JobRecord& job) const {
    return job.needs.slots <= free_slots &&
           (!memory_known || job.needs.memory_bytes <= free_memory);
  }
};

std::vector<Seat> Seats(const State& state, absl::Time now) {
  std::vector<Seat> seats;
  for (const auto& [id, worker] : state.workers()) {
    if (!TakesWork(worker) || IsSilent(worker, now)) continue;
    const State::Load& load = state.LoadOf(id);
    seats.push_back({.worker = &worker,
                     .free_slots = worker.slots - load.slots,
                     .free_memory = worker.host.memory_bytes() - load.memory_bytes,
                     .memory_known = worker.host.memory_bytes() > 0});
  }
  return seats;
}

bool AnySlotFree(const std::vector<Seat>& seats) {
  for (const Seat& seat : seats) {
    if (!seat.reserved && seat.free_slots > 0) return true;
  }
  return false;
}

// Two jobs with equal needs find room on the same workers.
using NeedsKey = std::tuple<int32_t, int64_t, int64_t, std::string, std::string, std::string>;
NeedsKey KeyOf(const JobRecord& job) {
  return {job.needs.slots,
          job.needs.memory_bytes,
          job.memory_above_bytes,
          job.needs.backend,
          job.needs.dtype,
          job.numerics.has_value() ? job.numerics->SerializeAsString() : std::string()};
}

Seat* ChooseSeat(const JobRecord& job, std::vector<Seat>& seats) {
  Seat* best = nullptr;
  int best_rank = 0;
  for (Seat& seat : seats) {
    if (seat.reserved || !seat.HasRoomFor(job) || LackOf(job, *seat.worker) != Lack::kNothing)
      continue;
    const int rank = BackendRank(job, *seat.worker);
    if (best == nullptr ||
        std::tie(rank, best->free_slots) < std::tie(best_rank, seat.free_slots)) {
      best = &seat;
      best_rank = rank;
    }
  }
  return best;
}

// The worker that is kept free for the job; null: none that it could run on is left.
const WorkerRecord* Reserve(const JobRecord& job, std::vector<Seat>& seats) {
  Seat* best = nullptr;
  for (Seat& seat : seats) {
    if (seat.reserved || LackOf(job, *seat.worker) != Lack::kNothing) continue;
    if (best == nullptr || seat.free_slots > best->free_slots) best = &seat;
  }
  if (best == nullptr) return nullptr;
  best->reserved = true;
  return best->worker;
}

}  // namespace

bool TakesWork(const WorkerRecord& worker) {
  return worker.present && worker.state == v1::WORKER_STATE_READY;
}

bool IsSilent(const WorkerRecord& worker, absl::Time now) {
  return worker.present && worker.state != v1::WORKER_STATE_OFFLINE &&
         now - worker.last_seen_at >= kSilentAfter;
}

PlacementPlan PlanQueued(const State& state, absl::Time now) {
  PlacementPlan plan;
  std::vector<Seat> seats = Seats(state, now);
  absl::flat_hash_set<NeedsKey> without_room;
  for (const State::QueuePlace& place : state.queue()) {
    if (!AnySlotFree(seats)) break;
    const JobRecord& job = *state.FindJob(place.job_id);
    if (job.not_before > now) continue;
    NeedsKey key = KeyOf(job);
    if (without_room.contains(key)) continue;
    Seat* seat = ChooseSeat(job, seats);
    if (seat == nullptr) {
      if (const WorkerRecord* worker = Reserve(job, seats); worker != nullptr)
        plan.reservations.push_back({.job_id = job.job_id, .worker_id = worker->worker_id});
      without_room.insert(std::move(key));
      continue;
    }
    seat->free_slots -= job.needs.slots;
    seat->free_memory -= job.needs.memory_bytes;
    plan.placements.push_back({.job_id = job.job_id, .worker_id = seat->worker->worker_id});
  }
  return plan;
}

std::string UnmetRequirement(const State& state, const JobRecord& job) {
  constexpr int kNamed = 3;
  std::string text;
  int workers = 0;
  for (const auto& [id, worker] : state.workers()) {
    if (!TakesWork(worker)) continue;
    const std::string lack = LackText(job, worker);
    if (lack.empty()) return "";
    if (workers++ < kNamed)
      StrAppend(text, text.empty() ? std::string_view(kUnmetPrefix) : "; ", lack);
  }
  if (workers > kNamed) StrAppend(text, "; and ", workers - kNamed, " more workers");
  return text;
}

}  // namespace shoal::scheduler
