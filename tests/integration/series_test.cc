// Whole curves: a million points through a real coordinator and its database, and whose they are.

#include <bit>
#include <cmath>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::SizeIs;

struct Received {
  std::vector<v1::SeriesPoints> pieces;
  int messages = 0;
  size_t largest_bytes = 0;
};

absl::StatusOr<Received> GetSeries(TestCluster& cluster, const v1::GetSeriesRequest& request) {
  const auto context = NewContext();
  const auto reader = cluster.lab().GetSeries(context.get(), request);
  Received received;
  for (v1::GetSeriesResponse response; reader->Read(&response); ++received.messages) {
    received.largest_bytes = std::max(received.largest_bytes, response.ByteSizeLong());
    received.pieces.insert(received.pieces.end(), response.series().begin(),
                           response.series().end());
  }
  SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
  return received;
}

class SeriesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(cluster_.Start()); }
  TestCluster cluster_;
};

// Needs all the bits of a double.
double ValueAt(int64_t step) { return std::sin(static_cast<double>(step)) / 3; }

TEST_F(SeriesTest, AMillionPointsComeBackBitForBit) {
  constexpr int64_t kPoints = 1000000, kOfReport = 20000;
  ScriptedWorker worker(cluster_, "w1");
  ASSERT_OK(worker.Register());
  ASSERT_OK(cluster_.Submit("long"));
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK(worker.Report(assignment.key(), {StartedItem(0)}));
  for (int64_t first = 1; first <= kPoints; first += kOfReport) {
    v1::ReportItem item = PointsItem("train/loss", first, kOfReport);
    for (v1::MetricPoint& point : *item.mutable_points()->mutable_points())
      point.set_value(ValueAt(point.step()));
    ASSERT_OK(worker.Report(assignment.key(), {item, PointsItem("train/lr", first, 1)}));
  }
  v1::GetSeriesRequest request;
  request.set_run("long");
  ASSERT_OK_AND_ASSIGN(const Received received, GetSeries(cluster_, request));
  EXPECT_GT(received.messages, 10);
  EXPECT_LT(received.largest_bytes, size_t{3} << 20);
  int64_t step = 0, wrong = 0, others = 0;
  for (const v1::SeriesPoints& piece : received.pieces) {
    if (piece.series() != "train/loss") {
      others += piece.points_size();
      continue;
    }
    EXPECT_EQ(others, 0) << "series by name: train/loss first";
    EXPECT_EQ(piece.attempt_number(), 1);
    for (const v1::MetricPoint& point : piece.points()) {
      ++step;
      const bool right =
          point.step() == step && point.wall_time_us() == 1700000000000000 + step * 1000 &&
          std::bit_cast<uint64_t>(point.value()) == std::bit_cast<uint64_t>(ValueAt(step));
      wrong += right ? 0 : 1;
    }
  }
  EXPECT_EQ(step, kPoints);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(others, kPoints / kOfReport);
}

TEST_F(SeriesTest, TellsWhosePointsTheyAreAndWhichAreHidden) {
  ASSERT_OK(cluster_.Submit("tiny"));
  ScriptedWorker old_worker(cluster_, "w1", "first start");
  ASSERT_OK(old_worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment first, old_worker.WaitForAssignment());
  ASSERT_OK_AND_ASSIGN(const v1::ArtifactRef state, cluster_.Upload("state at 20"));
  ASSERT_OK(
      old_worker.Report(first.key(), {StartedItem(0), PointsItem("train/loss", 1, 20),
                                      CheckpointItem(v1::CHECKPOINT_KIND_RESUMABLE, 20, state),
                                      PointsItem("train/loss", 21, 15, 100.0)}));
  ScriptedWorker new_worker(cluster_, "w1", "second start");  // the first attempt is lost at once
  ASSERT_OK(new_worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment second, new_worker.WaitForAssignment());
  ASSERT_OK(new_worker.RunToEnd(second, 20, 30));

  v1::GetSeriesRequest request;
  request.set_run("tiny");
  request.add_series("train/loss");
  ASSERT_OK_AND_ASSIGN(const Received visible, GetSeries(cluster_, request));
  ASSERT_THAT(visible.pieces, SizeIs(2));
  EXPECT_EQ(visible.pieces[0].attempt_number(), 1);
  EXPECT_EQ(visible.pieces[0].points_size(), 20);
  EXPECT_EQ(visible.pieces[1].attempt_number(), 2);
  EXPECT_EQ(visible.pieces[1].points_size(), 30);

  request.set_include_superseded(true);
  ASSERT_OK_AND_ASSIGN(const Received all, GetSeries(cluster_, request));
  ASSERT_THAT(all.pieces, SizeIs(3));
  EXPECT_FALSE(all.pieces[0].superseded());
  EXPECT_TRUE(all.pieces[1].superseded());
  EXPECT_EQ(all.pieces[1].attempt_number(), 1);
  EXPECT_EQ(all.pieces[1].points_size(), 15);
  EXPECT_EQ(all.pieces[1].points(0).step(), 21);
  EXPECT_FALSE(all.pieces[2].superseded());
}

TEST_F(SeriesTest, ARunWithoutPointsAndARunThatIsNotThere) {
  ASSERT_OK(cluster_.Submit("tiny"));
  v1::GetSeriesRequest request;
  request.set_run("tiny");
  ASSERT_OK_AND_ASSIGN(const Received nothing, GetSeries(cluster_, request));
  EXPECT_EQ(nothing.messages, 0);
  request.set_run("nobody");
  EXPECT_THAT(GetSeries(cluster_, request), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SeriesTest, AClientThatLeavesEarlyHoldsNothingUp) {
  ScriptedWorker worker(cluster_, "w1");
  ASSERT_OK(worker.Register());
  ASSERT_OK(cluster_.Submit("long"));
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_OK(worker.Report(assignment.key(), {StartedItem(0)}));
  for (int64_t first = 1; first <= 200000; first += 20000)
    ASSERT_OK(worker.Report(assignment.key(), {PointsItem("train/loss", first, 20000)}));
  v1::GetSeriesRequest request;
  request.set_run("long");
  for (int i = 0; i < 20; ++i) {  // more than there are reading threads
    const auto context = NewContext();
    const auto reader = cluster_.lab().GetSeries(context.get(), request);
    v1::GetSeriesResponse response;
    ASSERT_TRUE(reader->Read(&response));
    context->TryCancel();
    (void)reader->Finish();
  }
  EXPECT_THAT(cluster_.Steps("long", "train/loss"), IsOkAndHolds(SizeIs(200000)));
}

TEST_F(SeriesTest, ListRunsTellsSpecsWhenAsked) {
  ASSERT_OK(cluster_.Submit("one"));
  ASSERT_OK(cluster_.Submit("two"));
  v1::ListRunsRequest request;
  v1::ListRunsResponse plain;
  ASSERT_OK(FromGrpc(cluster_.lab().ListRuns(NewContext().get(), request, &plain)));
  EXPECT_EQ(plain.details_size(), 0);
  request.set_with_details(true);
  v1::ListRunsResponse list;
  ASSERT_OK(FromGrpc(cluster_.lab().ListRuns(NewContext().get(), request, &list)));
  ASSERT_EQ(list.details_size(), list.runs_size());
  for (int i = 0; i < list.runs_size(); ++i) {
    EXPECT_EQ(list.details(i).spec().name(), list.runs(i).name());
    EXPECT_EQ(list.details(i).bindings_size(), 2);
    EXPECT_FALSE(list.details(i).canonical_spec().empty());
  }
}

}  // namespace
}  // namespace shoal
