// What is wrong with a tokenizer, before a model is trained with it: bytes that are silently lost,
// entries that no text uses, and what text costs in tokens.
//
// Two kinds of facts: of the vocabulary alone, and of a corpus encoded with it. A finding *fails*
// when text is lost without a trace (a byte or character without a token where no unknown token
// stands for it; for a character-level vocabulary, which never has all characters, only what a
// corpus loses) or does not come back although nothing was normalized; else it warns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

// What a text costs.
struct TokenCost {
  int64_t words = 0;  // between white space
  int64_t bytes = 0;
  int64_t tokens = 0;
  int64_t lost_bytes = 0;          // without a token, or under an unknown token
  double tokens_per_word() const;  // 0 without words
  double bytes_per_token() const;
};

struct VocabularyFacts {
  int32_t size = 0;     // largest id + 1
  int32_t entries = 0;  // ids in use
  int32_t added = 0;    // added tokens, special ones included
  int32_t merges = 0;
  int32_t symbols = 0;              // entries of one byte (byte-level) or one character
  std::vector<uint8_t> lost_bytes;  // Tokenizer::MissingBytes()
  // Printable ASCII that is lost, by class, in order.
  std::string lost_upper, lost_lower, lost_digits, lost_punctuation;
  std::vector<std::string> missing_chat_tokens;
};

// A character of the corpus that is lost, and how often.
struct LostCharacter {
  std::string text;  // bytes that are not UTF-8: one byte
  int64_t count = 0;
};

struct CorpusFacts {
  int64_t texts = 0;
  TokenCost cost;
  TokenCost upper;    // the same text with ASCII letters in upper case
  TokenCost numbers;  // its runs of digits
  int64_t unknown_tokens = 0;
  int64_t changed = 0;                   // texts that decoding does not give back
  std::string changed_from, changed_to;  // the first of them, around the first difference
  std::vector<LostCharacter> lost;       // the most frequent, at most LintLimits::lost
  int64_t lost_kinds = 0;
  int64_t unseen = 0;               // ordinary entries that the corpus never uses
  int64_t ordinary = 0;             // of so many
  std::vector<int32_t> unseen_ids;  // the first of them, at most LintLimits::unseen
};

struct TokenizerFinding {
  bool fails = false;
  std::string what;    // one line: the cause
  std::string remedy;  // one line
};

struct TokenizerLint {
  VocabularyFacts vocabulary;
  CorpusFacts corpus;       // of the corpus given, or of a few built-in sentences
  bool own_corpus = false;  // a corpus was given; else nothing is said about unseen entries
  std::vector<TokenizerFinding> findings;
  bool passed() const;
};

struct TokenizerLintLimits {
  size_t lost = 20;
  size_t unseen = 20;
};

// `corpus`: texts, with chat markup as a training file has it. Empty: the built-in sentences.
TokenizerLint LintTokenizer(const Tokenizer& tokenizer, std::span<const std::string_view> corpus,
                            const TokenizerLintLimits& limits = {});

}  // namespace shoal::data
