// The numbers a mock writes so that training seems to converge and sampling ends.
//
// Only these outputs are written; every other one keeps what its buffer holds (zeros, or what the
// host wrote):
//   CROSS_ENTROPY, LINEAR_CROSS_ENTROPY   loss[n] = Loss(...), 0 where the target is -1
//   SUM                                   the sum, so that totals agree with the losses
//   GLOBAL_NORM                           a decreasing number
//   the last LINEAR of a program without a loss: logits that favour one token, another at each
//   position
#pragma once

#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/program.h"

namespace shoal::mock {

// Nats per token at a step: falls from log(vocabulary) towards a third of it, with a little noise.
// A pure function of its arguments.
double Loss(uint64_t seed, uint64_t step, int64_t vocabulary);

// The token favoured after `position` tokens: over 64 positions each of the first and last 32 ids
// has its turn, where special tokens live, so that an end token soon comes.
int64_t FavouredToken(int64_t position, int64_t vocabulary);

// Writes the outputs of one run. `nan`: losses and norms are NaN.
void Pretend(const plugins::Program& program, const shoal_scalars& scalars, bool nan);

}  // namespace shoal::mock
