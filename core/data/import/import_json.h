// Telling whole JSON documents apart. Internal to core/data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/data/dataset/record.h"
#include "core/data/import/import.h"

namespace shoal::data {

// The longest JSON document: it is parsed in memory. JSON lines have no such limit.
inline constexpr int64_t kMaxJsonBytes = int64_t{1} << 30;

// "json" (an array), "fewrel", "clinc150", or "jsonl" (an object of its own); nothing when the text
// is not one JSON document.
std::optional<std::string> JsonDocumentFormat(std::string_view text);

// The members that --columns names.
RecordFields FieldsOf(const ImportOptions& options);

}  // namespace shoal::data
