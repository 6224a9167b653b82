#include "core/data/training_text.h"

#include <string_view>

#include "core/base/status.h"

namespace shoal::data {
namespace {

constexpr uint64_t kSplitSeed = 1;

bool IsPlainText(const TextFile& file) { return std::string_view(file.name).ends_with(".txt"); }

}  // namespace

absl::StatusOr<SplitSource> ReadTrainingText(const TextFile& train, const TextFile& held_out,
                                             double held_out_fraction) {
  const bool separate = !held_out.path.empty();
  ReadOptions options;
  options.held_out_fraction = separate ? 0 : held_out_fraction;
  SplitSource split;
  if (IsPlainText(train)) {
    SHOAL_ASSIGN_OR_RETURN(split, ReadPlainText(train.path, options), train.name);
  } else {
    SHOAL_ASSIGN_OR_RETURN(split.train, ReadJsonl(train.path, options), train.name);
    if (!separate) split = SplitByContent(std::move(split.train), held_out_fraction, kSplitSeed);
  }
  if (!separate) return split;
  if (IsPlainText(held_out)) {
    SHOAL_ASSIGN_OR_RETURN(SplitSource whole, ReadPlainText(held_out.path, options), held_out.name);
    split.held_out = std::move(whole.train);
  } else {
    SHOAL_ASSIGN_OR_RETURN(split.held_out, ReadJsonl(held_out.path, options), held_out.name);
  }
  return split;
}

}  // namespace shoal::data
