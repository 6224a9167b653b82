// The rules of a run that no single field can state. Internal to core/spec.
#pragma once

#include <string>
#include <string_view>

#include "core/spec/spec.h"
#include "core/spec/violations.h"

namespace shoal::spec {

// Every set field against its own rule.
void CheckFields(const google::protobuf::Message& message, const std::string& path,
                 const Positions* positions, Violations& violations);

// Rules between fields. `spec` is complete. A rule is left out when something was already said
// about a field it reads.
void CheckRunRules(const v1::RunSpec& spec, const Positions* positions, Violations& violations);

// Both of them; `spec` need not be complete.
void CheckRun(const v1::RunSpec& spec, const Positions* positions, Violations& violations);

// What is wrong with a name of a run, sweep, experiment or variant; empty: nothing.
std::string NameProblem(std::string_view name);
// The same for a label: printable text without line breaks, at most 64 bytes.
std::string TagProblem(std::string_view tag);

}  // namespace shoal::spec
