#include "core/data/tokenizer/tokenizer_lint.h"

#include <algorithm>
#include <cctype>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/special_matcher.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

// Stands in for a corpus: what people type.
constexpr std::string_view kSentences[] = {
    "Hello! How are you today?",
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "It's 7:45 on 12 March 1987 (a Thursday): 3 boats, 24 shells & 100% fog.",
    "\"What's that?\" she asked; he said \"nothing\" - and left...",
    "Caf\u00e9, na\u00efve, \u4f60\u597d, \u043f\u0440\u0438\u0432\u0435\u0442, \U0001f9a6",
};

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int64_t CountWords(std::string_view text) {
  int64_t words = 0;
  bool within = false;
  for (const char c : text) {
    words += !IsSpace(c) && !within;
    within = !IsSpace(c);
  }
  return words;
}

std::vector<std::string> AddedContents(const Tokenizer& tokenizer) {
  std::vector<std::string> contents;
  for (const AddedToken& token : tokenizer.parts().added) contents.push_back(token.content);
  return contents;
}

class Linter {
 public:
  Linter(const Tokenizer& tokenizer, const TokenizerLintLimits& limits)
      : tokenizer_(tokenizer),
        limits_(limits),
        encoder_(tokenizer),
        added_(AddedContents(tokenizer)),
        seen_(static_cast<size_t>(tokenizer.vocab_size()), false) {}

  void Vocabulary(VocabularyFacts& facts);
  void Corpus(std::span<const std::string_view> texts, CorpusFacts& facts);

 private:
  // Encodes and adds to the cost.
  const std::vector<int32_t>& Encode(std::string_view text, TokenCost& cost) {
    ids_.clear();
    const int64_t before = encoder_.stats().dropped_bytes;
    encoder_.Append(text, ids_);
    cost.words += CountWords(text);
    cost.bytes += static_cast<int64_t>(text.size());
    cost.tokens += static_cast<int64_t>(ids_.size());
    cost.lost_bytes += encoder_.stats().dropped_bytes - before;
    return ids_;
  }
  void Text(std::string_view text, CorpusFacts& facts);
  std::string Upper(std::string_view text) const;
  void Changed(std::string_view from, std::string_view to, CorpusFacts& facts);
  void FindLost(std::string_view text);
  void CountNumbers(std::string_view text, CorpusFacts& facts);

  const Tokenizer& tokenizer_;
  const TokenizerLintLimits& limits_;
  Encoder encoder_;
  SpecialMatcher added_;
  std::vector<bool> seen_;
  std::vector<int32_t> ids_;
  absl::flat_hash_map<std::string, bool> is_lost_;  // by character
  absl::flat_hash_map<std::string, int64_t> lost_;
};

// ASCII letters in upper case; markup as it is.
std::string Linter::Upper(std::string_view text) const {
  std::string out(text);
  for (size_t at = 0; at < out.size();) {
    const SpecialMatcher::Match match = added_.Find(text, at);
    for (; at < match.begin; ++at) {
      if (out[at] >= 'a' && out[at] <= 'z') out[at] = static_cast<char>(out[at] - 32);
    }
    at += match.size;
  }
  return out;
}

void Linter::Vocabulary(VocabularyFacts& facts) {
  const TokenizerParts& parts = tokenizer_.parts();
  facts.size = tokenizer_.vocab_size();
  facts.added = static_cast<int32_t>(parts.added.size());
  facts.merges = static_cast<int32_t>(parts.merges.size());
  std::vector<bool> is_added(parts.tokens.size(), false);
  for (const AddedToken& token : parts.added) is_added[static_cast<size_t>(token.id)] = true;
  for (size_t id = 0; id < parts.tokens.size(); ++id) {
    if (!parts.tokens[id].has_value()) continue;
    ++facts.entries;
    const std::string& text = *parts.tokens[id];
    const bool one = parts.kind == ModelKind::kByteBpe
                         ? text.size() == 1
                         : !text.empty() && NextUtf8(text).bytes == text.size();
    facts.symbols += one && !is_added[id];
  }
  facts.lost_bytes = tokenizer_.MissingBytes();
  for (const uint8_t byte : facts.lost_bytes) {
    const char c = static_cast<char>(byte);
    if (byte <= ' ' || byte >= 0x7F) continue;
    std::string& list = std::isupper(byte)   ? facts.lost_upper
                        : std::islower(byte) ? facts.lost_lower
                        : IsDigit(c)         ? facts.lost_digits
                                             : facts.lost_punctuation;
    list += c;
  }
  for (const std::string_view token : {kPadToken, kStartToken, kEndToken}) {
    if (!tokenizer_.SpecialId(token).has_value()) {
      facts.missing_chat_tokens.emplace_back(token);
    }
  }
}

