#include "core/base/mutex.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace shoal {
namespace {

struct Counter {
  Mutex mutex;
  CondVar changed;
  int value SHOAL_GUARDED_BY(mutex) = 0;
};

TEST(MutexTest, ExcludesOtherThreads) {
  Counter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&counter] {
      for (int i = 0; i < 1000; ++i) {
        MutexLock lock(counter.mutex);
        ++counter.value;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(counter.mutex);
  EXPECT_EQ(counter.value, 4000);
}

TEST(CondVarTest, WaitEndsBySignal) {
  Counter counter;
  std::thread other([&counter] {
    MutexLock lock(counter.mutex);
    counter.value = 1;
    counter.changed.SignalAll();
  });
  {
    MutexLock lock(counter.mutex);
    while (counter.value == 0) {
      if (!counter.changed.WaitFor(counter.mutex, absl::InfiniteDuration())) break;
    }
    EXPECT_EQ(counter.value, 1);
  }
  other.join();
}

TEST(CondVarTest, WaitEndsByTime) {
  Counter counter;
  MutexLock lock(counter.mutex);
  const auto deadline = CondVar::Deadline(absl::Milliseconds(5));
  while (counter.changed.WaitUntil(counter.mutex, deadline)) {
  }
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  EXPECT_FALSE(counter.changed.WaitFor(counter.mutex, -absl::InfiniteDuration()));
}

}  // namespace
}  // namespace shoal
