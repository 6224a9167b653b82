// Options that `shoal up` and `shoal coordinator` share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shoal::cli {

// --listen and --advertise.
void AddListenOptions(CLI::App& command, std::string& listen, std::string& advertise);

// --lease. Errors: InvalidArgument for what is no duration of at least a second.
absl::StatusOr<absl::Duration> ParseLease(const std::string& text);

}  // namespace shoal::cli
