#include "worker/engine/generate/stop_strings.h"

#include <algorithm>

namespace shoal::engine {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase(stops_, "");
}

std::string StopStrings::Push(std::string_view text) {
  held_.append(text);
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    found_ = true;
    held_.resize(first);
    return Finish();
  }
  const size_t held = LengthOfPossibleStart();
  std::string shown = held_.substr(0, held_.size() - held);
  held_.erase(0, shown.size());
  return shown;
}

// The longest end of the text that some stop string begins with.
size_t StopStrings::LengthOfPossibleStart() const {
  size_t longest = 0;
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > longest; --n) {
      if (std::string_view(held_).substr(held_.size() - n) == std::string_view(stop).substr(0, n)) {
        longest = n;
      }
    }
  }
  return longest;
}

}  // namespace shoal::engine
