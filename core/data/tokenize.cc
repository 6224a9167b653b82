// Examples + tokenizer -> shard file.
#include <algorithm>
#include <set>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/shard.h"
#include "core/data/shard_writer.h"

namespace shoal::data {
namespace {

class ShardBuilder {
 public:
  ShardBuilder(const Tokenizer& tokenizer, const TokenizeOptions& options)
      : options_(options),
        max_tokens_(static_cast<size_t>(options.max_seq) + (options.whole ? 0 : 1)),
        tokenizer_(tokenizer),
        encoder_(tokenizer),
        writer_(tokenizer.TokenByteCounts(), options.max_seq,
                Sha256Of(tokenizer.ToJson()).bytes()) {
    if (!options.classes.empty()) writer_.SetClasses(options.classes);
  }

  void Add(const Example& example) {
    ++report_.examples_in;
    if (options_.whole) return AddWhole(example);
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
    const std::string file = writer_.Finish();
    const ShardHeader& header = writer_.header();
    report_.examples = static_cast<int64_t>(header.examples);
    report_.tokens = static_cast<int64_t>(header.tokens);
    report_.bytes = static_cast<int64_t>(header.bytes);
    report_.response_tokens = static_cast<int64_t>(header.response_tokens);
    report_.dropped_bytes = encoder_.stats().dropped_bytes;
    report_.sha256 = Sha256Of(file).Hex();
    report = report_;
    return file;
  }

 private:
  // A whole sequence; longer texts lose their end (the [SEP] stays), or, where no label belongs to
  // the whole, become several.
  void AddWhole(const Example& example) {
    const bool labelled = !options_.classes.empty();
    const auto label =
        std::lower_bound(options_.classes.begin(), options_.classes.end(), example.topic);
    if (labelled && (label == options_.classes.end() || *label != example.topic)) {
      ++report_.without_label;
      return;
    }
    EncodeWhole(example, /*answers=*/!labelled, tokenizer_, encoder_, ids_);
    flags_.assign(ids_.size(), 0);
    const size_t n = ids_.size();
    report_.longest = std::max(report_.longest, static_cast<int64_t>(n));
    if (n < 2 || IsEmpty(ids_)) {
      ++report_.too_short;
      return;
    }
    if (n <= max_tokens_) {
      Put(0, n);
    } else if (example.chat || labelled) {
      ++report_.truncated;
      report_.truncated_tokens += static_cast<int64_t>(n - max_tokens_);
      ids_[max_tokens_ - 1] = ids_.back();
      Put(0, max_tokens_);
    } else {
      ++report_.windowed;
      for (size_t begin = 0; begin + 1 < n; begin += max_tokens_) {
        Put(begin, std::min(max_tokens_, n - begin));
      }
    }
    if (labelled) {
      writer_.SetLabel(static_cast<uint32_t>(label - options_.classes.begin()));
    }
  }

  // Nothing but [CLS] and [SEP].
  bool IsEmpty(const std::vector<int32_t>& ids) const {
    return std::all_of(ids.begin(), ids.end(),
                       [this](int32_t id) { return tokenizer_.IsSpecial(id); });
  }

  // Stores tokens [begin, begin + count) of the encoded example as an example.
  void Put(size_t begin, size_t count) {
    const uint64_t response_targets =
        writer_.Add(std::span(ids_).subspan(begin, count), std::span(flags_).subspan(begin, count));
    if (response_targets == 0) ++report_.without_response;
  }

  const TokenizeOptions& options_;
  const size_t max_tokens_;
  const Tokenizer& tokenizer_;
  Encoder encoder_;
  ShardWriter writer_;
  TokenizeReport report_;
  std::vector<int32_t> ids_;  // of the example at hand
  std::vector<uint8_t> flags_;
};

}  // namespace

std::vector<std::string> ClassesOf(std::span<const Example> examples) {
  std::set<std::string> classes;
  for (const Example& example : examples) {
    if (!example.topic.empty()) classes.insert(example.topic);
  }
  return {classes.begin(), classes.end()};
}

absl::StatusOr<TokenizeReport> Tokenize(std::span<const Example> examples,
                                        const Tokenizer& tokenizer, const TokenizeOptions& options,
                                        FileSystem& files, const std::string& path) {
  if (options.max_seq < 1) {
    return absl::InvalidArgumentError(
        StrCat("max_seq is ", options.max_seq, ", expected at least 1"));
  }
  ShardBuilder builder(tokenizer, options);
  for (const Example& example : examples) builder.Add(example);
  TokenizeReport report;
  const std::string file = builder.Finish(report);
  if (report.examples == 0) {
    return absl::InvalidArgumentError(StrCat(
        "nothing to learn from: ", report.examples_in, " examples, ", report.too_short,
        " of them shorter than two tokens, ", report.without_label, " without a known label"));
  }
  SHOAL_RETURN_IF_ERROR(files.WriteFileAtomic(path, file));
  return report;
}

}  // namespace shoal::data
