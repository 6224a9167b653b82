#include "worker/agent/cores.h"

#include <sched.h>

#include <set>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using CoresTest = TempDirTest;

TEST_F(CoresTest, NobodyGetsWhatAnotherHas) {
  const Cores ours(dir(), {0, 2, 1, 3});
  const Cores another_workers(dir(), {0, 2, 1, 3});
  CoreSet first = ours.Take(1);
  const CoreSet second = another_workers.Take(2);
  EXPECT_THAT(first.cores(), ElementsAre(0));
  EXPECT_THAT(second.cores(), ElementsAre(2, 1));
  EXPECT_THAT(ours.Take(2).cores(), IsEmpty()) << "not enough are left";
  EXPECT_THAT(ours.Take(1).cores(), ElementsAre(3)) << "a set that failed keeps nothing";
  first = CoreSet();
  EXPECT_THAT(ours.Take(2).cores(), ElementsAre(0, 3));
}

TEST_F(CoresTest, BindsAProcess) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const Cores cores = Cores::OfThisProcess(Path("cores"));
  const CoreSet one = cores.Take(1);
  ASSERT_EQ(one.cores().size(), 1u);
  ASSERT_OK(one.Bind(0));
  cpu_set_t bound;
  ASSERT_EQ(sched_getaffinity(0, sizeof bound, &bound), 0);
  EXPECT_EQ(CPU_COUNT(&bound), 1);
  EXPECT_TRUE(CPU_ISSET(static_cast<size_t>(one.cores()[0]), &bound));
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_OK(CoreSet().Bind(0)) << "no cores, no binding";
}

}  // namespace
}  // namespace shoal::agent
