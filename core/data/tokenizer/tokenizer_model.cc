#include "core/data/tokenizer/tokenizer_model.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

constexpr size_t kMaxVocabSize = size_t{1} << 21;

// What the Hugging Face decoder does to a WordPiece, in its order.
std::string CleanUp(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> kReplacements[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kReplacements) {
    absl::StrReplaceAll({{AbslView(from), AbslView(to)}}, &text);
  }
  return text;
}

std::vector<std::string> RunningTexts(const TokenizerParts& parts) {
  std::vector<std::string> texts;
  if (parts.kind != ModelKind::kWordPiece) return texts;
  for (const std::optional<std::string>& token : parts.tokens) {
    std::string text;
    if (token.has_value()) {
      text = token->starts_with(parts.continuing_prefix)
                 ? token->substr(parts.continuing_prefix.size())
                 : StrCat(" ", *token);
    }
    texts.push_back(parts.cleanup ? CleanUp(std::move(text)) : std::move(text));
  }
  return texts;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer::Model>> Tokenizer::Model::Build(
    TokenizerParts given) {
  auto model = std::make_shared<Model>();
  model->parts = std::move(given);
  TokenizerParts& parts = model->parts;
  SHOAL_RETURN_IF_ERROR(model->CheckTokens());
  SHOAL_ASSIGN_OR_RETURN(model->normalizer, Normalizer::Create(parts.normalizers));
  SHOAL_ASSIGN_OR_RETURN(model->pretokenizer, Pretokenizer::Create(parts.pretokenizers));
  SHOAL_RETURN_IF_ERROR(model->IndexAdded());
  SHOAL_ASSIGN_OR_RETURN(model->words, parts.kind == ModelKind::kWordPiece
                                           ? MakeWordPieceModel(parts, model->special)
                                           : MakeBpeModel(parts, model->special));
  model->running_text = RunningTexts(parts);
  return std::shared_ptr<const Model>(std::move(model));
}

absl::Status Tokenizer::Model::CheckTokens() const {
  const size_t size = parts.tokens.size();
  if (size == 0) return absl::InvalidArgumentError("the vocabulary is empty");
  if (size > kMaxVocabSize) {
    return absl::InvalidArgumentError(
        StrCat("the vocabulary has ids up to ", size - 1, "; at most ", kMaxVocabSize - 1));
  }
  const bool bytes = !parts.pretokenizers.empty() &&
                     parts.pretokenizers.back().kind == PretokenizerStep::Kind::kByteLevel;
  if (bytes != (parts.kind == ModelKind::kByteBpe)) {
    return absl::InvalidArgumentError(
        bytes ? "pre_tokenizer: ByteLevel goes with a byte-level BPE model only"
              : "pre_tokenizer: a byte-level BPE model needs ByteLevel as the last step");
  }
  const auto exists = [&](int32_t id) {
    return id >= 0 && static_cast<size_t>(id) < size && parts.tokens[static_cast<size_t>(id)];
  };
  if (parts.unknown.has_value() && !exists(*parts.unknown)) {
    return absl::InvalidArgumentError(
        StrCat("the unknown token has id ", *parts.unknown, ", which is not in the vocabulary"));
  }
  for (const int32_t id : parts.unreachable) {
    if (!exists(id)) return absl::InvalidArgumentError(StrCat("unreachable id ", id));
  }
  return absl::OkStatus();
}

absl::Status Tokenizer::Model::IndexAdded() {
  const size_t size = parts.tokens.size();
  special.assign(size, 0);
  std::vector<uint8_t> seen_id(size, 0);
  absl::flat_hash_map<std::string_view, int32_t> seen;
  std::vector<AddedToken> plain, normalized;
  std::vector<std::string> plain_contents, normalized_contents;
  PatternScratch scratch;
  for (const AddedToken& token : parts.added) {
    const std::string name = StrCat(
        "\"", absl::CHexEscape(AbslView(std::string_view(token.content).substr(0, 80))), "\"");
    if (token.content.empty()) {
      return absl::InvalidArgumentError(StrCat("special token ", token.id, " is empty"));
    }
    if (token.id < 0 || static_cast<size_t>(token.id) >= size) {
      return absl::InvalidArgumentError(
          StrCat("special token ", name, " has id ", token.id, ", outside 0..", size - 1));
    }
    const auto id = static_cast<size_t>(token.id);
    if (!seen.emplace(token.content, token.id).second || seen_id[id] != 0) {
      return absl::InvalidArgumentError(
          StrCat("special token ", name, " or its id ", id, " occurs twice"));
    }
    seen_id[id] = 1;
    special[id] = token.special ? 1 : 0;
    parts.tokens[id] = token.content;
    if (token.normalized) {
      normalized.push_back(token);
      normalized_contents.push_back(normalizer.Apply(token.content, scratch));
    } else {
      plain.push_back(token);
      plain_contents.push_back(token.content);
    }
  }
  in_text = AddedTokens(std::move(plain), std::move(plain_contents));
  in_normalized = AddedTokens(std::move(normalized), std::move(normalized_contents));
  return absl::OkStatus();
}

std::string_view Tokenizer::Model::Text(int32_t id, bool first) const {
  const auto index = static_cast<size_t>(id);
  if (!first && parts.kind == ModelKind::kWordPiece) return running_text[index];
  const std::optional<std::string>& token = parts.tokens[index];
  return token.has_value() ? std::string_view(*token) : std::string_view();
}

}  // namespace shoal::data
