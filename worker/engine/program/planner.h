// Gives every intermediate tensor its place in one arena, and hands programs to a device.
//
// A tensor lives from the operation that first writes it to the last that reads it; tensors whose
// lives do not meet may share bytes. Large ones are placed first, each into the smallest gap that
// holds it among those alive at the same time.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_PLANNER_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_PLANNER_H_

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// Sets offset_bytes of the arena's slots and arena_bytes. Where the ABI lets an output alias an
// input that dies there (NORM_BACKWARD's dskip, CROSS_ENTROPY's logits), both get one place.
void PlaceInArena(Program& program);

// The buffer of each region; null where a program does not use it.
using Buffers = std::array<const Buffer*, kRegionCount>;

// Plans a placed program on a device. Requires every region that the program uses in `buffers`.
// Errors: those of Device::MakePlan.
absl::StatusOr<Plan> MakePlan(Device& device, const Program& program, const Buffers& buffers);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_PLANNER_H_
