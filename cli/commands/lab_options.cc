#include "cli/commands/lab_options.h"

#include "core/base/strings.h"

namespace shoal::cli {

void AddListenOptions(CLI::App& command, std::string& listen, std::string& advertise) {
  CLI::Option* option = command.add_option(
      "--listen", listen,
      "Let other machines in, with TLS and a key: HOST:PORT, as in 0.0.0.0:7411 (every address)");
  command
      .add_option("--advertise", advertise,
                  "What they call this machine: HOST:PORT (default: its first address)")
      ->needs(option);
}

absl::StatusOr<absl::Duration> ParseLease(const std::string& text) {
  absl::Duration lease;
  if (absl::ParseDuration(text, &lease) && lease >= absl::Seconds(1)) return lease;
  return absl::InvalidArgumentError(
      StrCat("--lease: '", text, "' is not a duration of at least 1s, such as 30s or 5m"));
}

}  // namespace shoal::cli
