// The mock backend: its script, its losses, and each fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/conformance/one_op.h"

namespace shoal::conformance {
namespace {

using ::testing::HasSubstr;

constexpr int32_t kInvalidArgument = 3, kResourceExhausted = 8, kUnimplemented = 12, kInternal = 13,
                  kUnavailable = 14;

OneOp LossOp(uint64_t step) {
  Draw draw(1, 3, 4);
  OneOp op(SHOAL_OP_LINEAR_CROSS_ENTROPY, kF32, 3);
  op.scalars().step = step;
  op.In(0, draw.Rows(kF32, 8)).In(1, draw.Fixed(kF32, {100, 8}));
  op.In(2, FromValues(kI32, {4}, {5, -1, 7, 0}, kRows)).Out(0, draw.RowGarbage(kF32, 0));
  return op;
}

// The smallest training program.
OneOp UpdateOp(uint64_t step) {
  OneOp op(SHOAL_OP_ADAMW, kF32);
  op.attr().adamw = {0.9f, 0.99f, 1e-8f, 0, 0, 1};
  op.scalars().step = step;
  op.In(0, Constant(kF32, {4}, 0));
  for (const int place : {0, 1, 2}) op.Out(place, Constant(kF32, {4}, 3));
  return op;
}

shoal_status OpenMock(Device* device, const std::string& script) {
  return device->Open("mock", 1, script.c_str());
}

TEST(MockTest, LossesFallAndDependOnSeedAndStepAlone) {
  Device device, other;
  ASSERT_EQ(OpenMock(&device, "").code, 0);
  ASSERT_EQ(OpenMock(&other, "step_ms=0; ").code, 0);
  const double first = LossOp(0).Run(device).outputs[0][0],
               later = LossOp(300).Run(device).outputs[0][0];
  EXPECT_NEAR(first, std::log(100.0), 0.02);
  EXPECT_LT(later, first / 2);
  EXPECT_GT(later, 0);
  EXPECT_EQ(LossOp(300).Run(other).outputs[0][0], later);
  OneOp reseeded = LossOp(300);
  reseeded.scalars().seed ^= 1;
  EXPECT_NE(reseeded.Run(device).outputs[0][0], later);
  EXPECT_EQ(LossOp(0).Run(device).outputs[0][1], 0) << "a target of -1 is not counted";
}

TEST(MockTest, UnknownWordsAreNamed) {
  for (const char* script : {"explode@3", "step_ms=fast", "error@", "error@-1", "refuse=matmul",
                             "once=", "nan", "step_ms=5 error@3", "step_ms=-1"}) {
    Device device;
    const shoal_status status = OpenMock(&device, std::string("step_ms=0;") + script);
    EXPECT_EQ(status.code, kInvalidArgument) << script;
    EXPECT_THAT(status.message, HasSubstr(std::string("\"") + script + "\""));
  }
}

TEST(MockTest, ErrorsStrikeTrainingProgramsAtTheirStep) {
  Device device;
  ASSERT_EQ(OpenMock(&device, "error@10; oom@12").code, 0);
  EXPECT_EQ(UpdateOp(9).Run(device).status.code, 0);
  const shoal_status error = UpdateOp(10).Run(device).status;
  EXPECT_EQ(error.code, kInternal);
  EXPECT_THAT(error.message, HasSubstr("step 10"));
  EXPECT_EQ(UpdateOp(11).Run(device).status.code, 0);
  EXPECT_EQ(UpdateOp(12).Run(device).status.code, kResourceExhausted);
  EXPECT_EQ(LossOp(10).Run(device).status.code, 0) << "evaluation goes on";
}

TEST(MockTest, NanFromItsStepOn) {
  Device device;
  ASSERT_EQ(OpenMock(&device, "nan@20").code, 0);
  EXPECT_TRUE(std::isfinite(LossOp(19).Run(device).outputs[0][0]));
  EXPECT_TRUE(std::isnan(LossOp(20).Run(device).outputs[0][0]));
  EXPECT_TRUE(std::isnan(LossOp(25).Run(device).outputs[0][0]));
}

TEST(MockTest, RefusesWhatItIsToldTo) {
  Device device;
  ASSERT_EQ(OpenMock(&device, "refuse=adamw").code, 0);
  const shoal_status status = UpdateOp(0).Run(device).status;
  EXPECT_EQ(status.code, kUnimplemented);
  EXPECT_THAT(status.message, HasSubstr("ADAMW"));
  EXPECT_THAT(status.message, HasSubstr("tested.operation"));
  EXPECT_EQ(LossOp(0).Run(device).status.code, 0);
}

TEST(MockTest, OpenFailsOnRequest) {
  Device first, second;
  EXPECT_EQ(OpenMock(&first, "unavailable").code, kUnavailable);
  EXPECT_EQ(OpenMock(&second, "oom@open").code, kResourceExhausted);
}

TEST(MockTest, OnceStrikesInOneDeviceOnly) {
  const std::string mark = ::testing::TempDir() + "/shoal_mock_once";
  std::filesystem::remove(mark);
  Device first, second;
  ASSERT_EQ(OpenMock(&first, "error@3; once=" + mark).code, 0);
  ASSERT_EQ(OpenMock(&second, "error@3; once=" + mark).code, 0);
  EXPECT_EQ(UpdateOp(2).Run(first).status.code, 0);
  EXPECT_FALSE(std::filesystem::exists(mark));
  EXPECT_EQ(UpdateOp(3).Run(first).status.code, kInternal);
  EXPECT_TRUE(std::filesystem::exists(mark));
  EXPECT_EQ(UpdateOp(3).Run(second).status.code, 0);
  std::filesystem::remove(mark);
}

TEST(MockDeathTest, CrashesAndHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](const char* script) {
    Device device;
    OpenMock(&device, script);
    UpdateOp(30).Run(device);
  };
  EXPECT_EXIT(run("crash@30"), ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_DEATH(run("segv@30"), "");
  // A hang ends by the alarm alone; run() returning would end the child with code 0.
  const auto hang = [&run] {
    alarm(1);
    run("hang@30");
    std::exit(0);
  };
  EXPECT_EXIT(hang(), ::testing::KilledBySignal(SIGALRM), "");
}

TEST(MockTest, GenerationComesToEverySpecialToken) {
  Device device;
  ASSERT_EQ(OpenMock(&device, "").code, 0);
  std::vector<bool> favoured(1000, false);
  for (int64_t cached = 0; cached < 64; ++cached) {
    OneOp op(SHOAL_OP_LINEAR, kF32, 1);
    op.scalars().cache_length = cached;
    op.In(0, Constant(kF32, {1, 4}, 0, kRows)).In(1, Constant(kF32, {1000, 4}, 0));
    op.Out(0, Garbage(kF32, {1, 1000}, kRows));
    const std::vector<double> logits = op.Run(device).outputs[0];
    favoured[static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())] =
        true;
  }
  for (size_t id = 0; id < 32; ++id) EXPECT_TRUE(favoured[id] && favoured[999 - id]) << id;
}

TEST(MockTest, LeavesParametersAlone) {
  Device device;
  ASSERT_EQ(OpenMock(&device, "").code, 0);
  EXPECT_EQ(UpdateOp(0).Run(device).outputs[0], std::vector<double>(4, 3));
}

}  // namespace
}  // namespace shoal::conformance
