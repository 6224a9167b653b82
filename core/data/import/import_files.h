// Which files of a folder are data, and on which side they are. Internal to core/data.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/import/import_sink.h"

namespace shoal::data {

// The files that the paths name, in the order given, a folder's sorted by name. Each side follows
// from words in the names, unless there is only one file. What is no data, and a test part beside a
// validation part, goes to `notes`. Errors: NotFound; InvalidArgument (a folder without data).
absl::StatusOr<std::vector<ImportFile>> FilesOf(const std::vector<std::string>& paths,
                                                std::vector<std::string>& notes);

}  // namespace shoal::data
