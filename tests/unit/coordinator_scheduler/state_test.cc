// The state changes only by committed updates, and only by legal ones.
#include "coordinator/scheduler/state.h"

#include <type_traits>

#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

// The bypass does not compile: nobody but the store's transaction (and the test double) makes the
// proof.
static_assert(!std::is_constructible_v<CommittedUpdates, std::vector<Update>>);
static_assert(!std::is_default_constructible_v<CommittedUpdates>);
template <typename T>
concept Applicable = requires(State state, T updates) {
  state.Apply(updates);
};
static_assert(Applicable<CommittedUpdates>);
static_assert(!Applicable<std::vector<Update>>);
static_assert(!Applicable<Update>);

TEST(StateTest, ARebuiltStateDecidesTheSame) {
  Lab lab;
  lab.Register("local", 2);
  for (int n = 1; n <= 4; ++n) lab.Submit(n);
  lab.Started("local", 1, 1);
  lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(1), lab.Job(4)}});
  const State rebuilt(lab.draft.committed().Image());
  EXPECT_EQ(Difference(rebuilt.Image(), lab.draft.committed().Image()), "");
  EXPECT_EQ(rebuilt.queued_jobs(), 1);
  EXPECT_EQ(rebuilt.running_jobs(), 2);
  EXPECT_EQ(rebuilt.next_submit_order(), 5) << "the cancelled job's place is not given out again";
  EXPECT_EQ(rebuilt.LoadOf(lab.Worker("local")).slots, 2);
}

TEST(StateTest, DecideIsAFunctionOfItsArguments) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  const State& state = lab.draft.committed();
  const StateImage before = state.Image();
  const Event event = lab.SubmitEvent(2);
  const Decision first = Decide(lab.config, state, event, lab.now);
  const Decision second = Decide(lab.config, state, event, lab.now);
  EXPECT_EQ(lab.Updates(first), lab.Updates(second));
  EXPECT_EQ(Difference(before, state.Image()), "");
}

TEST(StateTest, DifferencesAreNamed) {
  Lab lab;
  const StateImage before = lab.draft.committed().Image();
  lab.Submit(1);
  const std::string difference = lab.InNames(Difference(before, lab.draft.committed().Image()));
  EXPECT_THAT(difference, testing::HasSubstr("job J1 is only in the second"));
  EXPECT_THAT(difference, testing::HasSubstr("next_submit_order 1 and 2"));
}

using StateDeathTest = testing::Test;

TEST(StateDeathTest, UpdatesThatDoNotFitAreOurBug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  State state = lab.draft.committed();
  AttemptRecord again = *state.FindAttempt(lab.Job(1));
  EXPECT_DEATH(state.Apply(CommitDouble::Of({AttemptAdded{again}})), "has a live attempt already");
  JobRecord backwards = *state.FindJob(lab.Job(1));
  backwards.attempt_count = 0;
  EXPECT_DEATH(
      state.Apply(CommitDouble::Of({JobChanged{.job = backwards, .from = v1::JOB_STATE_RUNNING}})),
      "only grow");
  backwards.attempt_count = 1;
  backwards.state = v1::JOB_STATE_QUEUED;
  EXPECT_DEATH(
      state.Apply(CommitDouble::Of({JobChanged{.job = backwards, .from = v1::JOB_STATE_RUNNING}})),
      "still has a live attempt");
  EXPECT_DEATH(state.Apply(CommitDouble::Of({RequestRecorded{"request-1"}})), "recorded twice");
}

}  // namespace
}  // namespace shoal::scheduler
