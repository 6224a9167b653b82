// A worker's ordinary days: jobs come, are done, go on where they were, are stopped; a model
// answers.
#include <signal.h>

#include <fstream>
#include <set>

#include "core/base/digest.h"
#include "core/base/strings.h"
#include "tests/fault/agent_fixture.h"

namespace shoal::fault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::vector<int64_t> Steps(const std::vector<v1::MetricPoint>& points) {
  std::vector<int64_t> steps;
  for (const v1::MetricPoint& point : points) steps.push_back(point.step());
  return steps;
}

TEST_F(AgentTest, TrainsReportsAndUploads) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = Job(1, 1, 10, "reference", "");
  coordinator_->Lease(job);
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED) << end.finished()->message();
  EXPECT_EQ(end.finished()->step(), 10);
  ASSERT_TRUE(end.items.front().has_started());
  EXPECT_EQ(end.items.front().started().numerics().backend(), "reference");
  EXPECT_EQ(end.items.front().started().numerics().dtype(), "f32");
  EXPECT_GT(end.items.front().started().parameters(), 1000);
  EXPECT_THAT(Steps(end.Points("train/loss")), ElementsAre(2, 4, 6, 8, 10));
  const std::vector<v1::Checkpoint> checkpoints = end.Checkpoints();
  ASSERT_THAT(checkpoints, SizeIs(4));  // steps 4, 8, 10, and the weights
  EXPECT_EQ(checkpoints[1].step(), 8);
  EXPECT_EQ(checkpoints[3].kind(), v1::CHECKPOINT_KIND_WEIGHTS);
  for (const v1::Checkpoint& checkpoint : checkpoints) {
    EXPECT_EQ(Sha256Of(coordinator_->artifacts[checkpoint.artifact().sha256()]).Hex(),
              checkpoint.artifact().sha256());
  }
  // Nothing of the attempt stays behind.
  EXPECT_TRUE(coordinator_->Await([&] { return coordinator_->held.empty(); }));
  EXPECT_THAT(files_.ListDir(WorkerPath("attempts")), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(coordinator_->registration.backends(), Not(IsEmpty()));
  EXPECT_EQ(coordinator_->registration.slots(), 2);
}

TEST_F(AgentTest, ResumesFromTheCacheWithTheSameCurve) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment whole = Job(1, 1, 12, "reference", "");
  coordinator_->Lease(whole);
  const Recorded uninterrupted = AwaitEnd(KeyOf(whole));
  ASSERT_THAT(uninterrupted.Checkpoints(), Not(IsEmpty()));
  const int downloads = coordinator_->downloads;

  v1::Assignment rest = Job(1, 2, 12, "reference", "");
  *rest.mutable_numerics() = uninterrupted.items.front().started().numerics();
  *rest.mutable_resume_from() = uninterrupted.Checkpoints()[0];  // step 4
  coordinator_->Lease(rest);
  const Recorded resumed = AwaitEnd(KeyOf(rest));
  EXPECT_EQ(resumed.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED)
      << resumed.finished()->message();
  EXPECT_EQ(resumed.items.front().started().resumed_from_step(), 4);
  EXPECT_THAT(Steps(resumed.Points("train/loss")), ElementsAre(6, 8, 10, 12));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(resumed.Points("train/loss")[i].value(),
              uninterrupted.Points("train/loss")[i + 2].value());
  }
  EXPECT_EQ(resumed.Checkpoints().back().artifact().sha256(),
            uninterrupted.Checkpoints().back().artifact().sha256());
  EXPECT_EQ(coordinator_->downloads, downloads) << "everything was in the cache";
}

