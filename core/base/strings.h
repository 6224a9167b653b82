// Text from pieces. Debian's Abseil is built with its own absl::string_view, to which
// std::string_view does not convert; the house's view type is std::string_view, and these functions
// stand for Abseil's wherever one may occur.
//
//   StrCat("job ", id, " has ", count, " attempts")
#pragma once

#include <concepts>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace shoal {

// The same bytes as the other view type.
inline absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdView(absl::string_view text) { return {text.data(), text.size()}; }

namespace strings_internal {
template <typename T>
decltype(auto) Piece(const T& value) {
  if constexpr (std::same_as<T, std::string_view>) {
    return AbslView(value);
  } else if constexpr (std::convertible_to<const T&, absl::AlphaNum>) {
    return (value);
  } else {
    std::ostringstream out;
    out << value;
    return std::move(out).str();
  }
}
}  // namespace strings_internal

// The pieces one after the other: strings, string views of both kinds, numbers (six significant
// digits), absl::Hex and its like, and whatever has operator<<.
template <typename... Pieces>
std::string StrCat(const Pieces&... pieces) {
  return absl::StrCat(strings_internal::Piece(pieces)...);
}

// Appends the pieces to `text`.
template <typename... Pieces>
void StrAppend(std::string& text, const Pieces&... pieces) {
  absl::StrAppend(&text, strings_internal::Piece(pieces)...);
}

// The parts between the separators, empty ones included; an empty text has one empty part. Views
// into `text`.
inline std::vector<std::string_view> StrSplit(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The elements (anything StrCat takes) with `separator` between them.
template <typename Range>
std::string StrJoin(const Range& elements, std::string_view separator) {
  std::string text;
  bool first = true;
  for (const auto& element : elements) {
    if (!first) text.append(separator);
    first = false;
    StrAppend(text, element);
  }
  return text;
}

// Without spaces, tabs and line ends at either end.
inline std::string_view StripSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace shoal
