// Time per operation of a program, summed over its runs, against what the machine could do.
#ifndef SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_
#define SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "worker/engine/program/op_cost.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// What the machine can do at most. 0: not known.
struct Roofline {
  double flops_per_s = 0;
  double bytes_per_s = 0;
};

// Thread-compatible.
class Profile {
 public:
  Profile() = default;
  explicit Profile(const Program& program) : nanoseconds_(program.ops.size(), 0) {}

  // For shoal_scalars; null when this object was default-constructed.
  uint64_t* counters() { return nanoseconds_.empty() ? nullptr : nanoseconds_.data(); }
  // Call it for each run.
  void Count(const shoal_scalars& scalars);

  // The program's milliseconds a run, then its operations, slowest first; the same operation of
  // several blocks is one line ("blocks.*.ffn.up"). Of each: milliseconds a run, share, how many,
  // kind and label, GFLOP/s, GB/s, and how near it comes to the roofline: the time that its
  // products or its bytes would take at the machine's best, whichever is more, over the time it
  // took. Bytes that stay in a cache may put it above 100 %.
  std::string Report(const Program& program, const Roofline& roofline) const;

 private:
  UsedExtents Mean() const;

  std::vector<uint64_t> nanoseconds_;
  int64_t runs_ = 0;
  UsedExtents sums_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_
