// A worker's bad days: runners die, hang and fail, the coordinator goes away, files rot, leases
// end.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/base/strings.h"
#include "tests/fault/agent_fixture.h"

namespace shoal::fault {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class FaultTest : public AgentTest {
 protected:
  // Runs a job to its end.
  Recorded Do(const v1::Assignment& job) {
    coordinator_->Lease(job);
    return AwaitEnd(KeyOf(job));
  }

  void ExpectFailure(const Recorded& end, v1::FailureClass failure_class,
                     const std::string& message) {
    EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_FAILED);
    EXPECT_EQ(v1::FailureClass_Name(end.finished()->failure_class()),
              v1::FailureClass_Name(failure_class));
    EXPECT_THAT(end.finished()->message(), HasSubstr(message));
  }

  // Waits until no runner of the attempt lives any more.
  void AwaitNoRunner(const Key& key) {
    for (int i = 0; i < 6000 && !RunnerPids(key).empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_THAT(RunnerPids(key), IsEmpty());
  }

  // The curve has every point from `first` to `last`, once and in order.
  static void ExpectWholeCurve(const Recorded& recorded, int64_t first, int64_t last) {
    const std::vector<v1::MetricPoint> points = recorded.Points("train/loss");
    ASSERT_EQ(std::ssize(points), (last - first) / 2 + 1);
    for (size_t i = 0; i < points.size(); ++i)
      EXPECT_EQ(points[i].step(), first + 2 * static_cast<int64_t>(i));
  }
};

TEST_F(FaultTest, AKilledRunnerFailsItsAttemptAndTheNextOneGoesOn) {
  StartCoordinator();
  StartAgent();
  v1::Assignment job = MockJob(1, 600, "step_ms=5");
  coordinator_->Lease(job);
  AwaitCheckpoint(KeyOf(job), 8);
  ASSERT_THAT(RunnerPids(KeyOf(job)), SizeIs(1));
  kill(RunnerPids(KeyOf(job))[0], SIGKILL);
  const Recorded killed = AwaitEnd(KeyOf(job));
  ExpectFailure(killed, v1::FAILURE_CLASS_BACKEND_CRASH, "SIGKILL");
  EXPECT_THAT(killed.finished()->message(), HasSubstr("its memory had reached"));

  const v1::Checkpoint checkpoint = killed.Checkpoints().back();
  v1::Assignment again = MockJob(2, 600, "");
  *again.mutable_resume_from() = checkpoint;
  *again.mutable_numerics() = killed.items.front().started().numerics();
  const Recorded rest = Do(again);
  EXPECT_EQ(rest.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED) << rest.finished()->message();
  EXPECT_EQ(rest.items.front().started().resumed_from_step(), checkpoint.step());
  ExpectWholeCurve(rest, checkpoint.step() + 2, 600);
}

TEST_F(FaultTest, ACrashIsNamedAndKeptForARerun) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 100, "crash@6");
  const Recorded end = Do(job);
  ExpectFailure(end, v1::FAILURE_CLASS_BACKEND_CRASH, "SIGABRT");
  EXPECT_TRUE(coordinator_->Await([&] { return coordinator_->held.empty(); }));
  const std::string kept = WorkerPath(StrCat("failed/", KeyOf(job).first, "-1"));
  EXPECT_THAT(files_.ListDir(kept), IsOkAndHolds(ElementsAre("order.json", "runner.log")));
  EXPECT_EQ(Do(MockJob(2, 6, "")).finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED)
      << "the worker is none the worse";
}

TEST_F(FaultTest, ASegmentationFaultIsNamed) {
  StartCoordinator();
  StartAgent();
  ExpectFailure(Do(MockJob(1, 100, "segv@6")), v1::FAILURE_CLASS_BACKEND_CRASH, "SIGSEGV");
}

TEST_F(FaultTest, AHungRunnerIsKilled) {
  options_.hang_timeout = absl::Seconds(2);
  StartCoordinator();
  StartAgent();
  ExpectFailure(Do(MockJob(1, 100, "hang@6")), v1::FAILURE_CLASS_TIMED_OUT, "no sign of life");
}

TEST_F(FaultTest, ABackendsErrorIsPassedOn) {
  StartCoordinator();
  StartAgent();
  ExpectFailure(Do(MockJob(1, 100, "error@6")), v1::FAILURE_CLASS_BACKEND_ERROR, "step");
}

