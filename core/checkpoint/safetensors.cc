#include "core/checkpoint/safetensors.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxNameBytes = 256;
constexpr int64_t kMaxTensorBytes = int64_t{1} << 50;

absl::Status Corrupt(std::string_view what) { return absl::DataLossError(StrCat(what)); }

std::optional<TensorType> ParseType(std::string_view name) {
  if (name == "F32") return TensorType::kF32;
  if (name == "BF16") return TensorType::kBf16;
  return std::nullopt;
}

// dims' product times `element_bytes`; nullopt where it leaves the limits.
std::optional<int64_t> SizeOf(const std::vector<int64_t>& shape, int64_t element_bytes) {
  int64_t size = element_bytes;
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(size, dim, &size) || size > kMaxTensorBytes) {
      return std::nullopt;
    }
  }
  return size;
}

// JSON text with everything outside printable ASCII escaped, so that the header is plain ASCII
// where values are, and stays valid UTF-8 where they are not.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte == 0x7F) {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("\\u00");
      out.append({kHex[byte >> 4], kHex[byte & 15]});
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

using Object = simdjson::dom::object;
using Element = simdjson::dom::element;

absl::Status ReadMetadata(const Element& element, std::map<std::string, std::string>& metadata) {
  Object object;
  if (element.get(object) != simdjson::SUCCESS) return Corrupt("__metadata__ is not an object");
  for (const auto& [key, value] : object) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) {
      return Corrupt(StrCat("__metadata__ entry '", std::string(key), "' is not text"));
    }
    if (!metadata.emplace(key, text).second) {
      return Corrupt(StrCat("__metadata__ entry '", std::string(key), "' occurs twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadShape(const Element& element, std::vector<int64_t>& shape) {
  simdjson::dom::array dims;
  if (element.get(dims) != simdjson::SUCCESS) return Corrupt("has no shape");
  for (const Element& dim : dims) {
    uint64_t value = 0;
    if (dim.get(value) != simdjson::SUCCESS || value > static_cast<uint64_t>(kMaxTensorBytes)) {
      return Corrupt("has a dimension that is not a count");
    }
    if (shape.size() == kMaxRank) return Corrupt(StrCat("has more than ", kMaxRank, " dimensions"));
    shape.push_back(static_cast<int64_t>(value));
  }
  return absl::OkStatus();
}

// Reads {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}.
absl::Status ReadTensor(const Element& element, int64_t payload_bytes, TensorEntry& entry) {
  Object object;
  if (element.get(object) != simdjson::SUCCESS) return Corrupt("is not an object");
  std::string_view type;
  if (object["dtype"].get(type) != simdjson::SUCCESS) return Corrupt("has no dtype");
  const auto known = ParseType(type);
  if (!known) {
    return absl::UnimplementedError(
        StrCat("has type ", std::string(type.substr(0, 32)), "; F32 and BF16 can be read"));
  }
  entry.type = *known;
  Element shape;
  if (object["shape"].get(shape) != simdjson::SUCCESS) return Corrupt("has no shape");
  SHOAL_RETURN_IF_ERROR(ReadShape(shape, entry.shape));
  simdjson::dom::array offsets;
  uint64_t begin = 0, end = 0;
  if (object["data_offsets"].get(offsets) != simdjson::SUCCESS || offsets.size() != 2 ||
      offsets.at(0).get(begin) != simdjson::SUCCESS ||
      offsets.at(1).get(end) != simdjson::SUCCESS) {
    return Corrupt("has no data_offsets [begin, end]");
  }
  if (begin > end || end > static_cast<uint64_t>(payload_bytes)) {
    return Corrupt(StrCat("lies at [", begin, ", ", end, ") of ", payload_bytes, " data bytes"));
  }
  entry.offset = static_cast<int64_t>(begin);
  entry.size_bytes = static_cast<int64_t>(end - begin);
  const auto expected = SizeOf(entry.shape, ElementBytes(entry.type));
  if (!expected || *expected != entry.size_bytes) {
    return Corrupt(StrCat("has ", entry.size_bytes, " bytes, its shape [",
                          StrJoin(entry.shape, ", "), "] of ", Name(entry.type), " makes ",
                          expected ? StrCat(*expected) : std::string("too many")));
  }
  return absl::OkStatus();
}

// Tensors must tile the payload: what lies outside of all of them would be nobody's.
absl::Status CheckTiling(const SafetensorsHeader& header) {
  int64_t end = 0;
  std::vector<std::string_view> names;
  for (const TensorEntry& entry : header.tensors) {
    if (entry.offset != end) {
      return Corrupt(StrCat("tensor '", entry.name, "' begins at byte ", entry.offset,
                            " of the data, the one before it ends at ", end));
    }
    end += entry.size_bytes;
    names.push_back(entry.name);
  }
  if (end != header.payload_bytes) {
    return Corrupt(StrCat("holds ", header.payload_bytes, " data bytes, its tensors have ", end,
                          end > header.payload_bytes ? " (cut short)" : ""));
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return Corrupt(StrCat("tensor '", *twice, "' occurs twice"));
  return absl::OkStatus();
}

}  // namespace

std::string_view Name(TensorType type) { return type == TensorType::kF32 ? "F32" : "BF16"; }
int64_t ElementBytes(TensorType type) { return type == TensorType::kF32 ? 4 : 2; }

absl::Status CheckTensor(TensorEntry& tensor) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/';
  };
  const std::string& name = tensor.name;
  if (name.empty() || name.size() > kMaxNameBytes ||
      !std::all_of(name.begin(), name.end(), allowed) || name == "__metadata__") {
    return absl::InvalidArgumentError(
        StrCat("the tensor name '", name.substr(0, 80),
               "' must be 1 to 256 letters, digits, '.', '_', '-' and '/'"));
  }
  const auto size = SizeOf(tensor.shape, ElementBytes(tensor.type));
  if (!size || tensor.shape.size() > kMaxRank) {
    return absl::InvalidArgumentError(
        StrCat("tensor '", name, "' has an impossible shape [", StrJoin(tensor.shape, ", "), "]"));
  }
  tensor.size_bytes = *size;
  return absl::OkStatus();
}

