// Models that benchmarks and documentation call by a name. Recipes write their models out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shoal/v1/model.pb.h"

namespace shoal::spec {

struct ModelPreset {
  std::string name;
  std::string what;            // one line for people
  v1::ModelSpec model;         // complete, with a vocabulary, no dropout
  int32_t batch = 0, seq = 0;  // the batch that it is usually measured with
};

// In the order of their size.
const std::vector<ModelPreset>& ModelPresets();
// Errors: InvalidArgument, naming those there are.
absl::StatusOr<ModelPreset> FindModelPreset(std::string_view name);

}  // namespace shoal::spec
