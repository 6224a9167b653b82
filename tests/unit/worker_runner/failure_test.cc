#include "worker/runner/failure.h"

#include "core/base/status.h"
#include "gtest/gtest.h"

namespace shoal::runner {
namespace {

v1::FailureClass ClassOf(const absl::Status& status) {
  const v1::Finished finished = FinishedWith(status, 5);
  EXPECT_EQ(finished.state(), v1::ATTEMPT_STATE_FAILED);
  EXPECT_EQ(finished.step(), 5);
  EXPECT_EQ(finished.message(), std::string(status.message()));
  return finished.failure_class();
}

TEST(FailureTest, ClassesFollowTheCode) {
  EXPECT_EQ(ClassOf(absl::InvalidArgumentError("x")), v1::FAILURE_CLASS_INVALID_SPEC);
  EXPECT_EQ(ClassOf(absl::UnimplementedError("x")), v1::FAILURE_CLASS_INVALID_SPEC);
  EXPECT_EQ(ClassOf(absl::ResourceExhaustedError("x")), v1::FAILURE_CLASS_OUT_OF_MEMORY);
  EXPECT_EQ(ClassOf(absl::NotFoundError("x")), v1::FAILURE_CLASS_INFRASTRUCTURE);
  EXPECT_EQ(ClassOf(absl::DataLossError("x")), v1::FAILURE_CLASS_INFRASTRUCTURE);
  EXPECT_EQ(ClassOf(absl::UnavailableError("x")), v1::FAILURE_CLASS_INFRASTRUCTURE);
  EXPECT_EQ(ClassOf(absl::InternalError("x")), v1::FAILURE_CLASS_BACKEND_ERROR);
}

TEST(FailureTest, AFullDiskIsNotWantOfMemory) {
  EXPECT_EQ(ClassOf(Annotate(ErrnoStatus(ENOSPC, "writing a checkpoint"), "saving")),
            v1::FAILURE_CLASS_INFRASTRUCTURE);
  EXPECT_EQ(ClassOf(ErrnoStatus(ENOMEM, "mapping memory")), v1::FAILURE_CLASS_OUT_OF_MEMORY);
}

TEST(FailureTest, OtherEnds) {
  EXPECT_EQ(FinishedWith(absl::OkStatus(), 3).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_EQ(FinishedWith(absl::OkStatus(), 3).step(), 3);
  EXPECT_EQ(FinishedWith(absl::CancelledError("c"), 3).state(), v1::ATTEMPT_STATE_CANCELLED);
}

}  // namespace
}  // namespace shoal::runner
