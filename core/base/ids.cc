#include "core/base/ids.h"

#include <sys/random.h>

#include "core/base/check.h"
#include "core/base/strings.h"

namespace shoal::id_internal {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kTimeCharacters = 9;
constexpr int kRandomCharacters = 11;
constexpr size_t kCharacters = kTimeCharacters + kRandomCharacters;

void AppendBase32(uint64_t value, int characters, std::string& out) {
  for (int i = characters - 1; i >= 0; --i) out.push_back(kAlphabet[(value >> (5 * i)) & 31]);
}

}  // namespace

std::string Make(std::string_view kind, absl::Time time, uint64_t random) {
  const int64_t milliseconds = absl::ToUnixMillis(time);
  SHOAL_CHECK(milliseconds >= 0 && milliseconds < (int64_t{1} << (5 * kTimeCharacters)),
              "id of time ", milliseconds);
  std::string text = StrCat(kind, "-");
  AppendBase32(static_cast<uint64_t>(milliseconds), kTimeCharacters, text);
  AppendBase32(random, kRandomCharacters, text);
  return text;
}

absl::Status Validate(std::string_view kind, std::string_view text) {
  const auto invalid = [&](std::string_view why) {
    return absl::InvalidArgumentError(StrCat("'", text, "' is not a ", kind, " id: ", why,
                                             "; expected ", kind, "- and ", kCharacters,
                                             " characters of 0-9 a-z without i, l, o, u"));
  };
  if (text.substr(0, kind.size()) != kind || text.substr(kind.size(), 1) != "-") {
    return invalid("it does not begin with its kind");
  }
  const std::string_view body = text.substr(kind.size() + 1);
  if (body.size() != kCharacters)
    return invalid(StrCat("it has ", body.size(), " characters after the dash"));
  for (char c : body) {
    if (kAlphabet.find(c) == std::string_view::npos)
      return invalid(StrCat("it holds '", std::string(1, c), "'"));
  }
  return absl::OkStatus();
}

uint64_t SystemRandom() {
  uint64_t value = 0;
  SHOAL_CHECK(getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

absl::Time TimeOf(std::string_view kind, std::string_view text) {
  SHOAL_CHECK(!text.empty());
  uint64_t value = 0;
  for (char c : text.substr(kind.size() + 1, kTimeCharacters))
    value = value << 5 | kAlphabet.find(c);
  return absl::FromUnixMillis(static_cast<int64_t>(value));
}

}  // namespace shoal::id_internal
