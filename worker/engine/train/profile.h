// Time per operation of a program, summed over its runs.
#ifndef SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_
#define SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "worker/engine/program/program.h"

namespace shoal::engine {

// Thread-compatible.
class Profile {
 public:
  Profile() = default;
  explicit Profile(const Program& program) : nanoseconds_(program.ops.size(), 0) {}

  // For shoal_scalars; null when this object was default-constructed.
  uint64_t* counters() { return nanoseconds_.empty() ? nullptr : nanoseconds_.data(); }

  // The program's total, then its operations, slowest first: milliseconds, share, kind and label.
  std::string Report(const Program& program) const;

 private:
  std::vector<uint64_t> nanoseconds_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_PROFILE_H_
