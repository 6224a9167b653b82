// What a tokenizer is made of, as data: what the trainers and the readers of tokenizer.json,
// encoder.json and vocab.txt produce, and what a tokenizer.json is written from.
//
//   text ── added tokens ──> stretches ── normalizer ──> text ── pre-tokenizer ──> words
//        ── model ──> ids ── decoder ──> text
//
// Nested sequences of a tokenizer.json are flattened: they mean the same. What each step does is
// told where it is done: normalizer.h, pretokenizer.h, token_model.h, token_text.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::data {

// A token that is recognised in the text before anything else is done to it.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = true;       // markup: left out of decoded text, never made from a user's text
  bool normalized = false;   // looked for in the normalized text, else in the text as it is
  bool lstrip = false;       // takes the white space before it
  bool rstrip = false;       // takes the white space after it
  bool single_word = false;  // only where no word character stands beside it
  bool in_model = true;      // the model's vocabulary lists it too
  bool operator==(const AddedToken&) const = default;
};

struct TextPattern {
  std::string text;
  bool regex = false;  // Oniguruma's syntax; else literal
  bool operator==(const TextPattern&) const = default;
};

struct NormalizerStep {
  enum class Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kStripAccents,  // removes combining marks
    kStrip,         // removes white space at the ends
    kPrepend,       // `text`, unless there is none
    kReplace,       // `pattern` by `text`
    kBert,          // BERT's cleaning
  };
  Kind kind = Kind::kNfc;
  TextPattern pattern = {};
  std::string text = {};
  bool strip_left = true, strip_right = true;
  bool clean_text = true, chinese = true, strip_accents = true, lowercase = true;  // kBert
  bool operator==(const NormalizerStep&) const = default;
};

struct PretokenizerStep {
  enum class Kind {
    kSplit,            // at `pattern`
    kDigits,           // at runs of digits, or at each one
    kPunctuation,      // at BERT's punctuation
    kWhitespaceSplit,  // at white space, which is removed
    kBert,             // kWhitespaceSplit, then kPunctuation
    kByteLevel,        // GPT-2's pattern, if use_regex; what follows sees bytes. Always the last.
  };
  // What becomes of a match. Values of tokenizer.json, in its order.
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  Kind kind = Kind::kByteLevel;
  TextPattern pattern = {};
  Behavior behavior = Behavior::kIsolated;
  bool invert = false;                              // kSplit: what does not match is the match
  bool individual_digits = false;                   // kDigits
  bool add_prefix_space = false, use_regex = true;  // kByteLevel
  bool operator==(const PretokenizerStep&) const = default;
};

enum class ModelKind {
  kByteBpe,    // BPE over bytes; a ByteLevel step comes before it
  kCharBpe,    // BPE over characters; without merges, a character-level tokenizer
  kWordPiece,  // longest match first
};

struct TokenizerParts {
  ModelKind kind = ModelKind::kByteBpe;
  // Each id's entry; nullopt: the id is not used (a gap in a foreign vocabulary). kByteBpe: its
  // bytes; kCharBpe: its text; kWordPiece: as written, "##ing". An added token: its content.
  std::vector<std::optional<std::string>> tokens;
  // kByteBpe: ids whose written form is outside the byte alphabet. They decode to that form; no
  // text encodes to them. Ascending.
  std::vector<int32_t> unreachable;
  std::vector<AddedToken> added;
  std::vector<NormalizerStep> normalizers;
  std::vector<PretokenizerStep> pretokenizers = {PretokenizerStep{}};

  // BPE. Merges by rank, as id pairs; the result is the token with the concatenated text.
  std::vector<std::pair<int32_t, int32_t>> merges;
  bool ignore_merges = false;  // a word that is itself in the vocabulary is taken whole
  bool fuse_unknown = false;   // neighbouring unknown units give one unknown token

  // What stands for units (BPE) or words (WordPiece) without a token. nullopt: they are dropped.
  std::optional<int32_t> unknown;

  // WordPiece.
  std::string continuing_prefix = "##";
  int32_t max_word_chars = 100;  // a longer word is unknown
  bool cleanup = true;           // decoding removes the space before punctuation
};

}  // namespace shoal::data
