// Collects everything that is wrong with a spec, so that a person fixes it all at once:
//
//   Violations violations;
//   SHOAL_ASSIGN_OR_RETURN(SpecFile file, ParseSpecFile(path, violations));
//   for (const std::string& set : sets) ApplySet(file, set, violations);
//   if (!violations.empty()) CheckSoundRules(file, {}, violations);
//   return violations.ToStatus();
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
  const std::set<std::string, std::less<>>& paths() const { return paths_; }
  // Leaves `path` ("": everything) out of the rules between fields, as if something had been said
  // about it.
  void Doubt(std::string_view path) { paths_.emplace(path); }
  // Whether something was said about `path` itself or a group that holds it.
  bool Mentions(std::string_view path) const;

  // OK, or INVALID_ARGUMENT with one line per violation (the first 100, then how many more).
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
  std::set<std::string, std::less<>> paths_;
};

// As those of spec.h, but what is wrong is added to `violations` and everything else is kept.
// Errors: of reading the file only.
absl::StatusOr<SpecFile> ParseSpecFile(const std::string& path, Violations& violations);
SpecFile ParseSpecText(std::string_view yaml, std::string_view file_name, Violations& violations);
void ApplySet(SpecFile& file, std::string_view assignment, Violations& violations);

// For a file with violations: the rules between fields nothing was said about, of the run or of
// the sweep's base. Fields that the sweep varies, or that `varied` names, are left out: a sweep's
// rules hold for each run of it, and it cannot be expanded yet.
void CheckSoundRules(const SpecFile& file, const std::vector<std::string>& varied,
                     Violations& violations);

}  // namespace shoal::spec