TEST_F(AgentTest, RunsSeveralAttemptsAtOnceOnCoresOfTheirOwn) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment a = Job(1, 1, 1000000, "mock", "step_ms=5");
  const v1::Assignment b = Job(2, 1, 1000000, "mock", "step_ms=5");
  coordinator_->Lease(a);
  coordinator_->Lease(b);
  AwaitStep(KeyOf(a), 10);
  AwaitStep(KeyOf(b), 10);
  ASSERT_THAT(RunnerPids(KeyOf(a)), SizeIs(1));
  ASSERT_THAT(RunnerPids(KeyOf(b)), SizeIs(1));
  cpu_set_t of_a, of_b, both;
  ASSERT_EQ(sched_getaffinity(RunnerPids(KeyOf(a))[0], sizeof of_a, &of_a), 0);
  ASSERT_EQ(sched_getaffinity(RunnerPids(KeyOf(b))[0], sizeof of_b, &of_b), 0);
  CPU_AND(&both, &of_a, &of_b);
  // Bound to one core each; where there are not enough free cores, to none in particular.
  if (CPU_COUNT(&of_a) == 1 && CPU_COUNT(&of_b) == 1) {
    EXPECT_EQ(CPU_COUNT(&both), 0);
  }
  coordinator_->Order(KeyOf(a), v1::StopOrder::KIND_CANCEL);
  coordinator_->Order(KeyOf(b), v1::StopOrder::KIND_CANCEL);
  EXPECT_EQ(AwaitEnd(KeyOf(a)).finished()->state(), v1::ATTEMPT_STATE_CANCELLED);
  EXPECT_EQ(AwaitEnd(KeyOf(b)).finished()->state(), v1::ATTEMPT_STATE_CANCELLED);
}

TEST_F(AgentTest, PreemptionSavesWhatWasDone) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 1000000, "step_ms=5");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 6);
  coordinator_->Order(KeyOf(job), v1::StopOrder::KIND_PREEMPT);
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_PREEMPTED) << end.finished()->message();
  EXPECT_EQ(end.Checkpoints().back().step(), end.finished()->step());
}

TEST_F(AgentTest, StoppingSavesReportsAndEnds) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 1000000, "step_ms=5");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 6);
  EXPECT_FALSE(agent_->WaitUntilEnded(absl::ZeroDuration()));
  agent_->Stop(absl::Seconds(50));
  EXPECT_TRUE(agent_->WaitUntilEnded(absl::ZeroDuration()));
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_PREEMPTED) << end.finished()->message();
  EXPECT_THAT(end.Checkpoints(), Not(IsEmpty()));
  EXPECT_TRUE(coordinator_->draining);
  EXPECT_THAT(RunnerPids(KeyOf(job)), IsEmpty());
}

TEST_F(AgentTest, AModelAnswersUntilItIsStopped) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment train = Job(1, 1, 4, "reference", "");
  coordinator_->Lease(train);
  const Recorded trained = AwaitEnd(KeyOf(train));
  ASSERT_THAT(trained.Checkpoints(), Not(IsEmpty()));
  v1::Assignment serve = Job(2, 1, 4, "reference", "");
  serve.set_kind(v1::JOB_KIND_SERVE);
  *serve.mutable_weights() = trained.Checkpoints().back();
  coordinator_->Lease(serve);
  ASSERT_TRUE(coordinator_->Await([&] { return coordinator_->serve_streams == 1; }));
  v1::GenerateRequest question;
  question.set_request_id("q1");
  question.set_text("the otter");
  question.mutable_sampling()->set_max_tokens(5);
  coordinator_->Ask(question);
  EXPECT_TRUE(coordinator_->Await(
      [&] { return !coordinator_->answers.empty() && coordinator_->answers.back().has_done(); }));
  EXPECT_EQ(coordinator_->answers.back().request_id(), "q1");
  EXPECT_EQ(coordinator_->answers.back().done().checkpoint_step(), 4);

  coordinator_->GoAway();  // the stream breaks and is opened again
  coordinator_->ComeUp();
  ASSERT_TRUE(coordinator_->Await([&] { return coordinator_->serve_streams == 2; }));
  question.set_request_id("q2");
  coordinator_->Ask(question);
  EXPECT_TRUE(coordinator_->Await([&] {
    return coordinator_->answers.back().has_done() &&
           coordinator_->answers.back().request_id() == "q2";
  }));
  coordinator_->Order(KeyOf(serve), v1::StopOrder::KIND_CANCEL);
  EXPECT_EQ(AwaitEnd(KeyOf(serve)).finished()->state(), v1::ATTEMPT_STATE_CANCELLED);
}

TEST_F(AgentTest, OneWorkerPerFolder) {
  StartCoordinator();
  StartAgent();
  EXPECT_THAT(agent::Agent::Start(options_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(StrCat(getpid()))));
  agent_.reset();
  StartAgent();
}

TEST_F(AgentTest, SaysWhatIsMissing) {
  StartCoordinator();
  options_.runner_path = Path("no-runner");
  EXPECT_THAT(agent::Agent::Start(options_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no-runner")));
  options_.runner_path = "/bin/false";
  EXPECT_THAT(agent::Agent::Start(options_),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("exited with code 1")));
}

}  // namespace
}  // namespace shoal::fault
