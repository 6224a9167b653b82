// Identity of data sets: equal ids mean equal bytes in equal roles. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/dataset.pb.h"

namespace shoal::spec {

// What a data set holds; `kind` of v1::Dataset.
inline constexpr std::string_view kConversations = "conversations";
inline constexpr std::string_view kLabelled = "labelled";
inline constexpr std::string_view kText = "text";          // examples, each on its own
inline constexpr std::string_view kDocument = "document";  // one plain text

// 64 lower-case hex digits of the SHA-256 of this text, files sorted by role:
//   shoal dataset 1\n  then per file  <role> <sha256> <extension>\n
// e.g. "TRAIN 9f86d0... .jsonl". Names, sizes and the files' order do not count.
// Errors: InvalidArgument (a file without role, with a malformed digest, or whose name ends in
// neither .jsonl nor .txt; a role given twice; no TRAIN; a role that is neither TRAIN nor
// HELD_OUT).
absl::StatusOr<std::string> DatasetId(
    const google::protobuf::RepeatedPtrField<v1::DataBinding>& files);

// Whether a data set may be stored as it is: a well-formed name, a known kind, files that give its
// dataset_id, counts that add up (records == examples + malformed + empty), lists within bounds.
// Errors: InvalidArgument, a line for each violation.
absl::Status CheckDataset(const v1::Dataset& dataset);

}  // namespace shoal::spec
