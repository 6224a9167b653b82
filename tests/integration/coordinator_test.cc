// The coordinator as workers and people meet it: over gRPC, with its real database.
#include <thread>

#include "core/base/digest.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CoordinatorTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.Start()); }
  TestCluster cluster_;
};

TEST_F(CoordinatorTest, ARunGoesFromSubmissionToItsCurve) {
  ASSERT_OK_AND_ASSIGN(const v1::Run submitted, cluster_.Submit("tiny"));
  EXPECT_EQ(submitted.name(), "tiny");
  EXPECT_EQ(submitted.status(), v1::RUN_STATUS_QUEUED);
  EXPECT_EQ(submitted.total_steps(), 100);
  EXPECT_THAT(submitted.request_digest(), SizeIs(64));
  EXPECT_EQ(submitted.fingerprint(), "");

  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  EXPECT_EQ(assignment.run_id(), submitted.run_id());
  EXPECT_EQ(assignment.spec().model().n_layers(), 4) << "the spec must be complete";
  EXPECT_THAT(assignment.bindings(), SizeIs(2));
  EXPECT_FALSE(assignment.has_resume_from());
  ASSERT_OK(worker.RunToEnd(assignment, 0, 1200));

  ASSERT_OK_AND_ASSIGN(const v1::Run run, cluster_.WaitUntilFinished("tiny"));
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run.step(), 1200);
  EXPECT_THAT(run.fingerprint(), SizeIs(64));
  const v1::MetricSummary& loss = run.metrics().at("train/loss");
  EXPECT_EQ(loss.count(), 1200);
  EXPECT_EQ(loss.max(), 1.0);
  EXPECT_EQ(loss.max_step(), 1);
  EXPECT_EQ(loss.last(), 1.0 / 1200);
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> steps, cluster_.Steps("tiny", "train/loss"));
  ASSERT_THAT(steps, SizeIs(1200));
  for (size_t i = 0; i < steps.size(); ++i) ASSERT_EQ(steps[i], static_cast<int64_t>(i) + 1);
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("last"));
  EXPECT_THAT(detail.attempts(), SizeIs(1));
  EXPECT_THAT(detail.checkpoints(), SizeIs(2));
  EXPECT_EQ(detail.numerics().backend(), "mock");
}

TEST_F(CoordinatorTest, ARepeatedSubmissionAnswersTheSameAndANewOneGetsAName) {
  ASSERT_OK_AND_ASSIGN(const v1::SubmitRunRequest request, cluster_.NewRequest("tiny"));
  v1::SubmitRunResponse first, again;
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &first)));
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &again)));
  EXPECT_EQ(first.run().run_id(), again.run().run_id());
  ASSERT_OK(cluster_.Restart());
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &again)));
  EXPECT_EQ(first.run().run_id(), again.run().run_id());

  v1::SubmitRunRequest other = request;
  other.mutable_spec()->set_seed(7);
  EXPECT_THAT(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), other, &again)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
  other.set_request_id("another");
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), other, &again)));
  EXPECT_EQ(again.run().name(), "tiny.2");

  v1::ListRunsResponse list;
  ASSERT_OK(FromGrpc(cluster_.lab().ListRuns(NewContext().get(), v1::ListRunsRequest(), &list)));
  EXPECT_EQ(list.total(), 2);
  EXPECT_EQ(list.runs(0).name(), "tiny.2") << "newest first";
}

TEST_F(CoordinatorTest, BadSubmissionsAreRefusedWithEveryViolation) {
  ASSERT_OK_AND_ASSIGN(v1::SubmitRunRequest request, cluster_.NewRequest("bad"));
  request.mutable_spec()->mutable_model()->set_n_layers(-1);
  request.mutable_spec()->mutable_train()->set_steps(0);
  v1::SubmitRunResponse response;
  EXPECT_THAT(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &response)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(HasSubstr("model.n_layers"), HasSubstr("train.steps"))));
  ASSERT_OK_AND_ASSIGN(request, cluster_.NewRequest("missing"));
  request.mutable_bindings(0)->set_sha256(Sha256Of("never uploaded").Hex());
  EXPECT_THAT(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &response)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("upload")));
  v1::ListRunsResponse list;
  ASSERT_OK(FromGrpc(cluster_.lab().ListRuns(NewContext().get(), v1::ListRunsRequest(), &list)));
  EXPECT_EQ(list.total(), 0);
}

