// How a lab was started, kept in its folder for as long as it runs: a lab that was killed, or whose
// machine lost power, starts again as it was. `shoal down` forgets it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/lab/embedded.h"

namespace shoal::cli {

// `asked`, completed with what the lab in this folder ran with when it did not end by itself (a
// field that is zero or empty was not asked for), and with the defaults. Errors: DataLoss for a
// damaged record, naming the file.
absl::StatusOr<EmbeddedOptions> CompleteOptions(const std::string& data_dir,
                                                const EmbeddedOptions& asked);

// Errors: those of writing.
absl::Status RememberOptions(const std::string& data_dir, const EmbeddedOptions& options);
void ForgetOptions(const std::string& data_dir);

}  // namespace shoal::cli
