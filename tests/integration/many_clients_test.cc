// Many at once: readers, submitters and workers on one lab. Nobody may ever hear of a locked
// database.
#include <atomic>
#include <thread>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

TEST(ManyClientsTest, EightClientsAndTwoWorkersDoNotDisturbEachOther) {
  constexpr int kClients = 8;
  constexpr int kRunsEach = 5;
  TestCluster cluster;
  ASSERT_OK(cluster.Start());
  ASSERT_OK_AND_ASSIGN(const v1::SubmitRunRequest base, cluster.NewRequest("many"));
  std::atomic<int> finished = 0;
  std::vector<std::jthread> threads;
  for (int w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      ScriptedWorker worker(cluster, StrCat("worker", w), "i", 2);
      EXPECT_OK(worker.Register());
      while (finished < kClients * kRunsEach) {
        absl::StatusOr<v1::SynchronizeResponse> response = worker.Synchronize();
        ASSERT_OK(response);
        for (const v1::Assignment& assignment : response->start()) {
          EXPECT_OK(worker.RunToEnd(assignment, 0, 600));
          ++finished;
        }
      }
    });
  }
  for (int c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      auto lab = v1::LabService::NewStub(cluster.NewChannel());
      for (int i = 0; i < kRunsEach; ++i) {
        v1::SubmitRunRequest request = base;
        request.set_request_id(StrCat("client ", c, " run ", i));
        request.set_no_reuse(true);  // all ask for the same
        v1::SubmitRunResponse submitted;
        ASSERT_OK(FromGrpc(lab->SubmitRun(NewContext().get(), request, &submitted)));
        v1::ListRunsResponse list;
        EXPECT_OK(FromGrpc(lab->ListRuns(NewContext().get(), v1::ListRunsRequest(), &list)));
        v1::GetRunRequest get;
        get.set_run(submitted.run().name());
        v1::RunDetail detail;
        EXPECT_OK(FromGrpc(lab->GetRun(NewContext().get(), get, &detail)));
        EXPECT_EQ(detail.run().run_id(), submitted.run().run_id())
            << "one reads what one has written";
        v1::GetSeriesRequest series;
        series.set_run("last");
        const auto context = NewContext();
        const auto reader = lab->GetSeries(context.get(), series);
        v1::GetSeriesResponse curves;
        while (reader->Read(&curves)) {
        }
        EXPECT_OK(FromGrpc(reader->Finish()));
      }
    });
  }
  threads.clear();  // joins
  v1::ListRunsRequest all;
  all.set_limit(1000);
  all.add_statuses(v1::RUN_STATUS_SUCCEEDED);
  v1::ListRunsResponse list;
  ASSERT_OK(FromGrpc(cluster.lab().ListRuns(NewContext().get(), all, &list)));
  EXPECT_EQ(list.total(), kClients * kRunsEach);
  for (const v1::Run& run : list.runs())
    EXPECT_EQ(run.metrics().at("train/loss").count(), 600) << run.name();
}

TEST(ManyClientsTest, ASweepIsOneTransactionAndOneName) {
  TestCluster cluster;
  ASSERT_OK(cluster.Start());
  ASSERT_OK_AND_ASSIGN(const v1::SubmitRunRequest run, cluster.NewRequest("grid"));
  v1::SubmitSweepRequest request;
  request.set_request_id("sweep 1");
  request.mutable_sweep()->set_name("depths");
  *request.mutable_sweep()->mutable_base() = run.spec();
  for (const char* layers : {"1", "2", "4"})
    (*request.mutable_sweep()->mutable_space())["model.n_layers"].add_values(layers);
  v1::TrialInput input;
  *input.mutable_bindings() = run.bindings();
  for (int i = 0; i < 3; ++i) *request.add_trials() = input;
  v1::SubmitSweepResponse response, again;
  ASSERT_OK(FromGrpc(cluster.lab().SubmitSweep(NewContext().get(), request, &response)));
  ASSERT_OK(FromGrpc(cluster.lab().SubmitSweep(NewContext().get(), request, &again)));
  EXPECT_EQ(response.SerializeAsString(), again.SerializeAsString());
  ASSERT_EQ(response.runs_size(), 3);
  EXPECT_EQ(response.runs(2).trial_index(), 2);
  EXPECT_EQ(response.runs(2).differing(0), "model.n_layers=4");
  EXPECT_EQ(response.runs(0).sweep_id(), response.sweep().sweep_id());

  v1::ListRunsRequest fresh_list;
  v1::ListRunsResponse fresh;
  ASSERT_OK(FromGrpc(cluster.lab().ListRuns(NewContext().get(), fresh_list, &fresh)));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fresh.runs(i).trial_index(), 2 - i) << "before a restart";
  ASSERT_OK(cluster.Restart());
  v1::ListRunsRequest by_sweep;
  by_sweep.set_sweep("depths");
  v1::ListRunsResponse runs;
  ASSERT_OK(FromGrpc(cluster.lab().ListRuns(NewContext().get(), by_sweep, &runs)));
  EXPECT_EQ(runs.total(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(runs.runs(i).trial_index(), 2 - i) << "newest first";
  v1::ListSweepsResponse sweeps;
  ASSERT_OK(
      FromGrpc(cluster.lab().ListSweeps(NewContext().get(), v1::ListSweepsRequest(), &sweeps)));
  ASSERT_EQ(sweeps.sweeps_size(), 1);
  EXPECT_EQ(sweeps.sweeps(0).runs_by_status().at("QUEUED"), 3);
  v1::CancelRequest cancel;
  cancel.add_targets("depths");
  cancel.set_actor("user:ada@laptop");
  v1::CancelResponse cancelled;
  ASSERT_OK(FromGrpc(cluster.lab().Cancel(NewContext().get(), cancel, &cancelled)));
  EXPECT_EQ(cancelled.cancelled_size(), 3);
  request.set_request_id("sweep 2");
  request.mutable_trials()->RemoveLast();
  EXPECT_THAT(FromGrpc(cluster.lab().SubmitSweep(NewContext().get(), request, &again)),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("3 trials")));
}

}  // namespace
}  // namespace shoal
