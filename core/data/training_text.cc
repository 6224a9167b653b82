#include "core/data/training_text.h"

#include <string_view>

#include "core/base/mapped_file.h"
#include "core/base/status.h"

namespace shoal::data {
namespace {

constexpr uint64_t kSplitSeed = 1;

bool IsPlainText(const TextFile& file) { return std::string_view(file.name).ends_with(".txt"); }

absl::StatusOr<SplitSource> Plain(const TextFile& file, const ReadOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(SplitSource split, ReadPlainText(file.path, options),
                         file.name == file.path ? std::string() : file.name);
  return split;
}

// Problems name the file as people know it.
absl::StatusOr<Source> JsonLines(const TextFile& file, const ReadOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file.path));
  return ParseJsonl(mapped.text(), file.name, options);
}

}  // namespace

absl::StatusOr<SplitSource> ReadTrainingText(const TextFile& train, const TextFile& held_out,
                                             double held_out_fraction) {
  const bool separate = !held_out.path.empty();
  ReadOptions options;
  options.held_out_fraction = separate ? 0 : held_out_fraction;
  SplitSource split;
  if (IsPlainText(train)) {
    SHOAL_ASSIGN_OR_RETURN(split, Plain(train, options));
  } else {
    SHOAL_ASSIGN_OR_RETURN(split.train, JsonLines(train, options));
    if (!separate) split = SplitByContent(std::move(split.train), held_out_fraction, kSplitSeed);
  }
  if (!separate) return split;
  if (IsPlainText(held_out)) {
    SHOAL_ASSIGN_OR_RETURN(SplitSource whole, Plain(held_out, options));
    split.held_out = std::move(whole.train);
  } else {
    SHOAL_ASSIGN_OR_RETURN(split.held_out, JsonLines(held_out, options));
  }
  return split;
}

}  // namespace shoal::data
