#include "core/data/shard.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/shard_layout.h"

namespace shoal::data {

struct Shard::Mapping {
  explicit Mapping(MappedFile mapped) : file(std::move(mapped)) {}

  template <typename T>
  const T* At(uint64_t offset) const {
    return reinterpret_cast<const T*>(file.bytes().data() + offset);
  }

  absl::Status Check(Verify verify);
  absl::Status CheckOffsets() const;
  absl::Status CheckTokens() const;
  absl::Status CheckLabels() const;

  MappedFile file;
  ShardHeader header;
  ShardLayout layout;
  const uint64_t* offsets = nullptr;
  const uint32_t* example_bytes = nullptr;
  const uint16_t* tokens16 = nullptr;  // one of these two
  const uint32_t* tokens32 = nullptr;
  const uint8_t* flags = nullptr;
  const uint32_t* token_bytes = nullptr;
  const uint32_t* labels = nullptr;  // null without classes
  std::string tokenizer_sha256;
  std::string content_sha256;
};

absl::Status Shard::Mapping::Check(Verify verify) {
  SHOAL_ASSIGN_OR_RETURN(header, ReadShardHeader(file.text()));
  layout = LayoutOf(header);
  offsets = At<uint64_t>(layout.offsets);
  example_bytes = At<uint32_t>(layout.example_bytes);
  (header.token_width == 2 ? void(tokens16 = At<uint16_t>(layout.tokens))
                           : void(tokens32 = At<uint32_t>(layout.tokens)));
  flags = At<uint8_t>(layout.flags);
  token_bytes = At<uint32_t>(layout.token_bytes);
  if (header.classes > 0) labels = At<uint32_t>(layout.labels);
  tokenizer_sha256 = Digest(header.tokenizer_sha256).Hex();
  content_sha256 = Digest(header.content_sha256).Hex();
  SHOAL_RETURN_IF_ERROR(CheckOffsets());
  SHOAL_RETURN_IF_ERROR(CheckTokens());
  SHOAL_RETURN_IF_ERROR(CheckLabels());
  if (verify == Verify::kStructure) return absl::OkStatus();
  const Digest content = Sha256Of(file.text().substr(kShardHeaderBytes));
  if (content.bytes() != header.content_sha256) {
    return absl::DataLossError(StrCat("its content is damaged: SHA-256 is ", content.Hex(),
                                      ", the header says ", content_sha256));
  }
  return absl::OkStatus();
}

absl::Status Shard::Mapping::CheckOffsets() const {
  bool good = offsets[0] == 0 && offsets[header.examples] == header.tokens;
  uint64_t longest = 0;
  for (uint64_t i = 0; good && i < header.examples; ++i) {
    good = offsets[i + 1] <= header.tokens && offsets[i] + 2 <= offsets[i + 1];
    if (good) longest = std::max(longest, offsets[i + 1] - offsets[i]);
  }
  if (good && longest <= uint64_t{header.max_seq} + 1) return absl::OkStatus();
  return absl::DataLossError("its example offsets are damaged");
}

absl::Status Shard::Mapping::CheckTokens() const {
  for (uint64_t i = 0; i < header.tokens; ++i) {
    const uint32_t token = tokens16 != nullptr ? tokens16[i] : tokens32[i];
    if (token >= header.vocab_size) {
      return absl::DataLossError(
          StrCat("holds token ", token, "; its vocabulary has ", header.vocab_size));
    }
  }
  return absl::OkStatus();
}

absl::Status Shard::Mapping::CheckLabels() const {
  if (labels == nullptr) return absl::OkStatus();
  for (uint64_t i = 0; i < header.examples; ++i) {
    if (labels[i] >= header.classes) {
      return absl::DataLossError(
          StrCat("holds label ", labels[i], "; it has ", header.classes, " classes"));
    }
  }
  const std::string_view names = file.text().substr(layout.class_names, header.class_names_bytes);
  const auto lines = std::count(names.begin(), names.end(), '\n');
  if (lines == header.classes && names.back() == '\n') return absl::OkStatus();
  return absl::DataLossError(
      StrCat("names ", lines, " classes, and has ", header.classes, " of them"));
}

Shard::Shard(std::shared_ptr<const Mapping> mapping) : mapping_(std::move(mapping)) {}

absl::StatusOr<Shard> Shard::Open(const std::string& path, Verify verify) {
  SHOAL_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  auto mapping = std::make_shared<Mapping>(std::move(file));
  SHOAL_RETURN_IF_ERROR(mapping->Check(verify), "shard ", path);
  return Shard(std::move(mapping));
}

int64_t Shard::examples() const { return static_cast<int64_t>(mapping_->header.examples); }
int64_t Shard::tokens() const { return static_cast<int64_t>(mapping_->header.tokens); }
int64_t Shard::bytes() const { return static_cast<int64_t>(mapping_->header.bytes); }
int64_t Shard::response_tokens() const {
  return static_cast<int64_t>(mapping_->header.response_tokens);
}
int32_t Shard::vocab_size() const { return static_cast<int32_t>(mapping_->header.vocab_size); }
int32_t Shard::max_seq() const { return static_cast<int32_t>(mapping_->header.max_seq); }
const std::string& Shard::tokenizer_sha256() const { return mapping_->tokenizer_sha256; }
const std::string& Shard::content_sha256() const { return mapping_->content_sha256; }

int64_t Shard::Length(int64_t example) const {
  SHOAL_CHECK(example >= 0 && example < examples(), "example ", example, " of ", examples());
  return static_cast<int64_t>(mapping_->offsets[example + 1] - mapping_->offsets[example]);
}

int64_t Shard::ExampleBytes(int64_t example) const {
  SHOAL_CHECK(example >= 0 && example < examples(), "example ", example, " of ", examples());
  return mapping_->example_bytes[example];
}

int64_t Shard::ResponseTokens(int64_t example) const {
  int64_t count = 0;
  for (const uint8_t flag : ResponseFlags(example).subspan(1)) count += flag & 1;
  return count;
}

void Shard::CopyTokens(int64_t example, int64_t first, std::span<int32_t> out) const {
  const int64_t length = Length(example);
  const auto count = static_cast<int64_t>(out.size());
  SHOAL_CHECK(first >= 0 && first + count <= length, "tokens ", first, "+", count, " of ", length);
  const uint64_t begin = mapping_->offsets[example] + static_cast<uint64_t>(first);
  if (mapping_->tokens16 != nullptr) {
    std::copy_n(mapping_->tokens16 + begin, count, out.begin());
  } else {
    std::transform(mapping_->tokens32 + begin, mapping_->tokens32 + begin + count, out.begin(),
                   [](uint32_t token) { return static_cast<int32_t>(token); });
  }
}

std::span<const uint8_t> Shard::ResponseFlags(int64_t example) const {
  return {mapping_->flags + mapping_->offsets[example], static_cast<size_t>(Length(example))};
}

int64_t Shard::classes() const { return mapping_->header.classes; }

std::vector<std::string> Shard::ClassNames() const {
  std::vector<std::string> names;
  std::string_view rest = mapping_->file.text();
  rest = rest.substr(mapping_->layout.class_names, mapping_->header.class_names_bytes);
  for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    names.emplace_back(rest.substr(0, end));
  }
  return names;
}

int32_t Shard::Label(int64_t example) const {
  SHOAL_CHECK(example >= 0 && example < examples(), "example ", example, " of ", examples());
  SHOAL_CHECK(mapping_->labels != nullptr, "a shard without labels");
  return static_cast<int32_t>(mapping_->labels[example]);
}

std::span<const uint32_t> Shard::TokenByteCounts() const {
  return {mapping_->token_bytes, mapping_->header.vocab_size};
}

}  // namespace shoal::data