TEST_F(CoordinatorTest, ALostReplyRepeatsWithoutDoubling) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  const std::vector<v1::ReportItem> items = {StartedItem(0), PointsItem("train/loss", 1, 10),
                                             LogItem("hello")};
  EXPECT_THAT(worker.ReportAt(assignment.key(), 1, items), IsOkAndHolds(3));
  EXPECT_THAT(worker.ReportAt(assignment.key(), 1, items), IsOkAndHolds(3));  // the reply was lost
  // An overlap: items 2 and 3 again, 4 is new.
  EXPECT_THAT(
      worker.ReportAt(assignment.key(), 2, {items[1], items[2], PointsItem("train/loss", 11, 5)}),
      IsOkAndHolds(4));
  // A gap: nothing is recorded, the answer says where to go on from.
  EXPECT_THAT(worker.ReportAt(assignment.key(), 9, {PointsItem("train/loss", 99, 1)}),
              IsOkAndHolds(4));
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> steps, cluster_.Steps("tiny", "train/loss"));
  EXPECT_THAT(steps, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

TEST_F(CoordinatorTest, AStaleAttemptIsRefusedAndAResumeHidesWhatItRepeats) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker old_worker(cluster_, "local", "first start");
  ASSERT_OK(old_worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment first, old_worker.WaitForAssignment());
  ASSERT_OK_AND_ASSIGN(const v1::ArtifactRef state, cluster_.Upload("state at 20"));
  ASSERT_OK(old_worker
                .Report(first.key(), {StartedItem(0), PointsItem("train/loss", 1, 20),
                                      CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, 20, state),
                                      PointsItem("train/loss", 21, 15, 1000.0)})
                .status());

  // The worker's process dies and starts anew: its attempt is lost at once.
  ScriptedWorker new_worker(cluster_, "local", "second start");
  ASSERT_OK(new_worker.Register());
  EXPECT_EQ(new_worker.id(), old_worker.id());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment second, new_worker.WaitForAssignment());
  EXPECT_EQ(second.key().attempt_number(), 2);
  EXPECT_EQ(second.resume_from().step(), 20);
  EXPECT_EQ(second.numerics().backend(), "mock");

  EXPECT_THAT(old_worker.Report(first.key(), {PointsItem("train/loss", 36, 5)}),
              StatusIs(absl::StatusCode::kAborted));
  ASSERT_OK(new_worker.RunToEnd(second, 20, 30));
  ASSERT_OK_AND_ASSIGN(const v1::Run run, cluster_.WaitUntilFinished("tiny"));
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run.metrics().at("train/loss").count(), 50);
  EXPECT_EQ(run.metrics().at("train/loss").max(), 1.0) << "hidden points take no part";
  ASSERT_OK_AND_ASSIGN(const std::vector<int64_t> visible, cluster_.Steps("tiny", "train/loss"));
  ASSERT_THAT(visible, SizeIs(50));
  for (size_t i = 0; i < visible.size(); ++i) ASSERT_EQ(visible[i], static_cast<int64_t>(i) + 1);
  EXPECT_THAT(cluster_.Steps("tiny", "train/loss", true), IsOkAndHolds(SizeIs(65)));
  v1::GetLabResponse lab;
  ASSERT_OK(FromGrpc(cluster_.lab().GetLab(NewContext().get(), v1::GetLabRequest(), &lab)));
  EXPECT_EQ(lab.refused_stale_reports(), 1);
}

TEST_F(CoordinatorTest, AnAttemptOutlivesARestartOfTheCoordinator) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK(
      worker.Report(assignment.key(), {StartedItem(0), PointsItem("train/loss", 1, 700)}).status());
  ASSERT_OK(cluster_.Restart());
  ASSERT_OK_AND_ASSIGN(const v1::SynchronizeResponse response, worker.Synchronize());
  EXPECT_THAT(response.renewed(), SizeIs(1)) << "the lease goes on";
  EXPECT_THAT(response.stop(), SizeIs(0));
  ASSERT_OK(worker
                .Report(assignment.key(), {PointsItem("train/loss", 701, 700),
                                           FinishedItem(v1::ATTEMPT_STATE_SUCCEEDED, 1400)})
                .status());
  ASSERT_OK_AND_ASSIGN(const v1::Run run, cluster_.WaitUntilFinished("tiny"));
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run.metrics().at("train/loss").count(), 1400);
  EXPECT_THAT(cluster_.Steps("tiny", "train/loss"), IsOkAndHolds(SizeIs(1400)));
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  EXPECT_THAT(detail.attempts(), SizeIs(1));
}

TEST_F(CoordinatorTest, ASilentWorkerLosesItsLeaseAndAnotherGoesOn) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker silent(cluster_, "silent");
  ASSERT_OK(silent.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment first, silent.WaitForAssignment());
  ScriptedWorker other(cluster_, "other");
  ASSERT_OK(other.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment second,
                       other.WaitForAssignment());  // after the lease of 2 s
  EXPECT_EQ(second.key().attempt_number(), 2);
  EXPECT_THAT(silent.Report(first.key(), {StartedItem(0)}), StatusIs(absl::StatusCode::kAborted));
  ASSERT_OK(other.RunToEnd(second, 0, 5));
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_LOST);
  EXPECT_EQ(detail.attempts(1).state(), v1::ATTEMPT_STATE_SUCCEEDED);
}

