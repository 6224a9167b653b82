#include "plugins/mock/script.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <utility>

#include "plugins/support/signatures.h"
#include "plugins/support/status.h"

namespace shoal::mock {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

template <class Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

// A word of the form name=value.
bool ParseSetting(std::string_view name, std::string_view value, Script* script) {
  if (name == "step_ms") return ParseNumber(value, &script->step_ms) && script->step_ms >= 0;
  if (name == "once") {
    script->once = std::string(value);
    return !value.empty();
  }
  if (name != "refuse") return false;
  const std::string wanted = Upper(value);
  for (int32_t kind = 1; plugins::FindSignature(kind) != nullptr; ++kind) {
    if (wanted == plugins::OpName(kind)) script->refuse = kind;
  }
  return script->refuse != SHOAL_OP_INVALID;
}

// A word of the form name@step.
bool ParseFault(std::string_view name, std::string_view step, Script* script) {
  if (name == "oom" && step == "open") return script->oom_at_open = true;
  const std::pair<std::string_view, std::optional<uint64_t>*> faults[] = {
      {"nan", &script->nan},     {"error", &script->error}, {"oom", &script->oom},
      {"crash", &script->crash}, {"segv", &script->segv},   {"hang", &script->hang}};
  for (const auto& [known, place] : faults) {
    if (name != known) continue;
    uint64_t number = 0;
    if (!ParseNumber(step, &number)) return false;
    *place = number;
    return true;
  }
  return false;
}

bool ParseWord(std::string_view word, Script* script) {
  if (word == "unavailable") return script->unavailable = true;
  if (const size_t equals = word.find('='); equals != std::string_view::npos) {
    return ParseSetting(Trim(word.substr(0, equals)), Trim(word.substr(equals + 1)), script);
  }
  if (const size_t at = word.find('@'); at != std::string_view::npos) {
    return ParseFault(Trim(word.substr(0, at)), Trim(word.substr(at + 1)), script);
  }
  return false;
}

}  // namespace

int32_t ParseScript(std::string_view text, Script* script, shoal_status* status) {
  while (!text.empty()) {
    const size_t end = text.find(';');
    const std::string_view word = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (word.empty() || ParseWord(word, script)) continue;
    return plugins::Fail(
        status, plugins::kInvalidArgument,
        "the mock does not understand \"%.*s\"; it knows step_ms=MS, nan@N, error@N, oom@N, "
        "oom@open, unavailable, crash@N, segv@N, hang@N, refuse=OP, once=FILE",
        static_cast<int>(word.size() < 200 ? word.size() : 200), word.data());
  }
  return plugins::kOk;
}

bool Faults::Strikes() {
  if (allowed_.has_value()) return *allowed_;
  if (script_.once.empty()) return *(allowed_ = true);
  // O_EXCL: of two processes with one file, one fails and one goes on.
  const int mark = open(script_.once.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (mark >= 0) close(mark);
  return *(allowed_ = mark >= 0);
}

}  // namespace shoal::mock
