#include "worker/engine/train/profile.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"

namespace shoal::engine {
namespace {

// "blocks.11.ffn.up.dw" -> "blocks.*.ffn.up.dw"
std::string WithoutBlock(std::string label) {
  constexpr std::string_view kBlocks = "blocks.";
  const size_t at = label.find(kBlocks);
  if (at == std::string::npos) return label;
  const size_t begin = at + kBlocks.size();
  size_t end = begin;
  while (end < label.size() && label[end] >= '0' && label[end] <= '9') ++end;
  return label.replace(begin, end - begin, "*");
}

struct Line {
  double seconds = 0;  // a run
  int count = 0;
  OpCost cost;
  double least = 0;  // seconds that the roofline allows
};

}  // namespace

void Profile::Count(const shoal_scalars& scalars) {
  ++runs_;
  sums_.rows += static_cast<double>(scalars.rows);
  sums_.sequences += static_cast<double>(scalars.sequences);
  sums_.selected += static_cast<double>(scalars.selected);
}

UsedExtents Profile::Mean() const {
  const auto runs = static_cast<double>(std::max<int64_t>(runs_, 1));
  return {sums_.rows / runs, sums_.sequences / runs, sums_.selected / runs};
}

std::string Profile::Report(const Program& program, const Roofline& roofline) const {
  if (nanoseconds_.empty() || runs_ == 0) return "";
  const UsedExtents used = Mean();
  std::map<std::pair<std::string, std::string>, Line> lines;
  double total = 0;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    const double seconds = static_cast<double>(nanoseconds_[i]) / 1e9 / static_cast<double>(runs_);
    const OpCost cost = CostOf(program, op, used);
    Line& line = lines[{std::string(OpName(op.code.kind)), WithoutBlock(op.label)}];
    line.seconds += seconds;
    ++line.count;
    line.cost.flops += cost.flops;
    line.cost.bytes += cost.bytes;
    const double products = roofline.flops_per_s > 0 ? cost.flops / roofline.flops_per_s : 0;
    const double transfer = roofline.bytes_per_s > 0 ? cost.bytes / roofline.bytes_per_s : 0;
    line.least += std::max(products, transfer);
    total += seconds;
  }
  std::vector<std::pair<std::pair<std::string, std::string>, Line>> order(lines.begin(),
                                                                          lines.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second.seconds > b.second.seconds;
  });
  std::string text = absl::StrFormat(
      "program %s: %.3f ms a run\n%10s %6s %3s  %-24s %-36s %8s %8s %9s\n", program.name,
      total * 1e3, "ms", "share", "n", "operation", "of", "GFLOP/s", "GB/s", "roofline");
  for (const auto& [name, line] : order) {
    const double seconds = std::max(line.seconds, 1e-12);
    absl::StrAppendFormat(&text, "%10.3f %5.1f%% %3d  %-24s %-36s %8.0f %8.1f %8.0f%%\n",
                          line.seconds * 1e3, total > 0 ? 100 * line.seconds / total : 0.0,
                          line.count, name.first, name.second, line.cost.flops / seconds / 1e9,
                          line.cost.bytes / seconds / 1e9, 100 * line.least / seconds);
  }
  return text;
}

}  // namespace shoal::engine
