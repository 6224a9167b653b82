#include "core/base/host_info.h"

#include "gtest/gtest.h"

namespace shoal {
namespace {

TEST(HostInfoTest, KnowsThisMachine) {
  const HostInfo info = ReadHostInfo();
  EXPECT_FALSE(info.hostname.empty());
  EXPECT_FALSE(info.isa.empty());
  EXPECT_FALSE(info.kernel.empty());
  EXPECT_GE(info.logical_cpus, 1);
  EXPECT_GE(info.physical_cores, 1);
  EXPECT_LE(info.physical_cores, info.logical_cpus);
  EXPECT_GE(info.UsableCpus(), 1);
  EXPECT_LE(info.UsableCpus(), info.logical_cpus);
  EXPECT_GT(info.memory_bytes, int64_t{1} << 26);
}

#if defined(__x86_64__)
TEST(HostInfoTest, IsaAgreesWithTheCompilersView) {
  const std::string isa = ReadHostInfo().isa;
  EXPECT_EQ(IsaHas(isa, "avx2"), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(IsaHas(isa, "fma"), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(IsaHas(isa, "avx512"),
            __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"));
  EXPECT_EQ(IsaHas(isa, "avx512_bf16"), __builtin_cpu_supports("avx512bf16") != 0);
}
#endif

TEST(HostInfoTest, IsaHasComparesWholeNames) {
  EXPECT_TRUE(IsaHas("avx2+avx512_bf16", "avx512_bf16"));
  EXPECT_FALSE(IsaHas("avx2+avx512_bf16", "avx512"));
  EXPECT_FALSE(IsaHas("generic", ""));
}

TEST(HostInfoTest, QuotaBoundsTheCpus) {
  HostInfo info;
  info.logical_cpus = 8;
  EXPECT_EQ(info.UsableCpus(), 8);
  info.cpu_quota = 1.5;
  EXPECT_EQ(info.UsableCpus(), 2);
  info.cpu_quota = 100;
  EXPECT_EQ(info.UsableCpus(), 8);
  info.cpu_quota = 0.1;
  EXPECT_EQ(info.UsableCpus(), 1);
}

TEST(HostInfoTest, ParsesKernelFiles) {
  using host_internal::ParseCpuMax;
  using host_internal::ParseSize;
  EXPECT_EQ(ParseCpuMax("150000 100000"), 1.5);
  EXPECT_EQ(ParseCpuMax("max 100000"), 0);
  EXPECT_EQ(ParseCpuMax(""), 0);
  EXPECT_EQ(ParseSize("48K"), 49152);
  EXPECT_EQ(ParseSize("1M"), 1048576);
  EXPECT_EQ(ParseSize("512"), 512);
  EXPECT_EQ(ParseSize("max"), 0);
  EXPECT_EQ(ParseSize(""), 0);
}

}  // namespace
}  // namespace shoal
