// Specs as text: canonical (what is digested) and complete (what a person reads).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace shoal::spec {

// Canonical JSON: no white space; fields in order of their numbers; map entries by key; only fields
// that count for identity and differ from their defaults, so that a field added later, or a default
// written out, changes nothing. Numbers are the shortest text that reads back (RFC 8785);
// strings are UTF-8 with only control characters, '"' and '\' escaped.
//   {"model":{"n_layers":6,"d_model":384},"data":{"conversations":1000}}
// Errors: INVALID_ARGUMENT (text that is not UTF-8, a number that is not finite).
absl::StatusOr<std::string> CanonicalJson(const google::protobuf::Message& message);

// The inverse: reads canonical (or any strict) JSON; what is not in it stays unset.
absl::Status ReadCanonicalJson(std::string_view json, google::protobuf::Message& message);

// Every set field, indented by two spaces, in order of field numbers. After FillDefaults this is
// the complete spec. Text that is not UTF-8 is printed with U+FFFD in place of the broken bytes.
std::string ToJson(const google::protobuf::Message& message);
// The same as YAML; ReadYaml reads it back to an equal message.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace shoal::spec