TEST_F(CoordinatorTest, CancelStopsAQueuedRunAtOnceAndARunningOneThroughItsWorker) {
  ASSERT_OK(cluster_.Submit("first").status());
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK(worker.Report(assignment.key(), {StartedItem(0)}).status());
  ASSERT_OK(cluster_.Submit("second").status());

  v1::CancelRequest cancel;
  cancel.set_request_id("c1");
  cancel.add_targets("first");
  cancel.add_targets("second");
  cancel.set_actor("user:ada@laptop");
  v1::CancelResponse response;
  ASSERT_OK(FromGrpc(cluster_.lab().Cancel(NewContext().get(), cancel, &response)));
  EXPECT_THAT(response.cancelled(), SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const v1::Run second, cluster_.GetRun("second"));
  EXPECT_EQ(second.status(), v1::RUN_STATUS_CANCELLED);
  ASSERT_OK_AND_ASSIGN(const v1::SynchronizeResponse orders, worker.Synchronize(absl::Seconds(5)));
  ASSERT_THAT(orders.stop(), SizeIs(1));
  EXPECT_EQ(orders.stop(0).kind(), v1::StopOrder::KIND_CANCEL);
  ASSERT_OK(
      worker.Report(assignment.key(), {FinishedItem(v1::ATTEMPT_STATE_CANCELLED, 3)}).status());
  ASSERT_OK_AND_ASSIGN(const v1::Run first, cluster_.WaitUntilFinished("first"));
  EXPECT_EQ(first.status(), v1::RUN_STATUS_CANCELLED);
  v1::CancelResponse again;
  ASSERT_OK(FromGrpc(cluster_.lab().Cancel(NewContext().get(), cancel, &again)));
  EXPECT_THAT(again.cancelled(), SizeIs(2)) << "a repeated request answers the same";
}

TEST_F(CoordinatorTest, OldResumableCheckpointsAreDroppedAndWeightsStay) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK(worker.Report(assignment.key(), {StartedItem(0)}).status());
  std::vector<v1::ArtifactRef> states;
  for (int64_t step : {10, 20, 30, 40}) {
    ASSERT_OK_AND_ASSIGN(const v1::ArtifactRef state, cluster_.Upload(StrCat("state ", step)));
    ASSERT_OK_AND_ASSIGN(const v1::ArtifactRef weights, cluster_.Upload(StrCat("weights ", step)));
    states.push_back(state);
    ASSERT_OK(
        worker
            .Report(assignment.key(), {CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, step, state),
                                       CheckpointItem(v1::CHECKPOINT_KIND_WEIGHTS, step, weights)})
            .status());
  }
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  EXPECT_THAT(detail.checkpoints(), SizeIs(2 + 4)) << "keep_last is 2 by default";
  v1::FindArtifactsRequest find;
  for (const v1::ArtifactRef& state : states) find.add_sha256(state.sha256());
  v1::FindArtifactsResponse found;
  ASSERT_OK(FromGrpc(cluster_.artifacts().Find(NewContext().get(), find, &found)));
  EXPECT_THAT(found.missing(), ElementsAre(states[0].sha256(), states[1].sha256()));
  RealFileSystem files;
  const std::string& hex = states[0].sha256();
  EXPECT_FALSE(files.Exists(
      StrCat(cluster_.data_dir(), "/artifacts/", hex.substr(0, 2), "/", hex.substr(2))));
  // A checkpoint whose file was never uploaded is refused, and the report may be repeated after the
  // upload.
  v1::ArtifactRef absent = states[3];
  absent.set_sha256(Sha256Of("nowhere").Hex());
  EXPECT_THAT(
      worker.Report(assignment.key(), {CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, 50, absent)}),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("upload")));
}

