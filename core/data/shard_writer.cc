#include "core/data/shard_writer.h"

#include <algorithm>
#include <cstring>

#include "core/base/digest.h"

namespace shoal::data {
namespace {

template <typename T>
void CopyTo(std::string& file, uint64_t at, const std::vector<T>& values) {
  if (!values.empty()) std::memcpy(file.data() + at, values.data(), values.size() * sizeof(T));
}

}  // namespace

ShardWriter::ShardWriter(std::vector<uint32_t> token_bytes, int32_t max_seq,
                         const std::array<uint8_t, 32>& tokenizer_sha256)
    : token_bytes_(std::move(token_bytes)) {
  header_.vocab_size = static_cast<uint32_t>(token_bytes_.size());
  header_.max_seq = static_cast<uint32_t>(max_seq);
  header_.token_width = header_.vocab_size <= 65536 ? 2 : 4;
  header_.tokenizer_sha256 = tokenizer_sha256;
}

uint64_t ShardWriter::Add(std::span<const int32_t> ids, std::span<const uint8_t> flags) {
  uint32_t bytes = 0;
  uint64_t response_targets = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<uint32_t>(ids[i]);
    tokens_.push_back(id);
    flags_.push_back(flags[i]);
    bytes += token_bytes_[id];
    if (i > 0) response_targets += flags[i];
  }
  offsets_.push_back(tokens_.size());
  example_bytes_.push_back(bytes);
  header_.bytes += bytes;
  header_.response_tokens += response_targets;
  header_.examples = example_bytes_.size();
  header_.tokens = tokens_.size();
  return response_targets;
}

void ShardWriter::SetClasses(std::span<const std::string> names) {
  header_.classes = static_cast<uint32_t>(names.size());
  for (std::string name : names) {
    std::replace(name.begin(), name.end(), '\n', ' ');
    class_names_ += name + '\n';
  }
  header_.class_names_bytes = class_names_.size();
}

std::string ShardWriter::Finish() {
  const ShardLayout layout = LayoutOf(header_);
  std::string file(layout.file_bytes, '\0');
  CopyTo(file, layout.offsets, offsets_);
  CopyTo(file, layout.example_bytes, example_bytes_);
  CopyTo(file, layout.flags, flags_);
  CopyTo(file, layout.token_bytes, token_bytes_);
  CopyTo(file, layout.labels, labels_);
  if (header_.classes > 0) file.replace(layout.class_names, class_names_.size(), class_names_);
  if (header_.token_width == 4) {
    CopyTo(file, layout.tokens, tokens_);
  } else {
    CopyTo(file, layout.tokens, std::vector<uint16_t>(tokens_.begin(), tokens_.end()));
  }
  header_.content_sha256 = Sha256Of(std::string_view(file).substr(kShardHeaderBytes)).bytes();
  file.replace(0, kShardHeaderBytes, WriteShardHeader(header_));
  return file;
}

}  // namespace shoal::data
