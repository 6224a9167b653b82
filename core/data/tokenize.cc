// Examples + tokenizer -> shard file.
#include <algorithm>
#include <cstring>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/shard.h"
#include "core/data/shard_layout.h"

namespace shoal::data {
namespace {

class ShardBuilder {
 public:
  ShardBuilder(const Tokenizer& tokenizer, int32_t max_seq)
      : max_tokens_(static_cast<size_t>(max_seq) + 1),
        token_bytes_(tokenizer.TokenByteCounts()),
        encoder_(tokenizer) {
    header_.vocab_size = static_cast<uint32_t>(tokenizer.vocab_size());
    header_.max_seq = static_cast<uint32_t>(max_seq);
    header_.token_width = header_.vocab_size <= 65536 ? 2 : 4;
    header_.tokenizer_sha256 = Sha256Of(tokenizer.ToJson()).bytes();
  }

  void Add(const Example& example) {
    ++report_.examples_in;
    EncodeExample(example, encoder_, ids_, flags_);
    const size_t n = ids_.size();
    report_.longest = std::max(report_.longest, static_cast<int64_t>(n));
    if (n < 2) {
      ++report_.too_short;
    } else if (n <= max_tokens_) {
      Put(0, n);
    } else if (example.chat) {
      ++report_.truncated;
      report_.truncated_tokens += static_cast<int64_t>(n - max_tokens_);
      Put(0, max_tokens_);
    } else {
      ++report_.windowed;
      for (size_t begin = 0; begin + 1 < n; begin += max_tokens_ - 1) {
        Put(begin, std::min(max_tokens_, n - begin));
      }
    }
  }

  // The file's bytes, and the finished report.
  std::string Finish(TokenizeReport& report) {
    header_.examples = example_bytes_.size();
    header_.tokens = tokens_.size();
    const ShardLayout layout = LayoutOf(header_);
    std::string file(layout.file_bytes, '\0');
    CopyTo(file, layout.offsets, offsets_);
    CopyTo(file, layout.example_bytes, example_bytes_);
    CopyTo(file, layout.flags, token_flags_);
    CopyTo(file, layout.token_bytes, token_bytes_);
    if (header_.token_width == 4) {
      CopyTo(file, layout.tokens, tokens_);
    } else {
      CopyTo(file, layout.tokens, std::vector<uint16_t>(tokens_.begin(), tokens_.end()));
    }
    header_.content_sha256 = Sha256Of(std::string_view(file).substr(kShardHeaderBytes)).bytes();
    file.replace(0, kShardHeaderBytes, WriteShardHeader(header_));
    report_.examples = static_cast<int64_t>(header_.examples);
    report_.tokens = static_cast<int64_t>(header_.tokens);
    report_.bytes = static_cast<int64_t>(header_.bytes);
    report_.response_tokens = static_cast<int64_t>(header_.response_tokens);
    report_.dropped_bytes = encoder_.stats().dropped_bytes;
    report_.sha256 = Sha256Of(file).Hex();
    report = report_;
    return file;
  }

 private:
  // Stores tokens [begin, begin + count) of the encoded example as an example.
  void Put(size_t begin, size_t count) {
    uint32_t bytes = 0;
    uint64_t response_targets = 0;
    for (size_t i = begin; i < begin + count; ++i) {
      const auto id = static_cast<uint32_t>(ids_[i]);
      tokens_.push_back(id);
      token_flags_.push_back(flags_[i]);
      bytes += token_bytes_[id];
      if (i > begin) response_targets += flags_[i];
    }
    offsets_.push_back(tokens_.size());
    example_bytes_.push_back(bytes);
    header_.bytes += bytes;
    header_.response_tokens += response_targets;
    if (response_targets == 0) ++report_.without_response;
  }

  template <typename T>
  static void CopyTo(std::string& file, uint64_t at, const std::vector<T>& values) {
    if (!values.empty()) std::memcpy(file.data() + at, values.data(), values.size() * sizeof(T));
  }

  const size_t max_tokens_;
  const std::vector<uint32_t> token_bytes_;
  Encoder encoder_;
  ShardHeader header_;
  TokenizeReport report_;
  std::vector<int32_t> ids_;  // of the example at hand
  std::vector<uint8_t> flags_;
  std::vector<uint64_t> offsets_ = {0};
  std::vector<uint32_t> example_bytes_;
  std::vector<uint32_t> tokens_;
  std::vector<uint8_t> token_flags_;
};

}  // namespace

absl::StatusOr<TokenizeReport> Tokenize(std::span<const Example> examples,
                                        const Tokenizer& tokenizer, const TokenizeOptions& options,
                                        FileSystem& files, const std::string& path) {
  if (options.max_seq < 1) {
    return absl::InvalidArgumentError(
        StrCat("max_seq is ", options.max_seq, ", expected at least 1"));
  }
  ShardBuilder builder(tokenizer, options.max_seq);
  for (const Example& example : examples) builder.Add(example);
  TokenizeReport report;
  const std::string file = builder.Finish(report);
  if (report.examples == 0) {
    return absl::InvalidArgumentError(StrCat("nothing to learn from: ", report.examples_in,
                                             " examples, ", report.too_short,
                                             " of them shorter than two tokens"));
  }
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(path, file));
  return report;
}

}  // namespace shoal::data
