#include "core/spec/violations.h"

#include <algorithm>

#include "core/base/strings.h"

namespace shoal::spec {
namespace {
constexpr size_t kMaxListed = 100;
}

void Violations::Add(std::string_view where, std::string_view path, std::string_view what) {
  std::string line;
  if (!where.empty()) StrAppend(line, where, ": ");
  if (!path.empty()) StrAppend(line, path, ": ");
  line.append(what);
  lines_.push_back(std::move(line));
  if (!path.empty()) paths_.emplace(path);
}

void Violations::AddAt(const Positions* positions, std::string_view path, std::string_view what) {
  std::string_view where;
  for (std::string_view at = path; positions != nullptr && !at.empty();) {
    if (auto it = positions->find(at); it != positions->end()) {
      where = it->second;
      break;
    }
    const size_t cut = at.find_last_of(".[");
    at = cut == std::string_view::npos ? std::string_view() : at.substr(0, cut);
  }
  Add(where, path, what);
}

bool Violations::Mentions(std::string_view path) const {
  while (true) {
    if (paths_.count(path) > 0) return true;
    const size_t cut = path.find_last_of(".[");
    if (cut == std::string_view::npos) return paths_.count("") > 0;
    path = path.substr(0, cut);
  }
}

absl::Status Violations::ToStatus() const {
  if (lines_.empty()) return absl::OkStatus();
  const size_t listed = std::min(lines_.size(), kMaxListed);
  std::string text =
      StrJoin(std::vector<std::string>(lines_.begin(), lines_.begin() + listed), "\n");
  if (listed < lines_.size()) StrAppend(text, "\nand ", lines_.size() - listed, " more");
  return absl::InvalidArgumentError(text);
}

}  // namespace shoal::spec
