#include "core/data/batcher.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/check.h"
#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {

int64_t LikelyRows(double mean, double variance, int64_t examples) {
  constexpr double kDeviations = 6;
  const auto count = static_cast<double>(examples);
  const double rows = mean * count + kDeviations * std::sqrt(std::max(variance, 0.0) * count);
  return (std::llround(std::ceil(rows)) + 15) / 16 * 16;
}

Batcher::Batcher(Shard shard, const BatcherOptions& options)
    : shard_(std::move(shard)), options_(options) {}

absl::StatusOr<Batcher> Batcher::Create(Shard shard, const BatcherOptions& options) {
  if (options.size < 1) {
    return absl::InvalidArgumentError(
        StrCat("batch size is ", options.size, ", expected at least 1"));
  }
  if (shard.examples() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(
        StrCat("the shard has ", shard.examples(), " examples; at most 2^31 - 1"));
  }
  Batcher batcher(std::move(shard), options);
  int64_t longest = 0;
  for (int64_t i = 0; i < batcher.shard_.examples(); ++i) {
    if (options.loss_on == LossOn::kResponse && batcher.shard_.ResponseTokens(i) == 0) {
      ++batcher.excluded_;
      continue;
    }
    batcher.usable_.push_back(static_cast<uint32_t>(i));
    longest = std::max(longest, batcher.RowsOf(batcher.usable_.back()));
  }
  if (batcher.usable_.empty()) {
    return absl::InvalidArgumentError(
        StrCat("none of the ", batcher.shard_.examples(),
               " examples has a response to learn: use loss_on: all, or conversations with "
               "assistant turns that fit into max_seq"));
  }
  if (options.unit == BatchUnit::kTokens && longest > options.size) {
    return absl::InvalidArgumentError(StrCat("a batch of ", options.size,
                                             " tokens cannot hold the longest example, which "
                                             "has ",
                                             longest, "; raise the batch size or lower max_seq"));
  }
  batcher.order_.reserve(batcher.usable_.size());
  batcher.batch_begin_.reserve(batcher.usable_.size() + 1);
  batcher.epoch_begin_.reserve(1024);
  batcher.epoch_begin_.push_back(0);
  batcher.ComputeCapacity();
  if (batcher.capacity_.rows > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(StrCat("a batch of ", options.size, " examples can have ",
                                             batcher.capacity_.rows, " rows; at most 2^31 - 1"));
  }
  batcher.PlanEpoch(0);
  return batcher;
}

int64_t Batcher::RowsOf(uint32_t example) const {
  return shard_.Length(example) - (options_.whole ? 0 : 1);
}

void Batcher::ComputeCapacity() {
  std::vector<int64_t> rows;
  rows.reserve(usable_.size());
  for (const uint32_t example : usable_) rows.push_back(RowsOf(example));
  std::sort(rows.begin(), rows.end());
  const auto n = static_cast<int64_t>(rows.size());
  if (options_.unit == BatchUnit::kExamples) {  // the longest examples all at once
    capacity_.sequences = std::min(options_.size, n);
    capacity_.rows = std::accumulate(rows.end() - capacity_.sequences, rows.end(), int64_t{0});
    double sum = 0, squares = 0;
    for (const int64_t r : rows) {
      sum += static_cast<double>(r);
      squares += static_cast<double>(r) * static_cast<double>(r);
    }
    const double mean = sum / static_cast<double>(n);
    const double variance = squares / static_cast<double>(n) - mean * mean;
    capacity_.likely_rows = std::min(
        capacity_.rows, std::max(rows.back(), LikelyRows(mean, variance, capacity_.sequences)));
    return;
  }
  int64_t total = 0;  // as many of the shortest examples as fit
  for (const int64_t r : rows) {
    if (total + r > options_.size) break;
    total += r;
    ++capacity_.sequences;
  }
  capacity_.rows = std::min(options_.size, std::accumulate(rows.begin(), rows.end(), int64_t{0}));
  capacity_.likely_rows = capacity_.rows;
}

