// Activations over flat arrays, for the ACTIVATION operations and for linear layers whose
// activation oneDNN cannot fuse.
#pragma once

#include <cstdint>

#include "plugins/onednn/array.h"
#include "plugins/onednn/team.h"

namespace shoal::onednn {

// y = act(x). `activation` is a shoal_activation; x and y may be the same array.
void Activate(const Team& team, int32_t activation, Array x, Array y, int64_t count);

// dx = dy * act'(saved); saved is act's output for RELU and TANH, else its input. dx may be dy.
void ActivateBackward(const Team& team, int32_t activation, Array dy, Array saved, Array dx,
                      int64_t count);

}  // namespace shoal::onednn
