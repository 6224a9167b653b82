// Finds stop strings in text that arrives in pieces, and holds back what may be the start of one.
#ifndef SHOAL_WORKER_ENGINE_GENERATE_STOP_STRINGS_H_
#define SHOAL_WORKER_ENGINE_GENERATE_STOP_STRINGS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shoal::engine {

// Thread-compatible.
class StopStrings {
 public:
  // Empty strings are ignored.
  explicit StopStrings(std::vector<std::string> stops);

  // Adds text and returns what may be shown now. After a stop string was found, everything before
  // it has been returned and found() is true.
  std::string Push(std::string_view text);
  // What was held back, when no more text comes.
  std::string Finish() { return std::exchange(held_, {}); }
  bool found() const { return found_; }

 private:
  size_t LengthOfPossibleStart() const;

  std::vector<std::string> stops_;
  std::string held_;
  bool found_ = false;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_GENERATE_STOP_STRINGS_H_