void Batcher::PlanEpoch(int64_t epoch) {
  if (epoch == epoch_) return;
  order_ = usable_;
  if (options_.shuffle) {
    Random random(options_.seed, PurposeOf(Purpose::kShuffle), static_cast<uint64_t>(epoch));
    random.Shuffle(std::span(order_));
  }
  batch_begin_.clear();
  int64_t used = 0;  // of the batch at hand
  for (size_t i = 0; i < order_.size(); ++i) {
    const int64_t cost = options_.unit == BatchUnit::kExamples ? 1 : RowsOf(order_[i]);
    if (i == 0 || used + cost > options_.size) {
      batch_begin_.push_back(static_cast<uint32_t>(i));
      used = 0;
    }
    used += cost;
  }
  batch_begin_.push_back(static_cast<uint32_t>(order_.size()));
  epoch_ = epoch;
  if (static_cast<size_t>(epoch) + 1 == epoch_begin_.size()) {
    epoch_begin_.push_back(epoch_begin_.back() + static_cast<int64_t>(batch_begin_.size()) - 1);
  }
}

int64_t Batcher::StepsInEpoch(int64_t epoch) {
  SHOAL_CHECK(epoch >= 0, "epoch ", epoch);
  const bool fixed = options_.unit == BatchUnit::kExamples || !options_.shuffle;
  PlanEpoch(fixed ? epoch_ : epoch);
  return static_cast<int64_t>(batch_begin_.size()) - 1;
}

int64_t Batcher::EpochOf(int64_t step) {
  SHOAL_CHECK(step >= 0, "step ", step);
  if (options_.unit == BatchUnit::kExamples || !options_.shuffle) return step / StepsInEpoch(0);
  while (epoch_begin_.back() <= step) PlanEpoch(static_cast<int64_t>(epoch_begin_.size()) - 1);
  const auto after = std::upper_bound(epoch_begin_.begin(), epoch_begin_.end(), step);
  return after - epoch_begin_.begin() - 1;
}

void Batcher::SeekTo(int64_t step) { PlanEpoch(EpochOf(step)); }

Batch Batcher::MakeBatch() const {
  Batch batch;
  batch.tokens.reserve(static_cast<size_t>(capacity_.rows));
  batch.targets.reserve(static_cast<size_t>(capacity_.rows));
  batch.positions.reserve(static_cast<size_t>(capacity_.rows));
  batch.sequence_offsets.reserve(static_cast<size_t>(capacity_.sequences) + 1);
  if (shard_.classes() > 0) batch.labels.reserve(static_cast<size_t>(capacity_.sequences));
  batch.examples.reserve(static_cast<size_t>(capacity_.sequences));
  return batch;
}

void Batcher::Fill(int64_t step, Batch& batch) {
  SeekTo(step);
  batch.tokens.clear();
  batch.targets.clear();
  batch.positions.clear();
  batch.sequence_offsets.assign(1, 0);
  batch.labels.clear();
  batch.examples.clear();
  batch.loss_tokens = 0;
  batch.epoch = epoch_;
  const bool fixed = options_.unit == BatchUnit::kExamples || !options_.shuffle;
  const int64_t steps = static_cast<int64_t>(batch_begin_.size()) - 1;
  const int64_t first = fixed ? epoch_ * steps : epoch_begin_[static_cast<size_t>(epoch_)];
  const auto index = static_cast<size_t>(step - first);
  for (uint32_t i = batch_begin_[index]; i < batch_begin_[index + 1]; ++i) {
    AppendExample(order_[i], batch);
  }
  batch.rows = static_cast<int64_t>(batch.tokens.size());
  batch.sequences = static_cast<int64_t>(batch.examples.size());
}

void Batcher::AppendExample(uint32_t example, Batch& batch) const {
  const size_t begin = batch.tokens.size();
  const auto rows = static_cast<size_t>(RowsOf(example));
  batch.tokens.resize(begin + rows);
  batch.targets.resize(begin + rows);
  batch.positions.resize(begin + rows);
  shard_.CopyTokens(example, 0, std::span(batch.tokens).subspan(begin));
  std::iota(batch.positions.begin() + static_cast<ptrdiff_t>(begin), batch.positions.end(), 0);
  batch.sequence_offsets.push_back(static_cast<int32_t>(batch.tokens.size()));
  batch.examples.push_back(example);
  if (options_.whole) {
    std::fill(batch.targets.begin() + static_cast<ptrdiff_t>(begin), batch.targets.end(), -1);
    if (shard_.classes() > 0) batch.labels.push_back(shard_.Label(example));
    return;
  }
  shard_.CopyTokens(example, 1, std::span(batch.targets).subspan(begin));
  const std::span<const uint8_t> response = shard_.ResponseFlags(example);
  for (size_t i = 0; i < rows; ++i) {
    int32_t& target = batch.targets[begin + i];
    if (options_.loss_on == LossOn::kResponse && (response[i + 1] & 1) == 0) {
      target = -1;
      continue;
    }
    ++batch.loss_tokens;
  }
}

}  // namespace shoal::data
