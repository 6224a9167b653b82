// Whether files are there that a spec or a command names: only the client can know.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/spec/spec.h"

namespace shoal::cli {

// Looks for data.train, data.held_out and tokenizer.path, each when it is given. To be called
// before spec::Validate, whose rules that tie fields together say little while a file is missing.
// `positions` (may be null) says where fields were written.
// Errors: INVALID_ARGUMENT with a line for each file that is missing, a folder, or not readable.
absl::Status CheckFiles(const v1::RunSpec& spec, const spec::Positions* positions = nullptr);

// What helps who named a file or folder that is not there: its folder is missing too, or holds one
// of nearly that name, or the path counts from another folder than was meant.
std::string RemedyForMissing(const std::string& path);

// Errors: NotFound, with the remedy.
absl::Status CheckThere(const std::string& path);

// Whether a file can be made at `path`, before work is spent on what goes into it. Errors:
// InvalidArgument (its folder is not there, or it is a folder itself), with the remedy.
absl::Status CheckCanBeMade(const std::string& option, const std::string& path);

}  // namespace shoal::cli
