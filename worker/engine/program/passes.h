// Passes: rewrite a recorded list into a shorter one that computes the same.
//
// Each pass finds a producer and its only consumer and lets one operation of the backend do both:
//   LINEAR, ACTIVATION                  -> LINEAR with activation
//   ADD, NORM                           -> NORM with a branch (the residual connection)
//   LINEAR_BACKWARD_DATA, ACTIVATION_BACKWARD -> LINEAR_BACKWARD_DATA with `saved`
//   NORM_BACKWARD, DROPOUT              -> NORM_BACKWARD with dbranch
//   LINEAR, CROSS_ENTROPY and their gradients -> LINEAR_CROSS_ENTROPY: logits never exist
// Results stay the same up to rounding; dropout masks stay the same exactly.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_PASSES_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_PASSES_H_

#include "worker/engine/program/program.h"

namespace shoal::engine {

// Every pass once, in the order above. Run it after AppendBackward, if there is a backward.
void Fuse(Program& program);

// Forgets optional outputs that nothing reads: statistics kept for a backward that was not
// recorded. Run it last, fused or not.
void DropUnreadOutputs(Program& program);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_PASSES_H_