TEST_F(FaultTest, NotANumberIsReportedAsSuch) {
  StartCoordinator();
  StartAgent();
  const Recorded end = Do(MockJob(1, 100, "nan@6"));
  ExpectFailure(end, v1::FAILURE_CLASS_NOT_FINITE, "");
  ASSERT_THAT(end.Points("train/loss"), Not(IsEmpty()));
  EXPECT_TRUE(std::isnan(end.Points("train/loss").back().value()));
}

TEST_F(FaultTest, LimitsAreKept) {
  StartCoordinator();
  StartAgent();
  v1::Assignment hungry = Job(1, 1, 1000000, "mock", "step_ms=5");
  hungry.mutable_spec()->mutable_resources()->set_memory_mib(1);
  ExpectFailure(Do(hungry), v1::FAILURE_CLASS_OUT_OF_MEMORY, "resources.memory_mib allows 1");
  v1::Assignment slow = Job(2, 1, 1000000, "mock", "step_ms=5");
  slow.mutable_spec()->mutable_resources()->set_time_limit_s(1);
  ExpectFailure(Do(slow), v1::FAILURE_CLASS_TIMED_OUT, "resources.time_limit_s");
}

TEST_F(FaultTest, ARunnerThatDoesNotListenIsStoppedByForce) {
  options_.cancel_grace = absl::Milliseconds(300);
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 100, "hang@6");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 5);
  coordinator_->Order(KeyOf(job), v1::StopOrder::KIND_CANCEL);
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_CANCELLED);
  EXPECT_THAT(end.finished()->message(), HasSubstr("did not stop by itself"));
}

TEST_F(FaultTest, TrainingOutlivesTheCoordinatorsAbsence) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 400, "step_ms=5");
  coordinator_->Lease(job);
  AwaitCheckpoint(KeyOf(job), 4);
  coordinator_->GoAway();
  AwaitNoRunner(KeyOf(job));  // it finishes while nobody listens
  coordinator_->ComeUp();
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED) << end.finished()->message();
  ExpectWholeCurve(end, 2, 400);
  EXPECT_THAT(end.Checkpoints(), SizeIs(101));
  EXPECT_THAT(coordinator_->instances, SizeIs(1)) << "nobody asked it to register again";
}

TEST_F(FaultTest, LostAnswersLoseAndDoubleNothing) {
  StartCoordinator();
  coordinator_->AcknowledgeAtMost(3);
  StartAgent();
  const Recorded end = Do(MockJob(1, 20, ""));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED) << end.finished()->message();
  ExpectWholeCurve(end, 2, 20);
}

TEST_F(FaultTest, AWorkerThatIsForgottenRegistersAgainAndGoesOn) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 400, "step_ms=5");
  coordinator_->Lease(job);
  AwaitCheckpoint(KeyOf(job), 4);
  coordinator_->ForgetWorker();
  ExpectWholeCurve(AwaitEnd(KeyOf(job)), 2, 400);
  EXPECT_TRUE(coordinator_->Await([&] { return coordinator_->instances.size() == 2; }));
  EXPECT_EQ(coordinator_->instances[0], coordinator_->instances[1]);
}

TEST_F(FaultTest, ARunnerEndsWithItsLease) {
  StartCoordinator(absl::Seconds(2));
  StartAgent();
  const v1::Assignment job = MockJob(1, 1000000, "step_ms=5");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 10);
  coordinator_->GoAway();
  AwaitNoRunner(KeyOf(job));
  coordinator_->ComeUp();
  const Recorded end =
      AwaitEnd(KeyOf(job));  // what it had done until then is told, for whoever still wants it
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_THAT(end.finished()->message(), HasSubstr("lease"));
  ExpectWholeCurve(end, 2, end.Points("train/loss").back().step());
}

TEST_F(FaultTest, AStaleAttemptIsKilled) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 1000000, "step_ms=5");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 6);
  coordinator_->MakeStale(KeyOf(job));
  AwaitNoRunner(KeyOf(job));
  EXPECT_TRUE(coordinator_->Await([&] { return coordinator_->stale_reports == 1; }));
  EXPECT_EQ(Do(Job(2, 1, 4, "mock", "")).finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_EQ(coordinator_->stale_reports, 1) << "one refusal is enough";
}

