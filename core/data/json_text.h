// Writing JSON strings.
#pragma once

#include <string>
#include <string_view>

namespace shoal::data {

// Appends `text` with its quotes. Bytes that are not UTF-8 become U+FFFD, because JSON cannot hold
// them.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace shoal::data
