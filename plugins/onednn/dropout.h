// The constants of one operation's dropout in one run, for the vector kernels (philox-inl.h). The
// mask itself is defined in shoal_backend.h and, as plain code, in plugins/support/philox.h.
#pragma once

#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/support/philox.h"

namespace shoal::onednn {

struct DropoutKey {
  bool active = false;
  uint32_t threshold = 0;
  float scale = 1;
  uint32_t seed_low = 0, seed_high = 0, stream = 0, step = 0;
};

inline DropoutKey MakeDropoutKey(float probability, uint32_t stream, const shoal_scalars& scalars) {
  const plugins::Dropout dropout(probability, stream, scalars);
  return {dropout.active(),
          dropout.threshold(),
          dropout.scale(),
          static_cast<uint32_t>(scalars.seed),
          static_cast<uint32_t>(scalars.seed >> 32),
          stream,
          static_cast<uint32_t>(scalars.step)};
}

}  // namespace shoal::onednn
