// JSON's scalars as text.
#pragma once

#include <string>
#include <string_view>

namespace shoal::cli {

// In quotes, escaped; what is not UTF-8 becomes U+FFFD.
std::string JsonText(std::string_view text);
// The shortest text that reads back to the same double; null for what JSON has no number for.
std::string JsonNumber(double value);

}  // namespace shoal::cli
