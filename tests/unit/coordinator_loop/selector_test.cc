// What people type for runs, and which runs that means.
#include "coordinator/loop/selector.h"

#include "coordinator/loop/runs_table.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::loop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(SelectorTest, NumbersAreSinglesAndRanges) {
  EXPECT_EQ(*ParseNumbers("3"), (std::vector<NumberRange>{{3, 3}}));
  EXPECT_EQ(*ParseNumbers("1,3,5-8"), (std::vector<NumberRange>{{1, 1}, {3, 3}, {5, 8}}));
  EXPECT_TRUE(LooksLikeNumbers("1-10"));
  EXPECT_FALSE(LooksLikeNumbers("1-a"));
  EXPECT_FALSE(LooksLikeNumbers("-1"));
  EXPECT_FALSE(LooksLikeNumbers(""));
}

TEST(SelectorTest, WrongNumbersAreNamed) {
  const auto error = [](std::string_view text) {
    return std::string(ParseNumbers(text).status().message());
  };
  EXPECT_EQ(error("8-5"), "\"8-5\": the range 8-5 goes down; write 5-8");
  EXPECT_EQ(error("1,0"), "\"1,0\": '0' is not a number from 1, nor a range such as 1-10");
  EXPECT_THAT(error("1,,2"), HasSubstr("'' is not a number"));
  EXPECT_THAT(error("1-2-3"), HasSubstr("'1-2-3' is not a number"));
  EXPECT_THAT(error("99999999999999999999"), HasSubstr("is not a number"));
}

TEST(SelectorTest, AnIdMayBeShortenedWithOrWithoutItsKind) {
  const std::string id = "run-0dz4kq1m8t3v9c5h2n7w";
  EXPECT_TRUE(IsIdPrefix("run-0dz4", id));
  EXPECT_TRUE(IsIdPrefix("0dz4k", id));
  EXPECT_TRUE(IsIdPrefix(id, id));
  EXPECT_FALSE(IsIdPrefix("run-0dz", id)) << "too few to mean one";
  EXPECT_FALSE(IsIdPrefix("0dz", id));
  EXPECT_FALSE(IsIdPrefix("run", id));
  EXPECT_FALSE(IsIdPrefix("sweep-0dz4", id));
  EXPECT_FALSE(IsIdPrefix("kq1m", id));
}

// Five runs: 1 and 5 alone, 2, 3 and 4 of the sweep "grid".
class ResolveTest : public testing::Test {
 protected:
  void SetUp() override {
    Put(1, "run-0aaaaaaaaaaaaaaaaaaa", "tiny", "");
    for (int i = 0; i < 3; ++i)
      Put(i + 2, StrCat("run-0bbbb", i, "bbbbbbbbbbbbbb"), StrCat("grid-", i), kSweep);
    Put(5, "run-0ccccccccccccccccccc", "77", "");
    v1::Sweep sweep;
    sweep.set_sweep_id(kSweep);
    sweep.set_name("grid");
    std::vector<store::SweepMember> members;
    for (int i = 0; i < 3; ++i) {
      members.push_back({.sweep_id = kSweep,
                         .trial_index = i,
                         .run_id = StrCat("run-0bbbb", i, "bbbbbbbbbbbbbb"),
                         .differing = {}});
    }
    table_.PutSweep(sweep, members);
  }
  void Put(int64_t number, const std::string& id, const std::string& name,
           const std::string& sweep) {
    v1::Run run;
    run.set_run_id(id);
    run.set_name(name);
    run.set_number(number);
    run.set_sweep_id(sweep);
    if (!sweep.empty()) run.set_trial_index(static_cast<int32_t>(number - 2));
    table_.Put(run);
  }
  std::vector<std::string> Names(const std::string& selector) {
    const absl::StatusOr<Rows> rows = table_.Resolve(selector);
    EXPECT_OK(rows) << selector;
    std::vector<std::string> names;
    if (rows.ok()) {
      for (const RunPtr& run : *rows) names.push_back(run->name());
    }
    return names;
  }
  absl::Status Error(const std::string& selector) { return table_.Resolve(selector).status(); }

  static constexpr char kSweep[] = "sweep-0bbbbbbbbbbbbbbbbbbb";
  RunsTable table_;
};

TEST_F(ResolveTest, WordsNamesAndIds) {
  EXPECT_THAT(Names("last"), ElementsAre("77"));
  EXPECT_THAT(Names("all"), ElementsAre("tiny", "grid-0", "grid-1", "grid-2", "77"));
  EXPECT_THAT(Names("tiny"), ElementsAre("tiny"));
  EXPECT_THAT(Names("grid"), ElementsAre("grid-0", "grid-1", "grid-2"));
  EXPECT_THAT(Names(kSweep), ElementsAre("grid-0", "grid-1", "grid-2"));
  EXPECT_THAT(Names("run-0aaaaaaaaaaaaaaaaaaa"), ElementsAre("tiny"));
  EXPECT_THAT(Names("run-0aaa"), ElementsAre("tiny"));
  EXPECT_THAT(Names("0ccc"), ElementsAre("77"));
  EXPECT_THAT(Names("sweep-0bbb"), ElementsAre("grid-0", "grid-1", "grid-2"));
}