std::string FormatHeader(const std::map<std::string, std::string>& metadata,
                         std::vector<TensorEntry>& tensors) {
  std::string json = "{\"__metadata__\":{";
  bool first = true;
  for (const auto& [key, value] : metadata) {
    StrAppend(json, first ? "" : ",", Quoted(key), ":", Quoted(value));
    first = false;
  }
  json.push_back('}');
  int64_t offset = 0;
  for (TensorEntry& tensor : tensors) {
    tensor.offset = offset;
    offset += tensor.size_bytes;
    StrAppend(json, ",", Quoted(tensor.name), ":{\"dtype\":\"", Name(tensor.type), "\",\"shape\":[",
              StrJoin(tensor.shape, ","), "],\"data_offsets\":[", tensor.offset, ",", offset, "]}");
  }
  json.push_back('}');
  json.resize((json.size() + 7) / 8 * 8, ' ');
  const uint64_t length = json.size();
  std::string out(kLengthBytes, '\0');
  std::memcpy(out.data(), &length, kLengthBytes);
  return out + json;
}

absl::StatusOr<int64_t> HeaderBytes(std::string_view file_start, int64_t file_bytes) {
  if (file_start.size() < kLengthBytes) {
    return Corrupt(StrCat("has ", file_start.size(), " bytes, too few for a header"));
  }
  uint64_t length = 0;
  std::memcpy(&length, file_start.data(), kLengthBytes);
  if (length < 2 || length > static_cast<uint64_t>(kMaxHeaderBytes)) {
    return Corrupt(StrCat("claims a header of ", length, " bytes; at most ", kMaxHeaderBytes));
  }
  const auto header = static_cast<int64_t>(length);
  if (header > file_bytes - static_cast<int64_t>(kLengthBytes)) {
    return Corrupt(StrCat("has ", file_bytes, " bytes, its header alone takes ",
                          header + static_cast<int64_t>(kLengthBytes), " (cut short)"));
  }
  return header;
}

absl::StatusOr<SafetensorsHeader> ParseHeader(std::string_view file_start, int64_t file_bytes) {
  SHOAL_ASSIGN_OR_RETURN(const int64_t length, HeaderBytes(file_start, file_bytes));
  if (file_start.size() < kLengthBytes + static_cast<size_t>(length)) {
    return Corrupt("was read only in part");
  }
  SafetensorsHeader header;
  header.payload_offset = static_cast<int64_t>(kLengthBytes) + length;
  header.payload_bytes = file_bytes - header.payload_offset;

  simdjson::dom::parser parser;
  const simdjson::padded_string json(file_start.substr(kLengthBytes, static_cast<size_t>(length)));
  Object root;
  if (auto error = parser.parse(json).get(root); error != simdjson::SUCCESS) {
    return Corrupt(StrCat("header is not a JSON object: ", simdjson::error_message(error)));
  }
  bool has_metadata = false;
  for (const auto& [key, value] : root) {
    if (key == "__metadata__") {
      if (has_metadata) return Corrupt("__metadata__ occurs twice");
      has_metadata = true;
      SHOAL_RETURN_IF_ERROR(ReadMetadata(value, header.metadata));
      continue;
    }
    if (header.tensors.size() == kMaxTensors) {
      return Corrupt(StrCat("holds more than ", kMaxTensors, " tensors"));
    }
    TensorEntry& entry = header.tensors.emplace_back();
    entry.name = key;
    SHOAL_RETURN_IF_ERROR(ReadTensor(value, header.payload_bytes, entry), "tensor '",
                          entry.name.substr(0, 80), "'");
  }
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorEntry& a, const TensorEntry& b) {
                     return std::pair(a.offset, a.size_bytes) < std::pair(b.offset, b.size_bytes);
                   });
  SHOAL_RETURN_IF_ERROR(CheckTiling(header));
  return header;
}

}  // namespace shoal::checkpoint
