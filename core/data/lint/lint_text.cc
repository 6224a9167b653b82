#include "core/data/lint/lint_text.h"

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "core/base/strings.h"
#include "core/data/lint/lint.h"

namespace shoal::data {
namespace {

constexpr size_t kMaxBlankBytes = 80;

// What may stand inside of a blank: names, alternatives, tags, a call. A space only after a name's
// "a", as in {a fish}, or beside a comma.
bool IsBlankInside(std::string_view inside) {
  if (inside.empty() || inside.size() > kMaxBlankBytes) return false;
  bool letter = false;
  for (size_t i = 0; i < inside.size(); ++i) {
    const auto c = static_cast<unsigned char>(inside[i]);
    if (absl::ascii_isalpha(c)) {
      letter = true;
    } else if (c == ' ') {
      const bool article = inside.substr(0, i) == "a" || inside.substr(0, i) == "^a";
      const bool list = i > 0 && inside[i - 1] == ',';
      if (!article && !list && inside.find('|') == inside.npos) return false;
    } else if (!absl::ascii_isdigit(c) &&
               std::string_view("_.@^|(),=+-*").find(inside[i]) == std::string_view::npos) {
      return false;
    }
  }
  return letter;
}

}  // namespace

uint64_t TextHash(std::string_view text) { return absl::HashOf(AbslView(text)); }

std::string_view FindUnresolvedBlank(std::string_view text) {
  for (size_t i = 0; (i = text.find_first_of("{%", i)) != text.npos; ++i) {
    const bool brace = text[i] == '{';
    if (!brace && text.substr(i, 2) != "%(") continue;
    const size_t close = text.find(brace ? '}' : ')', i);
    if (close == text.npos) continue;
    if (!brace) {
      const bool typed =
          close + 1 < text.size() && (text[close + 1] == 's' || text[close + 1] == 'd');
      if (typed && IsBlankInside(text.substr(i + 2, close - i - 2))) {
        return text.substr(i, close + 2 - i);
      }
      continue;
    }
    size_t begin = i + 1, end = close + 1;
    while (begin < close && text[begin] == '{') ++begin;
    if (!IsBlankInside(text.substr(begin, close - begin))) continue;
    while (end < text.size() && text[end] == '}' && end - close < begin - i) ++end;
    return text.substr(i, end - i);
  }
  return {};
}

std::string PlainTextOf(const Example& example) {
  if (!example.chat) return example.text;
  std::string text;
  for (const MessageView& message : MessagesOf(example)) {
    text += message.content;
    text += '\n';
  }
  return text;
}

std::string Excerpt(std::string_view text, size_t bytes) {
  text = StripSpace(text);
  std::string out(text.substr(0, bytes));
  if (out.size() < text.size()) {
    while (!out.empty() && (static_cast<uint8_t>(text[out.size()]) & 0xC0) == 0x80) out.pop_back();
    out += "...";
  }
  for (size_t at = 0; (at = out.find('\n', at)) != out.npos; at += 3) out.replace(at, 1, " | ");
  return out;
}

}  // namespace shoal::data
