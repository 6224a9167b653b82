#include "core/base/log.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "core/base/mutex.h"
#include "core/base/status.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/basic_file_sink.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace shoal {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels = {
    {{"debug", LogLevel::kDebug},
     {"info", LogLevel::kInfo},
     {"warning", LogLevel::kWarning},
     {"error", LogLevel::kError},
     {"off", LogLevel::kOff}}};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The one mutable global of the house: where this process's log goes.
struct LogState {
  LogState() {
    const char* wanted = std::getenv("SHOAL_LOG");
    if (wanted != nullptr) ParseLogLevel(wanted, level).IgnoreError();
    Use(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  }

  void Use(spdlog::sink_ptr sink) SHOAL_NO_THREAD_SAFETY_ANALYSIS {
    auto fresh = std::make_shared<spdlog::logger>("shoal", std::move(sink));
    fresh->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc));
    fresh->set_level(ToSpdlog(level));
    fresh->flush_on(spdlog::level::debug);
    logger = std::move(fresh);
  }

  Mutex mutex;
  LogLevel level SHOAL_GUARDED_BY(mutex) = LogLevel::kInfo;
  std::shared_ptr<spdlog::logger> logger
      SHOAL_GUARDED_BY(mutex);  // shared with lines being written
};

LogState& State() {
  static LogState* state =
      new LogState;  // never destroyed: destructors of other objects may still log
  return *state;
}

void AppendValue(std::string_view value, std::string& line) {
  const auto plain = [](char c) {
    return c > ' ' && c != '"' && c != '\\' && c != '=' && c != 127;
  };
  bool quote = value.empty();
  for (char c : value)
    quote = quote || !(plain(c) || static_cast<unsigned char>(c) >= 128 || c == '=');
  if (!quote) {
    line.append(value);
    return;
  }
  line.push_back('"');
  for (char c : value) {
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(c);
    } else if (c == '\n') {
      line.append("\\n");
    } else if (static_cast<unsigned char>(c) < ' ' || c == 127) {
      line.append(StrCat("\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2)));
    } else {
      line.push_back(c);
    }
  }
  line.push_back('"');
}

template <typename... Fields>
void Write(LogLevel level, std::string_view event, const Fields&... fields) {
  LogState& state = State();
  std::shared_ptr<spdlog::logger> logger;
  {
    MutexLock lock(state.mutex);
    if (level < state.level) return;
    logger = state.logger;
  }
  std::string line(event);
  for (const LogField* field : {&fields...}) {
    if (field->key.empty()) continue;
    line.append(StrCat(" ", field->key, "="));
    AppendValue(field->value, line);
  }
  logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

#define SHOAL_DEFINE_LOG(name, level)                                                        \
  void name(std::string_view event, const LogField& a, const LogField& b, const LogField& c, \
            const LogField& d, const LogField& e, const LogField& f, const LogField& g,      \
            const LogField& h) {                                                             \
    Write(level, event, a, b, c, d, e, f, g, h);                                             \
  }
SHOAL_DEFINE_LOG(LogDebug, LogLevel::kDebug)
SHOAL_DEFINE_LOG(LogInfo, LogLevel::kInfo)
SHOAL_DEFINE_LOG(LogWarning, LogLevel::kWarning)
SHOAL_DEFINE_LOG(LogError, LogLevel::kError)
#undef SHOAL_DEFINE_LOG

void SetLogLevel(LogLevel level) {
  LogState& state = State();
  MutexLock lock(state.mutex);
  state.level = level;
  state.logger->set_level(ToSpdlog(level));
}

LogLevel GetLogLevel() {
  LogState& state = State();
  MutexLock lock(state.mutex);
  return state.level;
}

absl::Status LogToFile(const std::string& path) {
  spdlog::sink_ptr sink;
  try {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  } catch (const spdlog::spdlog_ex& error) {
    return absl::UnavailableError(StrCat("opening log file ", path, ": ", error.what()));
  }
  LogState& state = State();
  MutexLock lock(state.mutex);
  state.Use(std::move(sink));
  return absl::OkStatus();
}

absl::Status ParseLogLevel(std::string_view text, LogLevel& level) {
  for (const auto& [name, value] : kLevels) {
    if (name == text) {
      level = value;
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      StrCat("'", text, "' is not a log level; expected debug, info, warning, error or off"));
}

}  // namespace shoal
