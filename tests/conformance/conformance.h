// The fixture of every numeric test: one backend and one dtype against the reference backend.
//
// Instances are named <backend>_<dtype>, so `--gtest_filter=*Attention*/onednn_bf16` runs one
// operation of one backend. A backend whose hardware is absent is skipped; the mock does no
// numerics and does not take part. SHOAL_CONFORMANCE_THREADS sets the threads of the tested device
// (default 2).
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "tests/conformance/device.h"
#include "tests/conformance/one_op.h"

namespace shoal::conformance {

// Largest allowed |tested - reference| / |reference|, in Euclidean norms over an output. f32: both
// sides sum in f32 or better. bf16: two correctly rounded results differ by at most one unit of
// 2^-8; probabilities and logit gradients that a backend rounds to bf16 in between add about as
// much again.
inline constexpr double kToleranceF32 = 1e-5;
inline constexpr double kToleranceBf16 = 1.5e-2;

struct Target {
  std::string backend;
  int32_t dtype;
};
inline void PrintTo(const Target& target, std::ostream* out) { *out << target.backend; }
std::vector<Target> NumericTargets();
std::string TargetName(const ::testing::TestParamInfo<Target>& info);

class Conformance : public ::testing::TestWithParam<Target> {
 protected:
  void SetUp() override;

  int32_t dtype() const { return GetParam().dtype; }
  int32_t real() const { return RealType(dtype()); }
  const Device& device() const { return device_; }
  const Device& reference() const { return reference_; }

  // Runs `op` on both; expects equal outputs within the tolerance of the dtype (or `tolerance`),
  // nothing else written, and the same bits from a second run. Returns the tested backend's result.
  Result Compare(const OneOp& op, double tolerance = 0);

 private:
  Device device_, reference_;
};

// |a - b| / |b|; also fails the test where a value is not finite or one element is far off.
void ExpectClose(const std::vector<double>& tested, const std::vector<double>& expected,
                 double tolerance, const std::string& what);

// Instantiates a fixture derived from Conformance for all backends and dtypes.
#define SHOAL_CONFORMANCE_SUITE(Fixture)                  \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Fixture); \
  INSTANTIATE_TEST_SUITE_P(Ops, Fixture, ::testing::ValuesIn(NumericTargets()), TargetName)

}  // namespace shoal::conformance
