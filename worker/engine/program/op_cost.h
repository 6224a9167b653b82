// What an operation costs at the least: the floating-point operations of its matrix products, and
// the bytes of its operands, each moved once. For profiles.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_OP_COST_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_OP_COST_H_

#include "worker/engine/program/program.h"

namespace shoal::engine {

// How much of the variable extents a run used; means over several runs may be given.
struct UsedExtents {
  double rows = 0, sequences = 0, selected = 0;
};

struct OpCost {
  double flops = 0;  // a multiplication or an addition of a matrix product; 0 for everything else
  double bytes = 0;
};

// Attention is counted as if all sequences were of equal length; of causal attention, half.
OpCost CostOf(const Program& program, const Op& op, const UsedExtents& used);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_OP_COST_H_
