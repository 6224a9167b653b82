#include "core/data/tokenizer/oniguruma.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/unicode_text.h"

namespace shoal::data {
namespace {

// Inside of a character class. PCRE2's own \s also holds U+180E.
constexpr std::string_view kSpace =
    "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"
    "\\x{3000}";
constexpr std::string_view kNotSpace =
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}!-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}"
    "\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}"
    "\\x{3001}-\\x{10FFFF}";
// Oniguruma counts six fractions and superscripts among the word characters.
constexpr std::string_view kWord =
    "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}";
constexpr std::string_view kHexDigit = "0-9a-fA-F";

constexpr std::string_view kCategories[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc",
                                            "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
                                            "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So",
                                            "Z",  "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Han"};

// The ranges that Unicode added to a category since PCRE2's tables, as text for a class.
std::string AdditionsTo(std::string_view category) {
  std::string out;
  for (const UnicodeAddition& range : UnicodeAdditions()) {
    const bool han = category == "Han" && range.first >= 0x20000 && range.first < 0x40000;
    if (!han && !std::string_view(range.category).starts_with(category)) continue;
    absl::StrAppendFormat(&out, "\\x{%X}-\\x{%X}", static_cast<uint32_t>(range.first),
                          static_cast<uint32_t>(range.last));
  }
  return out;
}

class Translator {
 public:
  explicit Translator(std::string_view regex) : regex_(regex) {}

  absl::StatusOr<std::string> Run() {
    while (!done()) SHOAL_RETURN_IF_ERROR(Atom());
    return std::move(out_);
  }

