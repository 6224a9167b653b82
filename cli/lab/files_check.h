// Whether the files that a spec names are there: only the client that submits can know.
#pragma once

#include "absl/status/status.h"
#include "core/spec/spec.h"

namespace shoal::cli {

// Looks for data.train, data.held_out and tokenizer.path, each when it is given. To be called
// before spec::Validate, whose rules that tie fields together say little while a file is missing.
// `positions` (may be null) says where fields were written.
// Errors: INVALID_ARGUMENT with a line for each file that is missing, a folder, or not readable.
absl::Status CheckFiles(const v1::RunSpec& spec, const spec::Positions* positions = nullptr);

}  // namespace shoal::cli
