#include "core/data/batcher.h"

#include <cmath>
#include <map>
#include <numbers>

#include "core/data/tokenizer/bits_per_byte.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/core_data/shard_fixture.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

bool Equal(const Batch& a, const Batch& b) {
  return a.tokens == b.tokens && a.targets == b.targets && a.positions == b.positions &&
         a.sequence_offsets == b.sequence_offsets && a.examples == b.examples &&
         a.loss_tokens == b.loss_tokens && a.epoch == b.epoch;
}

class BatcherTest : public ShardTest {
 protected:
  void SetUp() override { shard_.emplace(MakeShard(Conversations(200))); }

  Batcher Make(const BatcherOptions& options) {
    absl::StatusOr<Batcher> batcher = Batcher::Create(*shard_, options);
    EXPECT_OK(batcher);
    return *std::move(batcher);
  }

  // The rows of a batch against the shard.
  void CheckRows(const Batch& batch, LossOn loss_on) {
    int64_t loss_tokens = 0;
    ASSERT_EQ(batch.sequence_offsets.size(), batch.examples.size() + 1);
    ASSERT_EQ(batch.sequence_offsets.back(), batch.rows);
    for (size_t s = 0; s < batch.examples.size(); ++s) {
      const std::vector<int32_t> tokens = TokensOf(*shard_, batch.examples[s]);
      const auto flags = shard_->ResponseFlags(batch.examples[s]);
      const auto begin = static_cast<size_t>(batch.sequence_offsets[s]);
      ASSERT_EQ(batch.sequence_offsets[s + 1] - batch.sequence_offsets[s],
                static_cast<int32_t>(tokens.size()) - 1);
      for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        ASSERT_EQ(batch.tokens[begin + i], tokens[i]);
        ASSERT_EQ(batch.positions[begin + i], static_cast<int32_t>(i));
        const bool counted = loss_on == LossOn::kAll || flags[i + 1] != 0;
        ASSERT_EQ(batch.targets[begin + i], counted ? tokens[i + 1] : -1);
        loss_tokens += counted ? 1 : 0;
      }
    }
    EXPECT_EQ(batch.loss_tokens, loss_tokens);
  }

  std::optional<Shard> shard_;
};

TEST_F(BatcherTest, EveryExampleOnceAnEpoch) {
  for (const BatchUnit unit : {BatchUnit::kExamples, BatchUnit::kTokens}) {
    for (const LossOn loss_on : {LossOn::kAll, LossOn::kResponse}) {
      const int64_t size = unit == BatchUnit::kExamples ? 16 : 500;
      Batcher batcher = Make({.unit = unit, .size = size, .loss_on = loss_on});
      EXPECT_EQ(batcher.excluded(), loss_on == LossOn::kAll ? 0 : 29);
      Batch batch = batcher.MakeBatch();
      int64_t step = 0;
      for (int64_t epoch = 0; epoch < 3; ++epoch) {
        std::map<uint32_t, int> seen;
        const int64_t end = step + batcher.StepsInEpoch(epoch);
        for (; step < end; ++step) {
          EXPECT_EQ(batcher.EpochOf(step), epoch);
          batcher.Fill(step, batch);
          EXPECT_EQ(batch.epoch, epoch);
          EXPECT_GT(batch.loss_tokens, 0);
          CheckRows(batch, loss_on);
          for (const uint32_t example : batch.examples) ++seen[example];
        }
        EXPECT_EQ(static_cast<int64_t>(seen.size()), batcher.examples());
        for (const auto& [example, times] : seen) EXPECT_EQ(times, 1) << example;
      }
    }
  }
}

TEST_F(BatcherTest, ABatchDoesNotDependOnWhatWasAskedBefore) {
  for (const BatchUnit unit : {BatchUnit::kExamples, BatchUnit::kTokens}) {
    const BatcherOptions options{.unit = unit, .size = unit == BatchUnit::kExamples ? 7 : 300};
    Batcher forward = Make(options);
    std::vector<Batch> batches;
    for (int64_t step = 0; step < 120; ++step) {
      batches.push_back(forward.MakeBatch());
      forward.Fill(step, batches.back());
    }
    Batcher jumping = Make(options);
    Batch batch = jumping.MakeBatch();
    Random random = TestRandom(22);
    for (int i = 0; i < 200; ++i) {
      const auto step = static_cast<int64_t>(random.Below(120));
      if (i % 5 == 0) jumping.StepsInEpoch(static_cast<int64_t>(random.Below(9)));
      jumping.Fill(step, batch);
      ASSERT_TRUE(Equal(batch, batches[static_cast<size_t>(step)])) << step;
      if (i % 20 == 0) {
        Batcher fresh = Make(options);
        fresh.Fill(step, batch);
        ASSERT_TRUE(Equal(batch, batches[static_cast<size_t>(step)])) << step;
      }
    }
  }
}

