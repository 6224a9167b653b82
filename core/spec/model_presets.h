// Models that benchmarks and documentation call by a name, one or more of each family. Recipes
// write their models out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "shoal/v1/model.pb.h"

namespace shoal::spec {

struct ModelPreset {
  std::string name;
  std::string alias;           // another name for it, or empty
  std::string what;            // one line for people
  v1::ModelSpec model;         // complete, with a vocabulary (a classifier's: labels), no dropout
  int32_t batch = 0, seq = 0;  // the batch that it is usually measured with
};

// In the order of their size.
const std::vector<ModelPreset>& ModelPresets();
// By name or alias. Errors: InvalidArgument, naming those there are.
absl::StatusOr<ModelPreset> FindModelPreset(std::string_view name);

}  // namespace shoal::spec