 private:
  bool done() const { return at_ >= regex_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < regex_.size() ? regex_[at_ + ahead] : '\0';
  }
  bool Take(std::string_view text) {
    if (!regex_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  absl::Status Refuse(std::string_view what) const {
    return absl::InvalidArgumentError(
        StrCat("the regular expression uses ", what, " at byte ", at_,
               ", which cannot be matched here exactly as Oniguruma does"));
  }

  // A class of its own.
  void PutClass(std::string_view members, bool negated) {
    StrAppend(out_, negated ? "[^" : "[", members, "]");
  }

  absl::Status Atom() {
    const char c = peek();
    if (c != '\\' && !std::isalpha(static_cast<unsigned char>(c))) literal_.clear();
    switch (c) {
      case '\\':
        literal_.clear();
        return Escape();
      case '[':
        return Class();
      case '(':
        return Group();
      case ')':
        if (fold_.size() > 1) fold_.pop_back();
        break;
      case '{':
        return Interval();
      case '$':
        return Refuse("$");
      case '^':
        ++at_;
        out_ += "(?m:^)";
        return absl::OkStatus();
      default:
        SHOAL_RETURN_IF_ERROR(CheckFolding(c));
    }
    out_ += c;
    ++at_;
    return absl::OkStatus();
  }

  // With case folded, Oniguruma lets one character match two letters: refused.
  absl::Status CheckFolding(char c) {
    if (!fold_.back()) return absl::OkStatus();
    if (static_cast<unsigned char>(c) >= 0x80) return Refuse("a letter beyond ASCII within (?i)");
    if (!std::isalpha(static_cast<unsigned char>(c))) return absl::OkStatus();
    literal_ += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (const std::string_view pair : {"ss", "ff", "fi", "fl", "st"}) {
      if (literal_.ends_with(pair)) return Refuse(StrCat("\"", pair, "\" within (?i)"));
    }
    return absl::OkStatus();
  }

  absl::Status Group() {
    if (peek(1) == '?') {
      if (Take("(?i)")) {
        if (at_ != 4) return Refuse("(?i) that is not at the start");
        fold_.back() = true;
        out_ += "(?i)";
        return absl::OkStatus();
      }
      for (const std::string_view open : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:"}) {
        if (!Take(open)) continue;
        fold_.push_back(fold_.back() || open == "(?i:");
        out_ += open;
        return absl::OkStatus();
      }
      return Refuse(StrCat("the group \"", regex_.substr(at_, 4), "\""));
    }
    if (peek(1) == '*') return Refuse("\"(*\"");
    ++at_;
    fold_.push_back(fold_.back());
    out_ += "(?:";  // what it captures is not used
    return absl::OkStatus();
  }

  // {n}, {n,}, {n,m}, {,m}
  absl::Status Interval() {
    size_t i = at_ + 1;
    std::string low, high;
    bool comma = false;
    for (; i < regex_.size() && regex_[i] != '}'; ++i) {
      if (regex_[i] == ',' && !comma) {
        comma = true;
      } else if (std::isdigit(static_cast<unsigned char>(regex_[i])) != 0) {
        (comma ? high : low) += regex_[i];
      } else {
        return Refuse("{ that begins no repetition");
      }
    }
    if (i == regex_.size() || (low.empty() && high.empty()) || out_.empty()) {
      return Refuse("{ that begins no repetition");
    }
    at_ = i + 1;
    if (peek() == '+' || (peek() == '?' && !comma)) return Refuse("a sign after a repetition");
    StrAppend(out_, "{", low.empty() ? "0" : low, comma ? "," : "", high, "}");
    return absl::OkStatus();
  }

  // What an escape stands for within a class, or nullopt when it is a single character, which is
  // then in `single`.
  absl::StatusOr<std::optional<std::string>> EscapeInClass(bool* negated, std::string* single) {
    const char c = peek(1);
    *negated = false;
    switch (c) {
      case 's':
        at_ += 2;
        return std::string(kSpace);
      case 'S':
        at_ += 2;
        return std::string(kNotSpace);
      case 'd':
      case 'D':
        at_ += 2;
        *negated = c == 'D';
        return StrCat("\\p{Nd}", AdditionsTo("Nd"));
      case 'w':
      case 'W':
        at_ += 2;
        *negated = c == 'W';
        return StrCat(kWord, AdditionsTo("L"), AdditionsTo("M"), AdditionsTo("Nd"));
      case 'h':
      case 'H':
        at_ += 2;
        *negated = c == 'H';
        return std::string(kHexDigit);
      case 'p':
      case 'P':
        return Property(negated);
      default:
        SHOAL_ASSIGN_OR_RETURN(*single, SingleCharacter());
        return std::optional<std::string>();
    }
  }

  absl::StatusOr<std::optional<std::string>> Property(bool* negated) {
    const size_t end = regex_.find('}', at_);
    if (peek(2) != '{' || end == std::string_view::npos) return Refuse("\\p without {name}");
    std::string_view name = regex_.substr(at_ + 3, end - at_ - 3);
    *negated = peek(1) == 'P';
    if (name.starts_with('^')) {
      *negated = !*negated;
      name.remove_prefix(1);
    }
    if (std::find(std::begin(kCategories), std::end(kCategories), name) == std::end(kCategories)) {
      return Refuse(StrCat("\\p{", name, "}"));
    }
    if (fold_.back() && (name == "Lu" || name == "Ll" || name == "Lt")) {
      return Refuse(StrCat("\\p{", name, "} within (?i)"));
    }
    at_ = end + 1;
    return StrCat("\\p{", name == "Han" ? "sc:" : "", name, "}", AdditionsTo(name));
  }

  // An escape that is one character; moves behind it.
  absl::StatusOr<std::string> SingleCharacter() {
    const char c = peek(1);
    if (c == 'u' || c == 'x') {
      const bool braces = c == 'x' && peek(2) == '{';
      size_t i = at_ + (braces ? 3 : 2);
      std::string digits;
      while (i < regex_.size() && std::isxdigit(static_cast<unsigned char>(regex_[i])) != 0 &&
             digits.size() < (braces     ? 6
                              : c == 'u' ? 4
                                         : 2)) {
        digits += regex_[i++];
      }
      const bool complete = braces ? i < regex_.size() && regex_[i] == '}' && !digits.empty()
                                   : digits.size() == (c == 'u' ? 4 : 2);
      if (!complete) return Refuse("an incomplete \\x or \\u");
      if (c == 'x' && !braces && digits[0] >= '8') return Refuse("\\x with a byte beyond ASCII");
      at_ = i + (braces ? 1 : 0);
      return StrCat("\\x{", digits, "}");
    }
    constexpr std::string_view kSame = "ntrfae";
    if (c == 'v') {
      at_ += 2;
      return std::string("\\x{B}");
    }
    if (kSame.find(c) != std::string_view::npos ||
        (static_cast<unsigned char>(c) < 0x80 && std::ispunct(static_cast<unsigned char>(c)))) {
      at_ += 2;
      return std::string({'\\', c});
    }
    return Refuse(StrCat("\\", std::string_view(&c, c == '\0' ? 0 : 1)));
  }

  absl::Status Escape() {
    if (peek(1) == 'A' || peek(1) == 'z') {
      StrAppend(out_, regex_.substr(at_, 2));
      at_ += 2;
      return absl::OkStatus();
    }
    bool negated = false;
    std::string single;
    SHOAL_ASSIGN_OR_RETURN(const std::optional<std::string> members,
                           EscapeInClass(&negated, &single));
    if (members.has_value()) {
      PutClass(*members, negated);
    } else {
      out_ += single;
    }
    return absl::OkStatus();
  }

  absl::Status Class() {
    ++at_;
    const bool negated = Take("^");
    std::string members;
    for (bool first = true; done() || peek() != ']' || first; first = false) {
      if (done()) return Refuse("[ without ]");
      if (peek() == '[') return Refuse("a class within a class");
      if (regex_.substr(at_).starts_with("&&")) return Refuse("&& within a class");
      if (peek() == ']') return Refuse("] as the first member of a class");
      if (fold_.back() && static_cast<unsigned char>(peek()) >= 0x80) {
        return Refuse("a letter beyond ASCII within (?i)");
      }
      const bool begins_range = !first && regex_[at_ - 1] == '-' && regex_[at_ - 2] != '\\';
      if (peek() != '\\') {
        members += regex_[at_++];
        continue;
      }
      bool member_negated = false;
      std::string single;
      SHOAL_ASSIGN_OR_RETURN(const std::optional<std::string> escape,
                             EscapeInClass(&member_negated, &single));
      if (member_negated) return Refuse("a negated property within a class");
      const bool range = begins_range || (peek() == '-' && peek(1) != ']');
      if (escape.has_value() && range) return Refuse("a range that begins or ends with a property");
      members += escape.value_or(single);
    }
    ++at_;
    PutClass(members, negated);
    return absl::OkStatus();
  }

  std::string_view regex_;
  size_t at_ = 0;
  std::string out_;
  std::string literal_;               // the letters just before, when case is folded
  std::vector<bool> fold_ = {false};  // per open group: is case folded?
};

}  // namespace

absl::StatusOr<std::string> TranslateOniguruma(std::string_view regex) {
  return Translator(regex).Run();
}

}  // namespace shoal::data
