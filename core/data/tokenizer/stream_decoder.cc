#include "core/data/tokenizer/tokenizer.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
}  // namespace

StreamDecoder::StreamDecoder(Tokenizer tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

std::string StreamDecoder::Push(int32_t id) {
  if (id < 0 || id >= tokenizer_.vocab_size() || (skip_special_ && tokenizer_.IsSpecial(id))) {
    return "";
  }
  pending_ += tokenizer_.TokenBytes(id, first_);
  first_ = false;
  std::string ready;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = NextUtf8(rest);
    if (step.kind == Utf8Step::Kind::kUnfinished) break;
    ready += step.kind == Utf8Step::Kind::kComplete ? rest.substr(0, step.bytes) : kReplacement;
    rest.remove_prefix(step.bytes);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return ready;
}

std::string StreamDecoder::Finish() {
  const bool unfinished = !pending_.empty();
  pending_.clear();
  first_ = true;
  return std::string(unfinished ? kReplacement : "");
}

}  // namespace shoal::data
