// A backend that checks another one: `check:onednn` runs every operation of every program on onednn
// and, from the same inputs, on the reference, and compares all outputs. The values that flow on
// are onednn's, so an error is reported at the operation that made it, not where it shows.
//
// A run fails with INTERNAL naming operation, output, element, both values and the tolerance.
// Tolerances are per dtype: an element may differ by a share of its own size plus a share of the
// largest element of its tensor. It is slow, and meant for a spec's `resources.backend`.
#ifndef SHOAL_WORKER_ENGINE_BACKEND_CHECK_BACKEND_H_
#define SHOAL_WORKER_ENGINE_BACKEND_CHECK_BACKEND_H_

#include <string>
#include <string_view>

#include "plugins/abi/shoal_backend.h"

namespace shoal::engine {

// The table of the checking backend; open() takes the text made by CheckBackendOptions.
const shoal_backend* CheckBackend();

// Names the backend under test; `options` are handed to it.
std::string CheckBackendOptions(std::string_view backend, std::string_view options);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_BACKEND_CHECK_BACKEND_H_
