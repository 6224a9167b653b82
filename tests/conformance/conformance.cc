#include "tests/conformance/conformance.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace shoal::conformance {
namespace {

constexpr int32_t kUnavailable = 14;
constexpr int32_t kUnimplemented = 12;

int32_t Threads() {
  const char* text = std::getenv("SHOAL_CONFORMANCE_THREADS");
  return text == nullptr ? 2 : std::max(1, std::atoi(text));
}

}  // namespace

std::vector<Target> NumericTargets() {
  std::vector<Target> targets;
  for (const std::string& name : BackendNames()) {
    if (name == "mock") continue;
    targets.push_back({name, kF32});
    targets.push_back({name, kBf16});
  }
  return targets;
}

std::string TargetName(const ::testing::TestParamInfo<Target>& info) {
  return info.param.backend + (info.param.dtype == kBf16 ? "_bf16" : "_f32");
}

void Conformance::SetUp() {
  const shoal_status status = device_.Open(GetParam().backend, Threads());
  if (status.code == kUnavailable) GTEST_SKIP() << status.message;
  ASSERT_EQ(status.code, 0) << status.message;
  const shoal_status oracle = reference_.Open("reference", 1);
  ASSERT_EQ(oracle.code, 0) << oracle.message;
}

void ExpectClose(const std::vector<double>& tested, const std::vector<double>& expected,
                 double tolerance, const std::string& what) {
  ASSERT_EQ(tested.size(), expected.size()) << what;
  double error = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(std::isfinite(expected[i]))
        << what << ": the reference has " << expected[i] << " at " << i;
    ASSERT_TRUE(std::isfinite(tested[i]))
        << what << "[" << i << "] is " << tested[i] << ", expected " << expected[i];
    error += (tested[i] - expected[i]) * (tested[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  EXPECT_LE(std::sqrt(error), tolerance * std::sqrt(norm))
      << what << ": relative error " << std::sqrt(error / norm);
  // One wrong element among many does not move the norm; it may be off by what its own size and the
  // typical size allow.
  const double typical =
      std::sqrt(norm / static_cast<double>(std::max<size_t>(1, expected.size())));
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_LE(std::abs(tested[i] - expected[i]), 8 * tolerance * (typical + std::abs(expected[i])))
        << what << "[" << i << "] is " << tested[i] << ", expected " << expected[i];
  }
}

Result Conformance::Compare(const OneOp& op, double tolerance) {
  if (tolerance == 0) tolerance = dtype() == kBf16 ? kToleranceBf16 : kToleranceF32;
  const Result expected = op.Run(reference_);
  Result tested = op.Run(device_);
  EXPECT_EQ(expected.status.code, 0) << expected.status.message;
  if (tested.status.code == kUnimplemented && dtype() == kBf16 &&
      device_.capabilities().supports_bf16 == 0) {
    return tested;  // no bf16 on this machine: the run's dtype will be f32
  }
  EXPECT_EQ(tested.status.code, 0) << tested.status.message;
  if (expected.status.code != 0 || tested.status.code != 0) return tested;
  EXPECT_EQ(tested.damage, "");
  for (int place = 0; place < SHOAL_MAX_OUTPUTS; ++place) {
    ExpectClose(tested.outputs[place], expected.outputs[place], tolerance,
                "output " + std::to_string(place));
  }
  EXPECT_EQ(op.Run(device_).outputs, tested.outputs) << "a second run gave other bits";
  return tested;
}

}  // namespace shoal::conformance
