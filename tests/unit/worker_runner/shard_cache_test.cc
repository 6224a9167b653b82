#include "worker/runner/shard_cache.h"

#include <thread>

#include "core/base/clock.h"
#include "tests/unit/worker_runner/runner_fixture.h"

namespace shoal::runner {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class ShardCacheTest : public RunnerTest {
 protected:
  absl::StatusOr<PreparedText> Prepare(const v1::AttemptOrder& order) {
    Reporter reporter(*this, clock_);
    return PrepareText(order, reporter);
  }
  // Names of the keys that have shards.
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    const std::vector<std::string> names = files_.ListDir(Path("cache/shards")).value();
    for (const std::string& name : names) {
      if (!name.ends_with(".lock")) keys.push_back(name);
    }
    return keys;
  }
  const SystemClock clock_;
};

TEST_F(ShardCacheTest, MakesOnceAndFindsAgain) {
  const v1::AttemptOrder order = Order(4, "");
  ASSERT_OK_AND_ASSIGN(const PreparedText first, Prepare(order));
  EXPECT_GT(first.train.examples(), 30);
  EXPECT_GT(first.held_out.examples(), 0);
  frames_.clear();
  ASSERT_OK_AND_ASSIGN(const PreparedText second, Prepare(order));
  EXPECT_TRUE(frames_.empty()) << "nothing was tokenized, nothing is told";
  EXPECT_EQ(second.train.examples(), first.train.examples());
  EXPECT_THAT(Keys(), SizeIs(1));
}

TEST_F(ShardCacheTest, WhatMattersMakesAnotherKeyAndNothingElseDoes) {
  v1::AttemptOrder order = Order(4, "");
  ASSERT_OK(Prepare(order));
  order.mutable_spec()->mutable_train()->set_steps(99);
  order.mutable_spec()->set_seed(7);
  ASSERT_OK(Prepare(order));
  EXPECT_THAT(Keys(), SizeIs(1));
  order.mutable_spec()->mutable_model()->set_max_seq(12);
  ASSERT_OK(Prepare(order));
  EXPECT_THAT(Keys(), SizeIs(2));
  order.mutable_spec()->mutable_data()->set_held_out_fraction(0.25);
  ASSERT_OK(Prepare(order));
  EXPECT_THAT(Keys(), SizeIs(3));
}

TEST_F(ShardCacheTest, ADamagedShardIsMadeAgain) {
  const v1::AttemptOrder order = Order(4, "");
  ASSERT_OK_AND_ASSIGN(const PreparedText first, Prepare(order));
  const std::string path = Path(StrCat("cache/shards/", Keys()[0], "/train.shard"));
  ASSERT_OK_AND_ASSIGN(const std::string whole, files_.ReadFile(path));
  ASSERT_OK(files_.WriteFileAtomic(path, whole.substr(0, whole.size() / 2)));
  ASSERT_OK_AND_ASSIGN(const PreparedText second, Prepare(order));
  EXPECT_EQ(second.train.examples(), first.train.examples());
  EXPECT_THAT(files_.ReadFile(path), IsOkAndHolds(whole));
}

TEST_F(ShardCacheTest, NamesWhatIsMissing) {
  v1::AttemptOrder order = Order(4, "");
  order.mutable_files()->RemoveLast();
  EXPECT_THAT(Prepare(order), StatusIs(absl::StatusCode::kNotFound, HasSubstr("tokenizer")));
}

TEST_F(ShardCacheTest, BadDataIsTheSpecsFault) {
  v1::AttemptOrder order = Order(4, "");
  order.mutable_files()->DeleteSubrange(0, 1);
  AddFile(order, v1::BINDING_ROLE_TRAIN, "bad.jsonl", "nothing\nof use\n");
  EXPECT_THAT(Prepare(order), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ShardCacheTest, TwoWhoWantTheSameGetTheSame) {
  const v1::AttemptOrder order = Order(4, "");
  std::thread other([&] {
    class Silent final : public FrameSink {
      void Send(const v1::AgentFrame&) override {}
    } silent;
    Reporter reporter(silent, clock_);
    EXPECT_OK(PrepareText(order, reporter));
  });
  EXPECT_OK(Prepare(order));
  other.join();
  EXPECT_THAT(Keys(), SizeIs(1));
}

}  // namespace
}  // namespace shoal::runner