TEST_F(BatcherTest, LikelyRowsAreLikely) {
  EXPECT_EQ(LikelyRows(40, 0, 32), 1280);
  EXPECT_EQ(LikelyRows(40, 100, 32), 1632);  // 1280 + 6 * 10 * sqrt(32) = 1619.4, rounded to 16
  EXPECT_EQ(LikelyRows(10, -1e-12, 4), 48);  // a variance below zero is a rounding error
  for (const int64_t size : {1, 4, 16, 64}) {
    Batcher batcher = Make({.unit = BatchUnit::kExamples, .size = size});
    Batch batch = batcher.MakeBatch();
    EXPECT_LE(batcher.capacity().likely_rows, batcher.capacity().rows);
    for (int64_t step = 0; step < 500; ++step) {
      batcher.Fill(step, batch);
      EXPECT_LE(batch.rows, batcher.capacity().likely_rows) << "size " << size << " step " << step;
    }
  }
  EXPECT_EQ(Make({.unit = BatchUnit::kTokens, .size = 256}).capacity().likely_rows, 256);
}

TEST_F(BatcherTest, CapacityHoldsAndBuffersStay) {
  for (const BatchUnit unit : {BatchUnit::kExamples, BatchUnit::kTokens}) {
    Batcher batcher = Make({.unit = unit, .size = unit == BatchUnit::kExamples ? 16 : 256});
    Batch batch = batcher.MakeBatch();
    const int32_t* tokens = batch.tokens.data();
    const uint32_t* examples = batch.examples.data();
    const int32_t* offsets = batch.sequence_offsets.data();
    for (int64_t step = 0; step < 200; ++step) {
      batcher.Fill(step, batch);
      EXPECT_LE(batch.rows, batcher.capacity().rows);
      EXPECT_LE(batch.sequences, batcher.capacity().sequences);
      EXPECT_LE(batch.rows, unit == BatchUnit::kTokens ? 256 : batch.rows);
      EXPECT_EQ(batch.tokens.data(), tokens);
      EXPECT_EQ(batch.examples.data(), examples);
      EXPECT_EQ(batch.sequence_offsets.data(), offsets);
    }
  }
}

TEST_F(BatcherTest, SeedsShuffleAndHeldOutDoesNot) {
  const BatcherOptions options{.unit = BatchUnit::kExamples, .size = 200};
  Batcher one = Make(options);
  BatcherOptions other_seed = options;
  other_seed.seed = 2;
  Batcher two = Make(other_seed);
  Batch a = one.MakeBatch(), b = two.MakeBatch();
  one.Fill(0, a);
  two.Fill(0, b);
  EXPECT_NE(a.examples, b.examples);
  one.Fill(1, b);
  EXPECT_NE(a.examples, b.examples);

  Batcher in_order = Make({.unit = BatchUnit::kTokens, .size = 400, .shuffle = false});
  Batch batch = in_order.MakeBatch();
  uint32_t next = 0;
  for (int64_t step = 0; step < in_order.StepsInEpoch(0); ++step) {
    in_order.Fill(step, batch);
    for (const uint32_t example : batch.examples) EXPECT_EQ(example, next++);
  }
  EXPECT_EQ(next, 200u);
  in_order.Fill(in_order.StepsInEpoch(0), batch);
  EXPECT_EQ(batch.examples[0], 0u);
  EXPECT_EQ(batch.epoch, 1);
}

TEST_F(BatcherTest, RefusesWhatCannotWork) {
  EXPECT_THAT(Batcher::Create(*shard_, {.size = 0}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("batch size is 0")));
  EXPECT_THAT(Batcher::Create(*shard_, {.unit = BatchUnit::kTokens, .size = 20}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cannot hold the longest example")));
  const Shard plain = MakeShard({ExampleFromText("no markup here")});
  EXPECT_THAT(Batcher::Create(plain, {.loss_on = LossOn::kResponse}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("has a response to learn")));
}

TEST(BitsPerByteTest, CountsTextOnly) {
  const std::vector<uint32_t> token_bytes = {0, 1, 4};
  BitsPerByte bits(token_bytes);
  EXPECT_TRUE(std::isnan(bits.value()));
  const float ln2 = std::numbers::ln2_v<float>;
  bits.Add(std::vector<float>{9, ln2, 4 * ln2, 9}, std::vector<int32_t>{0, 1, 2, -1});
  EXPECT_EQ(bits.bytes(), 5);
  EXPECT_EQ(bits.tokens(), 2);
  EXPECT_NEAR(bits.value(), 1.0, 1e-6);
}

}  // namespace
}  // namespace shoal::data
