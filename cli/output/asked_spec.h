// A spec as a person would have written it: what is not said has its default.
#pragma once

#include <string>

#include "shoal/v1/spec.pb.h"

namespace shoal::cli {

// YAML of the fields that differ from their defaults, whatever they are for; "" when none does.
std::string AskedSpec(const v1::RunSpec& spec);

}  // namespace shoal::cli
