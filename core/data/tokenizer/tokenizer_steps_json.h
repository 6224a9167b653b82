// The members "normalizer", "pre_tokenizer" and "decoder" of a tokenizer.json. Internal to
// core/data.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// "member: what", as InvalidArgument.
absl::Status BadMember(std::string_view member, std::string_view what);
// Absent counts as null.
bool IsNullMember(const simdjson::dom::object& parent, std::string_view key);
// A bool member with a default; what is not a bool is an error.
absl::StatusOr<bool> BoolMember(const simdjson::dom::object& parent, std::string_view path,
                                std::string_view key, bool otherwise);
// The member "type", or "(no type)".
std::string TypeOfMember(const simdjson::dom::object& parent, std::string_view key);

// Errors: InvalidArgument naming the member, for a type that is not supported or a malformed
// member.
absl::Status ReadNormalizer(const simdjson::dom::object& root, TokenizerParts& parts);
absl::Status ReadPretokenizer(const simdjson::dom::object& root, TokenizerParts& parts);
// Must follow the model's kind, which is known by then.
absl::Status ReadDecoder(const simdjson::dom::object& root, TokenizerParts& parts);

std::string NormalizerJson(const TokenizerParts& parts);
std::string PretokenizerJson(const TokenizerParts& parts);
std::string DecoderJson(const TokenizerParts& parts);

}  // namespace shoal::data