TEST_F(CoordinatorTest, WatchResumesFromAnEventAndLogsAreFollowedToTheEnd) {
  ASSERT_OK(cluster_.Submit("tiny").status());
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());

  std::vector<std::string> lines;
  std::thread reader([&] {
    v1::ReadLogsRequest request;
    request.set_run("tiny");
    request.set_follow(true);
    auto context = NewContext();
    auto stream = cluster_.lab().ReadLogs(context.get(), request);
    v1::ReadLogsResponse response;
    while (stream->Read(&response)) lines.push_back(response.line().text());
    EXPECT_OK(FromGrpc(stream->Finish()));
  });
  ASSERT_OK(
      worker.Report(assignment.key(), {StartedItem(0), LogItem("one"), LogItem("two")}).status());
  ASSERT_OK(worker
                .Report(assignment.key(),
                        {LogItem("three"), FinishedItem(v1::ATTEMPT_STATE_SUCCEEDED, 1)})
                .status());
  reader.join();
  EXPECT_THAT(lines, ElementsAre("one", "two", "three"));

  v1::ReadEventsResponse all;
  ASSERT_OK(FromGrpc(cluster_.lab().ReadEvents(NewContext().get(), v1::ReadEventsRequest(), &all)));
  ASSERT_GT(all.events_size(), 4);
  const int64_t middle = all.events(3).event_id();
  v1::WatchRequest request;
  request.add_targets("tiny");
  request.set_after_event_id(middle);
  request.set_until_finished(true);
  auto context = NewContext();
  auto stream = cluster_.lab().Watch(context.get(), request);
  v1::WatchResponse response;
  std::vector<int64_t> seen;
  while (stream->Read(&response)) {
    if (response.has_event()) seen.push_back(response.event().event_id());
  }
  EXPECT_OK(FromGrpc(stream->Finish()));
  std::vector<int64_t> expected;
  for (const v1::Event& event : all.events()) {
    if (event.event_id() > middle && !event.run_id().empty()) expected.push_back(event.event_id());
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(CoordinatorTest, ArtifactsComeBackAsTheyWentAndLiesAreRefused) {
  std::string bytes(3'000'000, 'x');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  v1::ArtifactRef artifact;
  artifact.set_sha256(Sha256Of(bytes).Hex());
  artifact.set_size_bytes(static_cast<int64_t>(bytes.size()));
  const auto put = [&](const v1::ArtifactRef& expected, const std::string& data) {
    auto context = NewContext();
    v1::PutArtifactResponse response;
    auto writer = cluster_.artifacts().Put(context.get(), &response);
    v1::PutArtifactRequest request;
    *request.mutable_expected() = expected;
    bool open = writer->Write(request);
    for (size_t at = 0; open && at < data.size(); at += 1 << 20) {
      request.set_data(data.substr(at, 1 << 20));
      open = writer->Write(request);
    }
    writer->WritesDone();
    return FromGrpc(writer->Finish());
  };
  v1::ArtifactRef lie = artifact;
  lie.set_sha256(Sha256Of("something else").Hex());
  EXPECT_THAT(put(lie, bytes),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nothing was kept")));
  lie = artifact;
  lie.set_size_bytes(10);
  EXPECT_THAT(put(lie, bytes), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(put(artifact, bytes));
  ASSERT_OK(put(artifact, bytes));  // there already

  const auto get = [&](int64_t offset) -> absl::StatusOr<std::string> {
    v1::GetArtifactRequest request;
    request.set_sha256(artifact.sha256());
    request.set_offset_bytes(offset);
    auto context = NewContext();
    auto reader = cluster_.artifacts().Get(context.get(), request);
    v1::GetArtifactResponse chunk;
    std::string all;
    while (reader->Read(&chunk)) all += chunk.data();
    SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
    return all;
  };
  EXPECT_THAT(get(0), IsOkAndHolds(bytes));
  EXPECT_THAT(get(2'500'000), IsOkAndHolds(bytes.substr(2'500'000)));
  // Someone changes the file on disk.
  const std::string hex = artifact.sha256();
  RealFileSystem files;
  bytes[1'234'567] ^= 1;
  ASSERT_OK(files.WriteFileAtomic(
      StrCat(cluster_.data_dir(), "/artifacts/", hex.substr(0, 2), "/", hex.substr(2)), bytes));
  EXPECT_THAT(get(0), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CoordinatorTest, TwoCoordinatorsNeverShareAFolder) {
  CoordinatorOptions options = cluster_.options();
  options.socket_path += "2";
  EXPECT_THAT(Coordinator::Start(options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(StrCat("pid ", getpid()))));
  options.data_dir += "2";
  EXPECT_OK(Coordinator::Start(options));
}

TEST_F(CoordinatorTest, ShutdownIsAnsweredOnlyWhereItIsAllowed) {
  v1::ShutdownResponse response;
  EXPECT_THAT(
      FromGrpc(cluster_.lab().Shutdown(NewContext().get(), v1::ShutdownRequest(), &response)),
      StatusIs(absl::StatusCode::kPermissionDenied));
  cluster_.Stop();
  cluster_.options().allow_shutdown = true;
  ASSERT_OK(cluster_.Start());
  EXPECT_FALSE(cluster_.coordinator().WaitForShutdown(absl::ZeroDuration()));
  v1::ShutdownRequest request;
  request.set_reason("enough");
  ASSERT_OK(FromGrpc(cluster_.lab().Shutdown(NewContext().get(), request, &response)));
  EXPECT_TRUE(cluster_.coordinator().WaitForShutdown(absl::Seconds(10)));
  EXPECT_EQ(cluster_.coordinator().shutdown_reason(), "enough");
}

}  // namespace
}  // namespace shoal
