// Text to ids and back, read from and written as a Hugging Face `tokenizer.json`.
//
// Three models: byte-level BPE (GPT-2, Llama 3, Qwen, what Shoal trains), BPE over characters
// (character-level: no merges), and WordPiece (BERT). tokenizer_parts.h shows the stages that text
// goes through. Ids equal those of the Hugging Face library with add_special_tokens=False; what
// could not be done exactly as it does is refused by name when a file is read. The post-processor
// (which would add special tokens), truncation and padding are not applied and not kept. An added
// token decodes to its content as written.
//
// What is lost. A byte or character without a token is dropped, or an unknown token stands there;
// the Hugging Face library does that silently, we *count* the bytes (EncodeStats). Byte-level
// tokenizers that Shoal trains hold all 256 bytes, so Decode(Encode(x)) == x for any bytes x. A
// normalizer may change text on purpose (BERT: lower case, no accents, no control characters): that
// is not counted, and such a tokenizer does not give the text back.
//
// Bits per byte compares models by the bytes of the text, so it needs tokens whose bytes add up to
// the text. CountsBytes() says whether they do; where they do not (WordPiece, lower-casing and
// other lossy normalizers, pre-tokenizers that remove characters), TokenByteCounts() is all zeros
// and bits per byte is undefined (NaN), rather than a number that looks comparable and is not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// The chat vocabulary of every tokenizer that Shoal trains; ids 0, 1 and 2 in this order.
inline constexpr std::string_view kPadToken = "<pad>";
inline constexpr std::string_view kStartToken = "<|im_start|>";
inline constexpr std::string_view kEndToken = "<|im_end|>";
// Beside them, in tokenizers trained for models that see whole sequences, as BERT names them.
inline constexpr std::string_view kClsToken = "[CLS]";
inline constexpr std::string_view kSepToken = "[SEP]";
inline constexpr std::string_view kMaskToken = "[MASK]";

// What an encoding could not represent. Always 0 when the vocabulary has all bytes.
struct EncodeStats {
  int64_t dropped_bytes = 0;  // of the normalized text: without a token, or under an unknown token
};

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  // Reads a tokenizer.json of at most 64 MiB.
  // Errors: NotFound (no such file), InvalidArgument (not JSON, unsupported feature, inconsistent
  // vocabulary: the message names the member and the value).
  static absl::StatusOr<Tokenizer> Load(const std::string& path);
  static absl::StatusOr<Tokenizer> FromJson(std::string_view json);
  // Errors: InvalidArgument (a merge without a result token, duplicate tokens, bad ids, steps that
  // do not go together).
  static absl::StatusOr<Tokenizer> FromParts(TokenizerParts parts);

  // The canonical tokenizer.json: equal tokenizers give equal bytes, so its SHA-256 names them.
  std::string ToJson() const;
  // The members "normalizer" and "pre_tokenizer" of ToJson(), on one line each.
  std::string NormalizerText() const;
  std::string PretokenizerText() const;
  // Writes ToJson() atomically.
  absl::Status Save(FileSystem& files, const std::string& path) const;

  // Recognises special tokens written in the text. Convenience: for many texts, use Encoder.
  std::vector<int32_t> Encode(std::string_view text, EncodeStats* stats = nullptr) const;
  // Never produces a special token, but for the unknown one: for text from outside (what a user
  // types in a chat).
  std::vector<int32_t> EncodeOrdinary(std::string_view text, EncodeStats* stats = nullptr) const;

  // The text of the tokens. Special tokens give their written form, or nothing with skip_special.
  // Ids outside the vocabulary give nothing.
  std::string Decode(std::span<const int32_t> ids, bool skip_special = false) const;

  int32_t vocab_size() const;  // largest id + 1
  // Bytes that the token stands for within a text (a WordPiece: with the space before it); a
  // special token's written form. Empty for an unused id. At the start of a text, with `first`, a
  // WordPiece has no space before it. Requires 0 <= id < vocab_size().
  std::string_view TokenBytes(int32_t id, bool first = false) const;
  bool IsSpecial(int32_t id) const;
  bool IsUnknown(int32_t id) const;  // the token that stands for what has none
  // Whether the bytes of tokens add up to the bytes of the text (see above).
  bool CountsBytes() const;
  // Length of each token's bytes, 0 for special and unknown tokens and unused ids: the table that
  // turns nats per token into bits per byte. All 0 without CountsBytes(). [vocab_size]
  std::vector<uint32_t> TokenByteCounts() const;
  // The id of an added token.
  std::optional<int32_t> SpecialId(std::string_view content) const;
  // Bytes (0..255) that are lost wherever they stand, ascending; empty for a complete vocabulary.
  // Over characters: the ASCII characters that are lost, and bytes that occur in no token.
  std::vector<uint8_t> MissingBytes() const;
  const TokenizerParts& parts() const;

 private:
  friend class Encoder;
  struct Model;
  explicit Tokenizer(std::shared_ptr<const Model> model);

  std::shared_ptr<const Model> model_;  // shared by copies of the tokenizer and by its encoders
};

// Encodes many texts quickly: owns the pre-token cache and the match state.
// Thread-compatible: one encoder per thread.
class Encoder {
 public:
  explicit Encoder(const Tokenizer& tokenizer);
  ~Encoder();
  Encoder(Encoder&&) noexcept;

  // Append ids to `out`; same ids as Tokenizer::Encode and ::EncodeOrdinary.
  void Append(std::string_view text, std::vector<int32_t>& out);
  void AppendOrdinary(std::string_view text, std::vector<int32_t>& out);
  const EncodeStats& stats() const;  // summed since construction

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Turns a stream of ids into text that is only ever cut between complete UTF-8 sequences: bytes of
// an unfinished character wait for the next token. Bytes that can never become valid UTF-8 come out
// as U+FFFD. Thread-compatible.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true);

  // The text that became complete with this token; may be empty.
  std::string Push(int32_t id);
  // What is still waiting, as U+FFFD, at the end of the stream. The decoder is then empty again.
  std::string Finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  bool first_ = true;  // nothing has been decoded yet
  std::string pending_;
};

}  // namespace shoal::data
