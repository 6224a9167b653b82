#include "core/base/status.h"

#include <cerrno>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::HasSubstr;

absl::Status Twice(const absl::Status& inner) {
  SHOAL_RETURN_IF_ERROR(inner, "step ", 2);
  return absl::OkStatus();
}

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  SHOAL_ASSIGN_OR_RETURN(const int half, Half(value), "halving ", value);
  SHOAL_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

absl::StatusOr<std::unique_ptr<int>> Boxed() { return std::make_unique<int>(7); }

absl::StatusOr<int> Unboxed() {
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<int> box, Boxed());
  return *box;
}

TEST(StatusTest, AnnotatePutsContextBeforeTheMessage) {
  const absl::Status status = Annotate(absl::NotFoundError("no such file"), "opening shard ", 3);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "opening shard 3: no such file"));
}

TEST(StatusTest, AnnotateKeepsPayloadsAndOk) {
  absl::Status status = absl::AbortedError("stale");
  status.SetPayload("shoal/x", absl::Cord("p"));
  EXPECT_EQ(Annotate(status, "renewing").GetPayload("shoal/x"), absl::Cord("p"));
  EXPECT_THAT(Annotate(absl::OkStatus(), "anything"), IsOk());
}

TEST(StatusTest, ReturnIfErrorAnnotates) {
  EXPECT_THAT(Twice(absl::OkStatus()), IsOk());
  EXPECT_THAT(Twice(absl::InternalError("bug")),
              StatusIs(absl::StatusCode::kInternal, "step 2: bug"));
}

TEST(StatusTest, ReturnIfErrorTakesStatusOr) {
  const auto check = [](int value) -> absl::Status {
    SHOAL_RETURN_IF_ERROR(Half(value));
    return absl::OkStatus();
  };
  EXPECT_THAT(check(4), IsOk());
  EXPECT_THAT(check(3), StatusIs(absl::StatusCode::kInvalidArgument, "odd"));
}

TEST(StatusTest, AssignOrReturnChains) {
  EXPECT_THAT(Quarter(8), IsOkAndHolds(2));
  EXPECT_THAT(Quarter(7), StatusIs(absl::StatusCode::kInvalidArgument, "halving 7: odd"));
  EXPECT_THAT(Quarter(6), StatusIs(absl::StatusCode::kInvalidArgument, "odd"));
  EXPECT_THAT(Unboxed(), IsOkAndHolds(7));
}

TEST(StatusTest, ErrnoBecomesCodeNameAndText) {
  EXPECT_THAT(ErrnoStatus(ENOSPC, "writing /data/x"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "writing /data/x: No space left on device (ENOSPC)"));
  EXPECT_THAT(ErrnoStatus(ENOENT, "opening y"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ErrnoStatus(EEXIST, "making y"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ErrnoStatus(EACCES, "opening y"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(ErrnoStatus(EMFILE, "opening y"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ErrnoStatus(99999, "doing"),
              StatusIs(absl::StatusCode::kUnknown, HasSubstr("errno 99999")));
}

}  // namespace
}  // namespace shoal