TEST_F(ResolveTest, AJobsIdNamesItsRun) {
  table_.PutJob("job-0aaaaaaaaaaaaaaaaaab", "run-0aaaaaaaaaaaaaaaaaaa");
  table_.PutJob("job-0aaaaaaaaaaaaaaaaaac", "run-0aaaaaaaaaaaaaaaaaaa");
  table_.PutJob("job-0ccccccccccccccccccd", "run-0ccccccccccccccccccc");
  table_.PutJob("job-0ddddddddddddddddddd", "run-0ddddddddddddddddddd");  // not listed yet
  EXPECT_THAT(Names("job-0aaaaaaaaaaaaaaaaaac"), ElementsAre("tiny"));
  EXPECT_THAT(Names("job-0ccc"), ElementsAre("77"));
  EXPECT_THAT(Names("0aaa"), ElementsAre("tiny")) << "a job's id needs its word";
  EXPECT_THAT(Error("job-0aaa"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("the beginning of 2 ids"), HasSubstr("a job of tiny"))));
  EXPECT_THAT(Error("job-0ddd"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Error("job-0eee"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ResolveTest, NumbersOfTheLab) {
  EXPECT_THAT(Names("1"), ElementsAre("tiny"));
  EXPECT_THAT(Names("1-3"), ElementsAre("tiny", "grid-0", "grid-1"));
  EXPECT_THAT(Names("5,2"), ElementsAre("77", "grid-0"));
  EXPECT_THAT(Names("4-100"), ElementsAre("grid-2", "77"));
  EXPECT_THAT(Names("77"), ElementsAre("77")) << "a name that looks like a number is the name";
  EXPECT_THAT(Error("6"),
              StatusIs(absl::StatusCode::kNotFound, "there is no run 6; the last is 5"));
  EXPECT_THAT(Error("9-12"),
              StatusIs(absl::StatusCode::kNotFound, "there is no run 9-12; the last is 5"));
}

TEST_F(ResolveTest, TrialsOfASweep) {
  EXPECT_THAT(Names("grid:1"), ElementsAre("grid-0"));
  EXPECT_THAT(Names("grid:2-3"), ElementsAre("grid-1", "grid-2"));
  EXPECT_THAT(Names("last:1,3"), ElementsAre("grid-0", "grid-2"));
  EXPECT_THAT(Names("sweep-0bbb:3"), ElementsAre("grid-2"));
  EXPECT_THAT(Error("grid:4"),
              StatusIs(absl::StatusCode::kNotFound, "there is no trial of grid 4; the last is 3"));
  EXPECT_THAT(Error("tiny:1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there is no sweep \"tiny\"")));
  EXPECT_THAT(Error("grid:x"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'x'")));
}

TEST_F(ResolveTest, AnAmbiguousBeginningListsWhatItMayMean) {
  EXPECT_THAT(Error("run-0bbb"), StatusIs(absl::StatusCode::kInvalidArgument,
                                          AllOf(HasSubstr("the beginning of 3 ids"),
                                                HasSubstr("(grid-0)"), HasSubstr("(grid-2)"))));
  EXPECT_THAT(Error("0bbbb"), StatusIs(absl::StatusCode::kInvalidArgument,
                                       AllOf(HasSubstr("4 ids"), HasSubstr("(sweep grid)"))));
}

TEST_F(ResolveTest, WhatIsUnknownComesWithWhatIsNear) {
  EXPECT_THAT(Error("tinny"), StatusIs(absl::StatusCode::kNotFound,
                                       "there is no run or sweep \"tinny\"; did you mean tiny?"));
  EXPECT_THAT(Error("lst"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("did you mean last?")));
  EXPECT_THAT(Error("something-else"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("`shoal list` shows what there is")));
}

TEST_F(ResolveTest, SeveralSelectorsNameEachRunOnceAndEveryMistake) {
  google::protobuf::RepeatedPtrField<std::string> selectors;
  for (const char* selector : {"tiny", "1-2", "grid:1"}) *selectors.Add() = selector;
  EXPECT_EQ(table_.Resolve(selectors)->size(), 2U);
  *selectors.Add() = "nobody";
  *selectors.Add() = "99";
  EXPECT_THAT(table_.Resolve(selectors).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("\"nobody\""), HasSubstr("\nthere is no run 99"))));
}

TEST_F(ResolveTest, OneRunIsWanted) {
  EXPECT_EQ((*table_.ResolveOne("grid:3"))->name(), "grid-2");
  EXPECT_THAT(table_.ResolveOne("grid").status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("names 3 runs")));
}

TEST(ResolveInAnEmptyLabTest, NothingIsThere) {
  const RunsTable table;
  for (const char* selector : {"last", "all", "1", "tiny", "0abcd"}) {
    EXPECT_THAT(table.Resolve(selector).status(), StatusIs(absl::StatusCode::kNotFound))
        << selector;
  }
}

}  // namespace
}  // namespace shoal::loop
