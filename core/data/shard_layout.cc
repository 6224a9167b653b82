#include "core/data/shard_layout.h"

#include <bit>
#include <cstring>

#include "core/base/digest.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are mapped as they are stored");

// Where each number stands in the header.
constexpr size_t kVersionAt = 8, kHeaderBytesAt = 12, kTokenWidthAt = 16, kVocabSizeAt = 20,
                 kMaxSeqAt = 24, kClassesAt = 28, kExamplesAt = 32, kTokensAt = 40, kBytesAt = 48,
                 kResponseTokensAt = 56, kFileBytesAt = 64, kSectionsAt = 72,
                 kClassNamesBytesAt = 112, kTokenizerDigestAt = 128, kContentDigestAt = 160,
                 kHeaderDigestAt = 224;
constexpr uint64_t kMaxCount = uint64_t{1} << 48;

template <typename T>
void Put(std::string& bytes, size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

template <typename T>
T Get(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

uint64_t Align(uint64_t offset) {
  return (offset + kShardAlignment - 1) / kShardAlignment * kShardAlignment;
}

std::array<uint64_t, 5> Sections(const ShardLayout& layout) {
  return {layout.offsets, layout.example_bytes, layout.tokens, layout.flags, layout.token_bytes};
}

absl::Status CheckRanges(const ShardHeader& h) {
  const bool good = (h.token_width == 2 || h.token_width == 4) && h.vocab_size > 0 &&
                    h.max_seq > 0 && h.examples < kMaxCount && h.tokens < kMaxCount &&
                    h.tokens / 2 >= h.examples && h.response_tokens <= h.tokens &&
                    h.class_names_bytes < kMaxCount && h.class_names_bytes / 2 >= h.classes &&
                    (h.classes > 0 || h.class_names_bytes == 0);
  if (good) return absl::OkStatus();
  return absl::DataLossError(StrCat("impossible header: token width ", h.token_width,
                                    ", vocabulary ", h.vocab_size, ", max_seq ", h.max_seq,
                                    ", examples ", h.examples, ", tokens ", h.tokens,
                                    ", response tokens ", h.response_tokens));
}

}  // namespace

ShardLayout LayoutOf(const ShardHeader& header) {
  ShardLayout layout;
  layout.offsets = kShardHeaderBytes;
  layout.example_bytes = Align(layout.offsets + 8 * (header.examples + 1));
  layout.tokens = Align(layout.example_bytes + 4 * header.examples);
  layout.flags = Align(layout.tokens + header.token_width * header.tokens);
  layout.token_bytes = Align(layout.flags + header.tokens);
  layout.file_bytes = layout.token_bytes + uint64_t{4} * header.vocab_size;
  if (header.classes > 0) {
    layout.labels = Align(layout.file_bytes);
    layout.class_names = Align(layout.labels + 4 * header.examples);
    layout.file_bytes = layout.class_names + header.class_names_bytes;
  }
  return layout;
}

std::string WriteShardHeader(const ShardHeader& header) {
  const ShardLayout layout = LayoutOf(header);
  std::string bytes(kShardHeaderBytes, '\0');
  std::memcpy(bytes.data(), kShardMagic.data(), kShardMagic.size());
  Put(bytes, kVersionAt, kShardVersion);
  Put(bytes, kHeaderBytesAt, static_cast<uint32_t>(kShardHeaderBytes));
  Put(bytes, kTokenWidthAt, header.token_width);
  Put(bytes, kVocabSizeAt, header.vocab_size);
  Put(bytes, kMaxSeqAt, header.max_seq);
  Put(bytes, kClassesAt, header.classes);
  Put(bytes, kClassNamesBytesAt, header.class_names_bytes);
  Put(bytes, kExamplesAt, header.examples);
  Put(bytes, kTokensAt, header.tokens);
  Put(bytes, kBytesAt, header.bytes);
  Put(bytes, kResponseTokensAt, header.response_tokens);
  Put(bytes, kFileBytesAt, layout.file_bytes);
  Put(bytes, kSectionsAt, Sections(layout));
  Put(bytes, kTokenizerDigestAt, header.tokenizer_sha256);
  Put(bytes, kContentDigestAt, header.content_sha256);
  Put(bytes, kHeaderDigestAt, Sha256Of(std::string_view(bytes).substr(0, kHeaderDigestAt)).bytes());
  return bytes;
}

absl::StatusOr<ShardHeader> ReadShardHeader(std::string_view file) {
  if (file.size() < kShardHeaderBytes) {
    return absl::DataLossError(StrCat("is ", file.size(), " bytes, shorter than the ",
                                      kShardHeaderBytes, " byte header of a shard"));
  }
  if (file.substr(0, kShardMagic.size()) != kShardMagic) {
    return absl::DataLossError("is not a shard: it does not begin with SHOALSHD");
  }
  const std::string_view head = file.substr(0, kShardHeaderBytes);
  if (Get<std::array<uint8_t, 32>>(head, kHeaderDigestAt) !=
      Sha256Of(head.substr(0, kHeaderDigestAt)).bytes()) {
    return absl::DataLossError("the header's SHA-256 does not match: the header is damaged");
  }
  const auto version = Get<uint32_t>(head, kVersionAt);
  if (version != kShardVersion) {
    return absl::FailedPreconditionError(
        StrCat("has format version ", version, "; this program reads version ", kShardVersion,
               ". Tokenize the data again, or use the program that wrote it"));
  }
  ShardHeader header;
  header.token_width = Get<uint32_t>(head, kTokenWidthAt);
  header.vocab_size = Get<uint32_t>(head, kVocabSizeAt);
  header.max_seq = Get<uint32_t>(head, kMaxSeqAt);
  header.classes = Get<uint32_t>(head, kClassesAt);
  header.class_names_bytes = Get<uint64_t>(head, kClassNamesBytesAt);
  header.examples = Get<uint64_t>(head, kExamplesAt);
  header.tokens = Get<uint64_t>(head, kTokensAt);
  header.bytes = Get<uint64_t>(head, kBytesAt);
  header.response_tokens = Get<uint64_t>(head, kResponseTokensAt);
  header.tokenizer_sha256 = Get<std::array<uint8_t, 32>>(head, kTokenizerDigestAt);
  header.content_sha256 = Get<std::array<uint8_t, 32>>(head, kContentDigestAt);
  if (absl::Status status = CheckRanges(header); !status.ok()) return status;
  const ShardLayout layout = LayoutOf(header);
  if (Get<uint64_t>(head, kFileBytesAt) != layout.file_bytes ||
      Get<std::array<uint64_t, 5>>(head, kSectionsAt) != Sections(layout)) {
    return absl::DataLossError("the header's section offsets do not follow from its counts");
  }
  if (file.size() != layout.file_bytes) {
    return absl::DataLossError(
        StrCat("is ", file.size(), " bytes, expected ", layout.file_bytes,
               file.size() < layout.file_bytes ? ": it was cut short" : ": bytes follow it"));
  }
  return header;
}

}  // namespace shoal::data
