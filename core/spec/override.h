// One field of a run that a sweep sets: its path and its value, checked. Internal to core/spec.
#pragma once

#include <optional>
#include <string>

#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

struct Override {
  std::string path;
  std::string value;     // in its canonical spelling: "0.001" for "1e-3"
  std::string position;  // where it was written
};

// What is wrong with `path` as something that a sweep sets, or nothing: it must be a single value
// of RunSpec, and not the name.
std::optional<std::string> VariableProblem(const std::string& path);
// Whether the field is a number, and whether a whole one. Requires a path without problem.
bool IsNumber(const std::string& path);
bool IsInteger(const std::string& path);

// What is wrong with `value` for the field, or nothing; `value` is then in canonical spelling.
// Requires a path without problem.
std::optional<std::string> CheckOverride(const std::string& path, std::string& value);

// Sets a checked override.
void Apply(const Override& override, v1::RunSpec& spec);

// The value of a field in canonical spelling. `spec` is complete.
std::string ValueOf(const v1::RunSpec& spec, const std::string& path);

}  // namespace shoal::spec