void Linter::Changed(std::string_view from, std::string_view to, CorpusFacts& facts) {
  ++facts.changed;
  if (facts.changed > 1) return;
  size_t same = 0;
  while (same < from.size() && same < to.size() && from[same] == to[same]) ++same;
  const size_t begin = same < 24 ? 0 : same - 24;
  facts.changed_from = std::string(from.substr(begin, 64));
  facts.changed_to = std::string(to.substr(std::min(begin, to.size()), 64));
}

// Which characters of a text that loses something are lost.
void Linter::FindLost(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes =
        NextUtf8(text).kind == Utf8Step::Kind::kComplete ? NextUtf8(text).bytes : 1;
    const std::string_view c = text.substr(0, bytes);
    auto it = is_lost_.find(AbslView(c));
    if (it == is_lost_.end()) {
      EncodeStats stats;
      tokenizer_.EncodeOrdinary(c, &stats);
      it = is_lost_.emplace(std::string(c), stats.dropped_bytes > 0).first;
    }
    if (it->second) ++lost_[std::string(c)];
    text.remove_prefix(bytes);
  }
}

void Linter::CountNumbers(std::string_view text, CorpusFacts& facts) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsDigit(text[i])) continue;
    size_t end = i;
    while (end < text.size() && IsDigit(text[end])) ++end;
    Encode(text.substr(i, end - i), facts.numbers);
    i = end;
  }
}

void Linter::Text(std::string_view text, CorpusFacts& facts) {
  ++facts.texts;
  const int64_t lost_before = facts.cost.lost_bytes;
  const std::vector<int32_t>& ids = Encode(text, facts.cost);
  for (const int32_t id : ids) {
    seen_[static_cast<size_t>(id)] = true;
    facts.unknown_tokens += tokenizer_.IsUnknown(id);
  }
  if (const std::string back = tokenizer_.Decode(ids); back != text) Changed(text, back, facts);
  if (facts.cost.lost_bytes > lost_before) FindLost(text);
  Encode(Upper(text), facts.upper);
  CountNumbers(text, facts);
}

void Linter::Corpus(std::span<const std::string_view> texts, CorpusFacts& facts) {
  for (const std::string_view text : texts) Text(text, facts);
  facts.lost_kinds = static_cast<int64_t>(lost_.size());
  for (const auto& [text, count] : lost_) facts.lost.push_back({text, count});
  std::sort(facts.lost.begin(), facts.lost.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count : a.text < b.text;
  });
  if (facts.lost.size() > limits_.lost) facts.lost.resize(limits_.lost);
  for (const AddedToken& token : tokenizer_.parts().added) {
    seen_[static_cast<size_t>(token.id)] = true;
    --facts.ordinary;
  }
  for (int32_t id = 0; id < tokenizer_.vocab_size(); ++id) {
    if (!tokenizer_.parts().tokens[static_cast<size_t>(id)].has_value()) continue;
    ++facts.ordinary;
    if (seen_[static_cast<size_t>(id)]) continue;
    ++facts.unseen;
    if (facts.unseen_ids.size() < limits_.unseen) facts.unseen_ids.push_back(id);
  }
}

std::string Spaced(std::string_view characters) {
  std::string out;
  for (const char c : characters) StrAppend(out, out.empty() ? "" : " ", std::string(1, c));
  return out;
}

std::string Percent(double part, double whole) {
  return absl::StrFormat("%.1f %%", whole > 0 ? 100 * part / whole : 0.0);
}

void FindLostText(const Tokenizer& tokenizer, const TokenizerLint& lint,
                  std::vector<TokenizerFinding>& findings) {
  const VocabularyFacts& vocabulary = lint.vocabulary;
  const bool silent = !tokenizer.parts().unknown.has_value();
  const bool over_bytes = tokenizer.parts().kind == ModelKind::kByteBpe;
  const std::string fate =
      silent ? "silently dropped" : "replaced by the unknown token: it cannot be told apart later";
  if (over_bytes && !vocabulary.lost_bytes.empty()) {
    findings.push_back(
        {silent,
         StrCat(vocabulary.lost_bytes.size(), " of 256 bytes have no token: text with them ", "is ",
                fate),
         "train with all 256 bytes in the alphabet, as `shoal tokenizer train` does"});
  }
  for (const auto& [characters, name] : {std::pair(&vocabulary.lost_upper, "capitals"),
                                         {&vocabulary.lost_lower, "small letters"},
                                         {&vocabulary.lost_digits, "digits"},
                                         {&vocabulary.lost_punctuation, "punctuation"}}) {
    if (characters->empty()) continue;
    findings.push_back({silent && over_bytes,
                        StrCat(name, " without a token: ", Spaced(*characters)),
                        over_bytes ? "the same" : "train on text that holds them"});
  }
  const TokenCost& cost = lint.corpus.cost;
  if (lint.own_corpus && cost.lost_bytes > 0) {
    findings.push_back(
        {silent,
         StrCat(cost.lost_bytes, " bytes of the corpus (",
                Percent(static_cast<double>(cost.lost_bytes), static_cast<double>(cost.bytes)),
                ", ", lint.corpus.lost_kinds, " characters) have no token: they are ", fate),
         "use a tokenizer that was trained on such text, or byte-level BPE"});
  }
}

