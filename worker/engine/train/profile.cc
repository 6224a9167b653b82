#include "worker/engine/train/profile.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_format.h"

namespace shoal::engine {

std::string Profile::Report(const Program& program) const {
  if (nanoseconds_.empty()) return "";
  const double total =
      static_cast<double>(std::accumulate(nanoseconds_.begin(), nanoseconds_.end(), uint64_t{0}));
  std::vector<size_t> order(nanoseconds_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return nanoseconds_[a] > nanoseconds_[b]; });
  std::string text = absl::StrFormat("program %s: %.3f ms\n", program.name, total / 1e6);
  for (size_t i : order) {
    const double spent = static_cast<double>(nanoseconds_[i]);
    absl::StrAppendFormat(&text, "%12.3f ms %5.1f%%  %-24s %s\n", spent / 1e6,
                          total > 0 ? 100 * spent / total : 0.0, OpName(program.ops[i].code.kind),
                          program.ops[i].label);
  }
  return text;
}

}  // namespace shoal::engine
