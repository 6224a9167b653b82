// WordPiece, as BERT uses it: from the left, the longest entry of the vocabulary; entries within a
// word carry a prefix. A word that cannot be made of entries, or is too long, is unknown as a
// whole. Source: the tokenizer of google-research/bert.
#include "absl/container/flat_hash_map.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/token_model.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

class WordPieceModel final : public TokenModel {
 public:
  explicit WordPieceModel(const TokenizerParts& parts) : parts_(parts) {}

  absl::Status Index(const std::vector<uint8_t>& special) {
    if (!parts_.unknown.has_value()) {
      return absl::InvalidArgumentError("a WordPiece vocabulary needs an unknown token");
    }
    if (parts_.max_word_chars < 1) {
      return absl::InvalidArgumentError(
          StrCat("max_input_chars_per_word is ", parts_.max_word_chars));
    }
    std::vector<uint8_t> left_out = special;
    for (const AddedToken& token : parts_.added) {
      if (!token.in_model) left_out[static_cast<size_t>(token.id)] = 1;
    }
    for (size_t i = 0; i < parts_.tokens.size(); ++i) {
      if (!parts_.tokens[i].has_value() || left_out[i] != 0) continue;
      const std::string& text = *parts_.tokens[i];
      const auto [existing, added] = id_of_text_.emplace(text, static_cast<int32_t>(i));
      if (!added) {
        return absl::InvalidArgumentError(
            StrCat("tokens ", existing->second, " and ", i, " are both \"", text, "\""));
      }
      longest_ = std::max(longest_, text.size());
    }
    return absl::OkStatus();
  }

  int64_t EncodeWord(std::string_view word, ModelScratch& scratch,
                     std::vector<int32_t>& out) const override {
    const size_t first = out.size();
    if (CountChars(word) <= static_cast<size_t>(parts_.max_word_chars)) {
      size_t begin = 0;
      while (begin < word.size()) {
        const size_t bytes = LongestAt(word, begin, scratch, out);
        if (bytes == 0) break;
        begin += bytes;
      }
      if (begin == word.size()) return 0;
      out.resize(first);
    }
    out.push_back(*parts_.unknown);
    return static_cast<int64_t>(word.size());
  }

 private:
  static size_t CountChars(std::string_view word) {
    size_t count = 0;
    for (; !word.empty(); ++count) word.remove_prefix(NextUtf8(word).bytes);
    return count;
  }

  // Appends the longest entry that the rest of the word begins with; the bytes of the word it
  // covers, 0 when there is none.
  size_t LongestAt(std::string_view word, size_t begin, ModelScratch& scratch,
                   std::vector<int32_t>& out) const {
    std::string& piece = scratch.piece;
    piece.assign(begin > 0 ? parts_.continuing_prefix : std::string());
    const size_t prefix = piece.size();
    piece.append(word.substr(begin));
    if (piece.size() > longest_) piece.resize(longest_);
    for (; piece.size() > prefix; piece.pop_back()) {
      const auto entry = id_of_text_.find(piece);
      if (entry == id_of_text_.end()) continue;
      out.push_back(entry->second);
      return piece.size() - prefix;
    }
    return 0;
  }

  const TokenizerParts& parts_;
  absl::flat_hash_map<std::string, int32_t> id_of_text_;
  size_t longest_ = 0;  // bytes of the longest entry
};

}  // namespace

absl::StatusOr<std::unique_ptr<TokenModel>> MakeWordPieceModel(
    const TokenizerParts& parts, const std::vector<uint8_t>& special) {
  auto model = std::make_unique<WordPieceModel>(parts);
  SHOAL_RETURN_IF_ERROR(model->Index(special));
  return model;
}

}  // namespace shoal::data
