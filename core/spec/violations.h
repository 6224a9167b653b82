// Collects everything that is wrong with a spec, so that a person fixes it all at once.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/spec/spec.h"

namespace shoal::spec {

// Thread-compatible.
class Violations {
 public:
  // `where` is "file:line:column", "--set" or empty; `path` a field path or empty.
  void Add(std::string_view where, std::string_view path, std::string_view what);
  // Adds with the position at which `path`, or the nearest field around it, was written.
  void AddAt(const Positions* positions, std::string_view path, std::string_view what);

  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }
  // Whether something was said about `path` itself.
  bool Mentions(std::string_view path) const { return paths_.count(path) > 0; }

  // OK, or INVALID_ARGUMENT with one line per violation (the first 100, then how many more).
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
  std::set<std::string, std::less<>> paths_;
};

}  // namespace shoal::spec
