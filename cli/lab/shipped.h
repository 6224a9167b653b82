// Recipes and personas: files of the user's, or ones that ship with this installation.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal::cli {

// A persona's file: a path as it is, else one that ships with this installation. Errors: NotFound
// listing the names.
absl::StatusOr<std::string> FindPersona(const std::string& name);
// A recipe's file: the same for recipes ("tiny" or "recipes/tiny.yaml").
absl::StatusOr<std::string> FindRecipe(const std::string& name);
// The names that ship in "recipes" or "personas", sorted.
absl::StatusOr<std::vector<std::string>> ShippedNames(const std::string& folder);

}  // namespace shoal::cli
