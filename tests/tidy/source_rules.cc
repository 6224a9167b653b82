#include "tests/tidy/source_rules.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "core/base/file.h"
#include "core/base/strings.h"

namespace shoal {
namespace {

constexpr size_t kSoftLines = 500;
constexpr size_t kHardLines = 700;
constexpr size_t kHardTestLines = 900;

bool HasExtension(const std::string& path, std::initializer_list<std::string_view> extensions) {
  return std::any_of(extensions.begin(), extensions.end(),
                     [&path](std::string_view e) { return path.ends_with(e); });
}

bool IsCpp(const std::string& path) { return HasExtension(path, {".cc", ".h", ".cu", ".cuh"}); }

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// A call that has one place: text, the beginnings of paths that may hold it, and the remedy.
struct BannedCall {
  std::string_view call;
  std::vector<std::string_view> allowed;
  std::string_view remedy;
};

const std::vector<BannedCall>& BannedCalls() {
  static const std::vector<BannedCall>* calls = new std::vector<BannedCall>{
      {"fork(", {"tests/tidy/"}, "start programs with core/base/subprocess.h"},
      {"vfork(", {"tests/tidy/"}, "start programs with core/base/subprocess.h"},
      {"absl::Now(", {"core/base/", "tests/"}, "take a const Clock&"},
      {"system_clock::now(", {"core/base/", "tests/"}, "take a const Clock&"},
      {"std::rand(", {"tests/"}, "use core/base/random.h"},
      {"random_device", {"tests/"}, "use core/base/random.h"},
  };
  return *calls;
}

// True when `needle` begins in `line` at a place where no word or path is already running.
bool StandsAlone(std::string_view line, std::string_view needle) {
  for (size_t at = line.find(needle); at != std::string_view::npos;
       at = line.find(needle, at + 1)) {
    if (at == 0) return true;
    const char before = line[at - 1];
    if (!IsWord(before) && before != '.' && before != '~' && before != '-' && before != '/' &&
        before != '*' && before != '}' && before != ':' && before != '>') {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Violation> CheckLength(const SourceFile& file, std::vector<Violation>* soft) {
  if (!IsCpp(file.path) && !HasExtension(file.path, {".proto", ".ts", ".tsx", ".cmake"})) return {};
  const size_t lines = file.Lines().size();
  const bool test =
      file.path.starts_with("tests/") || file.path.find(".test.") != std::string::npos;
  const size_t hard = test ? kHardTestLines : kHardLines;
  if (lines > hard) {
    return {{file.path, 0, StrCat("has ", lines, " lines, of at most ", hard, ": split it")}};
  }
  if (lines > kSoftLines && !test && soft != nullptr) {
    soft->push_back({file.path, 0, StrCat("has ", lines, " lines: split it before ", hard)});
  }
  return {};
}

std::vector<Violation> CheckName(const SourceFile& file) {
  static const std::set<std::string_view>* banned = new std::set<std::string_view>{
      "util", "utils", "utility", "utilities", "helper", "helpers", "common", "misc", "stuff"};
  for (std::string_view part : StrSplit(file.path, '/')) {
    std::string_view stem = part.substr(0, part.find('.'));
    if (stem.ends_with("_test")) stem.remove_suffix(5);
    if (banned->contains(stem)) {
      return {{file.path, 0, StrCat("'", stem, "' says nothing: name it by its subject")}};
    }
  }
  return {};
}

std::vector<Violation> CheckText(const SourceFile& file) {
  // Written in halves, so that this file does not hold them.
  static const std::vector<std::string>* machine_paths = new std::vector<std::string>{
      StrCat("/ho", "me/"), StrCat("/Us", "ers/"), StrCat("/wo", "rk/"), StrCat("../sha", "red/")};
  static const std::string* todo = new std::string(StrCat("TO", "DO"));

  std::vector<Violation> violations;
  // Highway includes its *-inl.h once per target, on purpose.
  const bool header = file.path.ends_with(".h") && !file.path.ends_with("-inl.h");
  if (header && file.text.find("#pragma once") == std::string::npos &&
      file.text.find("#ifndef") == std::string::npos) {
    violations.push_back({file.path, 0, "a header begins with #pragma once"});
  }
  int number = 0;
  for (std::string_view line : file.Lines()) {
    ++number;
    for (const std::string& path : *machine_paths) {
      if (StandsAlone(line, path)) {
        violations.push_back({file.path, number, StrCat("holds a path of one machine: ", path)});
      }
    }
    const size_t at = line.find(*todo);
    if (at != std::string_view::npos && (at == 0 || !IsWord(line[at - 1]))) {
      const std::string_view after = line.substr(at + todo->size());
      if (!after.starts_with("(") && (after.empty() || !IsWord(after[0]))) {
        violations.push_back({file.path, number,
                              "a TO"
                              "DO names its owner: (name): what is missing"});
      }
    }
    if (!IsCpp(file.path)) continue;
    const std::string_view code = line.substr(0, line.find("//"));
    for (const BannedCall& banned : BannedCalls()) {
      const size_t call = code.find(banned.call);
      if (call == std::string_view::npos || (call > 0 && IsWord(code[call - 1]))) continue;
      const bool allowed =
          std::any_of(banned.allowed.begin(), banned.allowed.end(),
                      [&file](std::string_view prefix) { return file.path.starts_with(prefix); });
      if (!allowed)
        violations.push_back(
            {file.path, number, StrCat("uses ", banned.call, ": ", banned.remedy)});
    }
  }
  return violations;
}

}  // namespace shoal