TEST_F(FaultTest, AKillOrderEndsWithoutAWord) {
  StartCoordinator();
  StartAgent();
  const v1::Assignment job = MockJob(1, 1000000, "step_ms=5");
  coordinator_->Lease(job);
  AwaitStep(KeyOf(job), 6);
  coordinator_->Order(KeyOf(job), v1::StopOrder::KIND_KILL);
  EXPECT_TRUE(coordinator_->Await([&] { return coordinator_->held.empty(); }));
  AwaitNoRunner(KeyOf(job));
  EXPECT_EQ(coordinator_->recorded[KeyOf(job)].finished(), nullptr);
}

TEST_F(FaultTest, ADamagedCacheFileIsFetchedAgain) {
  StartCoordinator();
  StartAgent();
  EXPECT_EQ(Do(MockJob(1, 4, "")).finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED);
  const std::string cached = WorkerPath("cache/artifacts/" + text_sha256_);
  ASSERT_OK_AND_ASSIGN(std::string bytes, files_.ReadFile(cached));
  bytes[10] = static_cast<char>(bytes[10] ^ 1);
  ASSERT_OK(files_.WriteFileAtomic(cached, bytes));
  const int downloads = coordinator_->downloads;
  EXPECT_EQ(Do(MockJob(2, 4, "")).finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_EQ(coordinator_->downloads, downloads + 1);
}

TEST_F(FaultTest, AMissingArtifactIsInfrastructure) {
  StartCoordinator();
  StartAgent();
  v1::Assignment job = MockJob(1, 4, "");
  job.mutable_bindings(0)->set_sha256(std::string(64, 'a'));
  const Recorded end = Do(job);
  ExpectFailure(end, v1::FAILURE_CLASS_INFRASTRUCTURE, std::string(64, 'a'));
  EXPECT_THAT(end.items, SizeIs(1));
}

TEST_F(FaultTest, AnotherNumericsClassIsRefused) {
  StartCoordinator();
  StartAgent();
  v1::Assignment job = MockJob(1, 4, "");
  job.mutable_numerics()->set_backend("mock");
  job.mutable_numerics()->set_numerics_version(999);
  job.mutable_numerics()->set_dtype("f32");
  ExpectFailure(Do(job), v1::FAILURE_CLASS_INFRASTRUCTURE, "this worker has");
}

TEST_F(FaultTest, AFullDiskAtTheCoordinatorIsWaitedOut) {
  StartCoordinator();
  coordinator_->FailPuts({grpc::StatusCode::RESOURCE_EXHAUSTED, "the disk is full"});
  StartAgent();
  const v1::Assignment job = MockJob(1, 8, "");
  coordinator_->Lease(job);
  // Everything before the first checkpoint arrives, nothing after it.
  EXPECT_TRUE(coordinator_->Await(
      [&] { return coordinator_->recorded[KeyOf(job)].Points("train/loss").size() == 2; }));
  coordinator_->FailPuts(grpc::Status::OK);
  const Recorded end = AwaitEnd(KeyOf(job));
  EXPECT_EQ(end.finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_THAT(end.Checkpoints(), SizeIs(3));
}

TEST_F(FaultTest, ACheckpointThatIsRefusedFailsTheAttempt) {
  StartCoordinator();
  coordinator_->FailPuts({grpc::StatusCode::INVALID_ARGUMENT, "another digest"});
  StartAgent();
  const Recorded end = Do(MockJob(1, 8, ""));
  ExpectFailure(end, v1::FAILURE_CLASS_INFRASTRUCTURE, "a checkpoint was lost");
  EXPECT_THAT(end.Checkpoints(), IsEmpty());
  ExpectWholeCurve(end, 2, 8);
}

TEST_F(FaultTest, ANewProcessRemovesWhatAnEarlierOneLeft) {
  StartCoordinator();
  ASSERT_OK(files_.MakeDirs(WorkerPath("attempts/job-old-1/spool")));
  ASSERT_OK(files_.WriteFileAtomic(WorkerPath("attempts/job-old-1/spool/0000000000000001.spool"),
                                   "torn"));
  StartAgent();
  EXPECT_EQ(Do(MockJob(1, 4, "")).finished()->state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_FALSE(files_.Exists(WorkerPath("attempts/job-old-1")));
}

}  // namespace
}  // namespace shoal::fault
