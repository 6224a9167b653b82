#include "core/data/tokenizer/normalizer.h"

#include "core/base/status.h"
#include "core/data/tokenizer/unicode_text.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

using Kind = NormalizerStep::Kind;

// Calls f(char32_t) for each character and g(std::string_view) for bytes that are not UTF-8.
template <typename F, typename G>
void ForEachChar(std::string_view text, F&& f, G&& g) {
  while (!text.empty()) {
    size_t bytes = 1;
    if (const std::optional<char32_t> c = DecodeUtf8(text, bytes)) {
      f(*c);
    } else {
      g(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
}

std::string Lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachChar(
      text, [&](char32_t c) { AppendLower(c, out); },
      [&](std::string_view bytes) { out += bytes; });
  return out;
}

template <typename Keep>
std::string Filter(std::string_view text, Keep&& keep) {
  std::string out;
  out.reserve(text.size());
  ForEachChar(
      text,
      [&](char32_t c) {
        if (keep(c)) AppendUtf8(c, out);
      },
      [&](std::string_view bytes) { out += bytes; });
  return out;
}

std::string BertClean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachChar(
      text,
      [&](char32_t c) {
        if (c == 0 || c == 0xFFFD || IsBertControl(c)) return;
        AppendUtf8(IsWhiteSpace(c) ? U' ' : c, out);
      },
      [](std::string_view) {});
  return out;
}

std::string SpaceChinese(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachChar(
      text,
      [&](char32_t c) {
        const bool chinese = IsBertChinese(c);
        if (chinese) out += ' ';
        AppendUtf8(c, out);
        if (chinese) out += ' ';
      },
      [&](std::string_view bytes) { out += bytes; });
  return out;
}

std::string Normalized(NormalForm form, std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendNormalized(form, text, out);
  return out;
}

std::string Bert(const NormalizerStep& step, std::string text) {
  if (step.clean_text) text = BertClean(text);
  if (step.chinese) text = SpaceChinese(text);
  if (step.strip_accents) {
    text = Filter(Normalized(NormalForm::kNfd, text),
                  [](char32_t c) { return !IsBertNonspacingMark(c); });
  }
  return step.lowercase ? Lowercase(text) : text;
}

std::string Strip(std::string_view text, bool left, bool right) {
  size_t begin = text.size(), end = 0;  // of what is not white space
  for (size_t at = 0, bytes = 1; at < text.size(); at += bytes) {
    const std::optional<char32_t> c = DecodeUtf8(text.substr(at), bytes);
    if (c.has_value() && IsWhiteSpace(*c)) continue;
    begin = std::min(begin, at);
    end = at + bytes;
  }
  if (!left) begin = 0;
  if (!right) end = text.size();
  return begin < end ? std::string(text.substr(begin, end - begin)) : std::string();
}

std::string Replace(std::string_view text, const Pattern& pattern, const std::string& content,
                    PatternScratch& scratch) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const Pattern::Match match = pattern.Find(text, begin, scratch);
    out += text.substr(begin, match.begin - begin);
    if (!match.found) break;
    out += content;
    begin = match.end;
  }
  return out;
}

}  // namespace

absl::StatusOr<Normalizer> Normalizer::Create(const std::vector<NormalizerStep>& steps) {
  Normalizer normalizer;
  for (const NormalizerStep& step : steps) {
    Step compiled{step, {}};
    if (step.kind == Kind::kReplace) {
      SHOAL_ASSIGN_OR_RETURN(Pattern pattern, Pattern::Compile(step.pattern),
                             "normalizer: Replace");
      compiled.pattern.push_back(std::move(pattern));
    }
    normalizer.steps_.push_back(std::move(compiled));
  }
  return normalizer;
}

std::string Normalizer::Apply(std::string_view input, PatternScratch& scratch) const {
  std::string text(input);
  for (const Step& step : steps_) {
    switch (step.what.kind) {
      case Kind::kNfc:
        text = Normalized(NormalForm::kNfc, text);
        break;
      case Kind::kNfd:
        text = Normalized(NormalForm::kNfd, text);
        break;
      case Kind::kNfkc:
        text = Normalized(NormalForm::kNfkc, text);
        break;
      case Kind::kNfkd:
        text = Normalized(NormalForm::kNfkd, text);
        break;
      case Kind::kLowercase:
        text = Lowercase(text);
        break;
      case Kind::kStripAccents:
        text = Filter(text, [](char32_t c) { return !IsCombiningMark(c); });
        break;
      case Kind::kStrip:
        text = Strip(text, step.what.strip_left, step.what.strip_right);
        break;
      case Kind::kPrepend:
        if (!text.empty()) text.insert(0, step.what.text);
        break;
      case Kind::kReplace:
        text = Replace(text, step.pattern[0], step.what.text, scratch);
        break;
      case Kind::kBert:
        text = Bert(step.what, std::move(text));
        break;
    }
  }
  return text;
}

}  // namespace shoal::data
