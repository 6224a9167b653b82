// The log of a process: one line per change of state, an event phrase and then key=value pairs, the
// id first.
//
//   LogInfo("job leased", {"job", job_id}, {"attempt", 3}, {"worker", name});
//   2026-03-01T12:00:00.123Z info  job leased job=job-0dz4… attempt=3 worker=nora
//
// Levels: error: someone must act; warning: degraded, carrying on; info: changes of state; debug:
// off unless asked for. The environment variable SHOAL_LOG (debug, info, warning, error, off) sets
// the level; info without it. Lines go to stderr until LogToFile. Libraries below the agent and the
// coordinator return a Status instead of logging.
//
// Thread-safe.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/strings.h"

namespace shoal {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// One key=value pair. The value is a string, a number, a bool, or anything with operator<<. A value
// with spaces, quotes or control characters is written quoted and escaped, so that a line can be
// taken apart again.
struct LogField {
  LogField() = default;
  template <typename T>
  LogField(std::string_view field_key, const T& field_value)
      : key(field_key), value(Text(field_value)) {}

  template <typename T>
  static std::string Text(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      return value ? "true" : "false";
    } else {
      return StrCat(value);
    }
  }

  std::string_view key;  // empty: no field
  std::string value;
};

void LogDebug(std::string_view event, const LogField& a = {}, const LogField& b = {},
              const LogField& c = {}, const LogField& d = {}, const LogField& e = {},
              const LogField& f = {}, const LogField& g = {}, const LogField& h = {});
void LogInfo(std::string_view event, const LogField& a = {}, const LogField& b = {},
             const LogField& c = {}, const LogField& d = {}, const LogField& e = {},
             const LogField& f = {}, const LogField& g = {}, const LogField& h = {});
void LogWarning(std::string_view event, const LogField& a = {}, const LogField& b = {},
                const LogField& c = {}, const LogField& d = {}, const LogField& e = {},
                const LogField& f = {}, const LogField& g = {}, const LogField& h = {});
void LogError(std::string_view event, const LogField& a = {}, const LogField& b = {},
              const LogField& c = {}, const LogField& d = {}, const LogField& e = {},
              const LogField& f = {}, const LogField& g = {}, const LogField& h = {});

void SetLogLevel(LogLevel level);
LogLevel GetLogLevel();

// Appends to `path` from now on instead of stderr. Errors: what opening the file says.
absl::Status LogToFile(const std::string& path);

// Errors: InvalidArgument, listing the levels.
absl::Status ParseLogLevel(std::string_view text, LogLevel& level);

}  // namespace shoal
