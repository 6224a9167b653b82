// Matchers for Status and StatusOr, whose failures print code and message.
//
//   EXPECT_THAT(store.Open(), IsOk());
//   ASSERT_OK_AND_ASSIGN(Shard shard, OpenShard(path));
//   EXPECT_THAT(Parse("x"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'x'")));
//   EXPECT_THAT(Count(), IsOkAndHolds(3));
#pragma once

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal {

// For a Status or StatusOr.
MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const absl::Status& status = status_internal::AsStatus(arg);
  *result_listener << status.ToString();
  return status.ok();
}

// The code, and the message by any string matcher.
MATCHER_P2(StatusIs, code, message_matcher,
           std::string(negation ? "is not " : "is ") + absl::StatusCodeToString(code) +
               " whose message " + testing::DescribeMatcher<std::string>(message_matcher, false)) {
  const absl::Status& status = status_internal::AsStatus(arg);
  *result_listener << status.ToString();
  return status.code() == code && testing::Matches(message_matcher)(std::string(status.message()));
}
inline auto StatusIs(absl::StatusCode code) { return StatusIs(code, testing::_); }

// A StatusOr that is OK and whose value matches.
MATCHER_P(IsOkAndHolds, value_matcher, "is OK and holds the expected value") {
  if (!arg.ok()) {
    *result_listener << arg.status().ToString();
    return false;
  }
  using Value = std::remove_cvref_t<decltype(*arg)>;
  return testing::ExplainMatchResult(testing::SafeMatcherCast<const Value&>(value_matcher), *arg,
                                     result_listener);
}

}  // namespace shoal

#define SHOAL_TEST_CONCAT_INNER(a, b) a##b
#define SHOAL_TEST_CONCAT(a, b) SHOAL_TEST_CONCAT_INNER(a, b)

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::shoal::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::shoal::IsOk())

// Assigns the value of a StatusOr, or fails the test and leaves it.
#define ASSERT_OK_AND_ASSIGN(target, expression)                                            \
  SHOAL_ASSERT_OK_AND_ASSIGN_INNER(SHOAL_TEST_CONCAT(shoal_test_result_, __LINE__), target, \
                                   expression)
#define SHOAL_ASSERT_OK_AND_ASSIGN_INNER(result, target, expression) \
  auto result = (expression);                                        \
  ASSERT_TRUE(result.ok()) << result.status();                       \
  target = *std::move(result)
