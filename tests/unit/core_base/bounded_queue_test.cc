#include "core/base/bounded_queue.h"

#include <atomic>
#include <memory>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kNow = absl::ZeroDuration();
constexpr absl::Duration kLong = absl::Seconds(30);

TEST(BoundedQueueTest, FirstInFirstOut) {
  BoundedQueue<int> queue(3);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_EQ(queue.Pop(kNow), 1);
  EXPECT_EQ(queue.Pop(kNow), 2);
  EXPECT_EQ(queue.Pop(kNow), std::nullopt);
}

TEST(BoundedQueueTest, FullQueueLeavesTheItemWithItsOwner) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  EXPECT_FALSE(queue.Push(std::move(second), absl::Milliseconds(2)));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(**queue.Pop(kNow), 1);
  EXPECT_TRUE(queue.TryPush(std::move(second)));
}

TEST(BoundedQueueTest, PopBatchTakesInOrderUpToTheLimit) {
  BoundedQueue<int> queue(8);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(queue.TryPush(int{i}));
  EXPECT_THAT(queue.PopBatch(3, kNow), ElementsAre(0, 1, 2));
  EXPECT_THAT(queue.PopBatch(3, kNow), ElementsAre(3, 4));
  EXPECT_THAT(queue.PopBatch(3, absl::Milliseconds(2)), IsEmpty());
}

TEST(BoundedQueueTest, CloseRefusesPushesAndDeliversTheRest) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  queue.Close();
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.TryPush(2));
  EXPECT_EQ(queue.Pop(kLong), 1);
  EXPECT_EQ(queue.Pop(kLong), std::nullopt);
}

TEST(BoundedQueueTest, CloseWakesWaiters) {
  BoundedQueue<int> empty(1);
  BoundedQueue<int> full(1);
  EXPECT_TRUE(full.TryPush(1));
  std::thread consumer([&empty] { EXPECT_EQ(empty.Pop(kLong), std::nullopt); });
  std::thread producer([&full] { EXPECT_FALSE(full.Push(2, kLong)); });
  empty.Close();
  full.Close();
  consumer.join();
  producer.join();
}

TEST(BoundedQueueTest, ManyProducersAndConsumersLoseNothing) {
  BoundedQueue<int> queue(4);
  std::atomic<int64_t> sum = 0;
  std::atomic<int> count = 0;
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (int t = 0; t < 3; ++t) {
    producers.emplace_back([&queue] {
      for (int i = 1; i <= 1000; ++i) EXPECT_TRUE(queue.Push(int{i}, kLong));
    });
  }
  consumers.emplace_back([&] {
    while (std::optional<int> item = queue.Pop(kLong)) {
      sum += *item;
      ++count;
    }
  });
  consumers.emplace_back([&] {
    while (true) {
      const std::vector<int> batch = queue.PopBatch(16, kLong);
      if (batch.empty()) break;
      for (int item : batch) sum += item;
      count += static_cast<int>(batch.size());
    }
  });
  for (std::thread& thread : producers) thread.join();
  queue.Close();
  for (std::thread& thread : consumers) thread.join();
  EXPECT_EQ(count, 3000);
  EXPECT_EQ(sum, 3 * 500500);
}

}  // namespace
}  // namespace shoal
