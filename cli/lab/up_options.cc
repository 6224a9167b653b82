#include "cli/lab/up_options.h"

#include "absl/strings/numbers.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kDefaultLease = absl::Minutes(5);

// Lines of "NAME VALUE".
std::string RecordPath(const std::string& data_dir) { return JoinPath(data_dir, "run/up.options"); }

absl::Status Parse(std::string_view line, EmbeddedOptions& options) {
  const size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string value(space == line.npos ? "" : line.substr(space + 1));
  bool good = !value.empty();
  if (name == "slots") {
    good = absl::SimpleAtoi(value, &options.slots);
  } else if (name == "lease") {
    good = absl::ParseDuration(value, &options.lease);
  } else if (name == "listen") {
    options.listen = value;
  } else if (name == "advertise") {
    options.advertise = value;
  } else {
    good = false;
  }
  return good ? absl::OkStatus() : absl::DataLossError(StrCat("'", line, "' is no option"));
}

absl::StatusOr<EmbeddedOptions> Remembered(const std::string& path) {
  EmbeddedOptions options;
  RealFileSystem files;
  if (!files.Exists(path)) return options;
  SHOAL_ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path));
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
    if (line.empty()) continue;
    SHOAL_RETURN_IF_ERROR(Parse(line, options), "how the lab was started is damaged (remove ", path,
                          ", and say it again)");
  }
  return options;
}

}  // namespace

absl::StatusOr<EmbeddedOptions> CompleteOptions(const std::string& data_dir,
                                                const EmbeddedOptions& asked) {
  SHOAL_ASSIGN_OR_RETURN(const EmbeddedOptions before, Remembered(RecordPath(data_dir)));
  EmbeddedOptions options = asked;
  if (options.slots == 0) options.slots = before.slots;
  if (options.lease == absl::ZeroDuration()) options.lease = before.lease;
  if (options.lease == absl::ZeroDuration()) options.lease = kDefaultLease;
  if (options.listen.empty()) options.listen = before.listen;
  // What others call the lab goes with where it listens.
  if (options.advertise.empty() && options.listen == before.listen)
    options.advertise = before.advertise;
  return options;
}

absl::Status RememberOptions(const std::string& data_dir, const EmbeddedOptions& options) {
  std::string text = StrCat("lease ", absl::FormatDuration(options.lease), "\n");
  if (options.slots > 0) StrAppend(text, "slots ", options.slots, "\n");
  if (!options.listen.empty()) StrAppend(text, "listen ", options.listen, "\n");
  if (!options.advertise.empty()) StrAppend(text, "advertise ", options.advertise, "\n");
  return RealFileSystem().WriteFileAtomic(RecordPath(data_dir), text);
}

void ForgetOptions(const std::string& data_dir) {
  RealFileSystem().RemoveFile(RecordPath(data_dir)).IgnoreError();
}

}  // namespace shoal::cli