void FindCosts(const TokenizerLint& lint, std::vector<TokenizerFinding>& findings) {
  const TokenCost &cost = lint.corpus.cost, &upper = lint.corpus.upper;
  if (upper.lost_bytes > cost.lost_bytes) {
    findings.push_back(
        {false,
         StrCat("upper case loses text: ",
                Percent(static_cast<double>(upper.lost_bytes), static_cast<double>(upper.bytes)),
                " of the bytes, against ",
                Percent(static_cast<double>(cost.lost_bytes), static_cast<double>(cost.bytes)),
                " as written"),
         "a model will not understand what is written in capitals"});
  } else if (upper.tokens_per_word() > 2 * cost.tokens_per_word()) {
    findings.push_back(
        {false,
         absl::StrFormat("upper case costs %.1f times the tokens (%.2f a word, %.2f as written)",
                         upper.tokens_per_word() / cost.tokens_per_word(), upper.tokens_per_word(),
                         cost.tokens_per_word()),
         "train on text with capitals, as people type them"});
  }
  if (lint.own_corpus && 4 * lint.corpus.unseen > lint.corpus.ordinary) {
    findings.push_back({false,
                        StrCat(lint.corpus.unseen, " of ", lint.corpus.ordinary, " entries (",
                               Percent(static_cast<double>(lint.corpus.unseen),
                                       static_cast<double>(lint.corpus.ordinary)),
                               ") never occur in the corpus: their embedding rows stay untrained"),
                        "a smaller vocabulary, trained on this corpus, saves parameters"});
  }
}

void FindRoundTrip(const Tokenizer& tokenizer, const TokenizerLint& lint,
                   std::vector<TokenizerFinding>& findings) {
  const CorpusFacts& corpus = lint.corpus;
  if (!tokenizer.CountsBytes()) {
    findings.push_back({false,
                        "text is normalized, so it does not come back as it was, and bits per "
                        "byte is not defined",
                        "compare models on it by loss per token, with this tokenizer only"});
    return;
  }
  if (corpus.changed == 0 || corpus.cost.lost_bytes > 0) return;
  const TokenizerParts& parts = tokenizer.parts();
  const bool meant = !parts.normalizers.empty() || parts.pretokenizers.size() != 1 ||
                     parts.pretokenizers[0].add_prefix_space;
  findings.push_back({!meant,
                      StrCat("decoding does not give back ", corpus.changed, " of ", corpus.texts,
                             " texts, though every byte has a token"),
                      meant ? "its normalizer or its leading space changes text on purpose"
                            : "do not use it: its ids stand for other text"});
}

}  // namespace

double TokenCost::tokens_per_word() const {
  return words == 0 ? 0 : static_cast<double>(tokens) / static_cast<double>(words);
}
double TokenCost::bytes_per_token() const {
  return tokens == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(tokens);
}

bool TokenizerLint::passed() const {
  return std::none_of(findings.begin(), findings.end(), [](const auto& f) { return f.fails; });
}

TokenizerLint LintTokenizer(const Tokenizer& tokenizer, std::span<const std::string_view> corpus,
                            const TokenizerLintLimits& limits) {
  TokenizerLint lint;
  lint.own_corpus = !corpus.empty();
  Linter linter(tokenizer, limits);
  linter.Vocabulary(lint.vocabulary);
  linter.Corpus(lint.own_corpus ? corpus : std::span<const std::string_view>(kSentences),
                lint.corpus);
  FindLostText(tokenizer, lint, lint.findings);
  FindRoundTrip(tokenizer, lint, lint.findings);
  FindCosts(lint, lint.findings);
  if (!lint.vocabulary.missing_chat_tokens.empty()) {
    lint.findings.push_back(
        {false,
         StrCat("no special token for ", StrJoin(lint.vocabulary.missing_chat_tokens, ", "),
                ": chat markup is spelled out, and an answer has no end"),
         "add them with `shoal tokenizer import --chat-tokens`"});
  }
  return lint;
}

}  // namespace shoal::data
