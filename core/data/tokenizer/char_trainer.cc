#include "core/data/tokenizer/char_trainer.h"

#include <algorithm>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/unicode_text.h"

namespace shoal::data {

CharTrainer::CharTrainer(std::vector<std::string> special_tokens)
    : special_tokens_(std::move(special_tokens)), matcher_(special_tokens_) {}

void CharTrainer::AddText(std::string_view text) {
  report_.text_bytes += static_cast<int64_t>(text.size());
  for (size_t begin = 0; begin < text.size();) {
    const SpecialMatcher::Match match = matcher_.Find(text, begin);
    std::string_view stretch = text.substr(begin, match.begin - begin);
    while (!stretch.empty()) {
      size_t bytes = 1;
      if (const std::optional<char32_t> c = DecodeUtf8(stretch, bytes)) {
        characters_.insert(*c);
      } else {
        report_.invalid_utf8_bytes += static_cast<int64_t>(bytes);
      }
      stretch.remove_prefix(bytes);
    }
    begin = match.begin + match.size;
  }
}

absl::StatusOr<Tokenizer> CharTrainer::Train(CharTrainerReport* report) const {
  if (characters_.empty()) {
    return absl::InvalidArgumentError("the training text holds no characters");
  }
  TokenizerParts parts;
  parts.kind = ModelKind::kCharBpe;
  parts.pretokenizers.clear();
  for (const std::string& special : special_tokens_) {
    if (special.size() < 2) {
      return absl::InvalidArgumentError(
          StrCat("special token \"", special, "\" must be longer than one byte"));
    }
    parts.added.push_back({.id = static_cast<int32_t>(parts.tokens.size()), .content = special});
    parts.tokens.emplace_back(special);
  }
  std::vector<char32_t> sorted(characters_.begin(), characters_.end());
  std::sort(sorted.begin(), sorted.end());
  for (const char32_t c : sorted) {
    std::string text;
    AppendUtf8(c, text);
    parts.tokens.emplace_back(std::move(text));
  }
  if (report != nullptr) {
    *report = report_;
    report->characters = static_cast<int32_t>(sorted.size());
    report->vocab_size = static_cast<int32_t>(parts.tokens.size());
  }
  return Tokenizer::FromParts(std::move(parts));
}

}  // namespace shoal::data
