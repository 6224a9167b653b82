// Sweeps over gRPC: reuse, extension, and that repeated requests answer the same.
#include <set>

#include "core/base/status.h"
#include "core/spec/search_space.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/test_cluster.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class SweepTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.Start());
    ASSERT_OK_AND_ASSIGN(run_, cluster_.NewRequest("tiny"));
  }

  v1::SweepSpec Spec(const std::vector<std::string>& layers, int repeats = 1) {
    v1::SweepSpec sweep;
    sweep.set_name("depth");
    *sweep.mutable_base() = run_.spec();
    for (const std::string& value : layers)
      (*sweep.mutable_space())["model.n_layers"].add_values(value);
    sweep.set_repeats(repeats);
    return sweep;
  }

  template <typename Request>
  Request Fill(const std::string& id, const v1::SweepSpec& sweep) {
    Request request;
    request.set_request_id(id);
    *request.mutable_sweep() = sweep;
    const auto trials = spec::ExpandSweep(sweep);
    EXPECT_OK(trials);
    for (size_t i = 0; trials.ok() && i < trials->size(); ++i) {
      v1::TrialInput& input = *request.add_trials();
      *input.mutable_bindings() = run_.bindings();
      input.set_parameters(1000);
      input.set_train_flops(2e9);
      input.set_memory_bytes(64 << 20);
    }
    return request;
  }

  absl::StatusOr<v1::SubmitSweepResponse> Submit(const v1::SubmitSweepRequest& request) {
    v1::SubmitSweepResponse response;
    SHOAL_RETURN_IF_ERROR(
        FromGrpc(cluster_.lab().SubmitSweep(NewContext().get(), request, &response)));
    return response;
  }
  absl::StatusOr<v1::SubmitSweepResponse> Submit(const std::string& id,
                                                 const v1::SweepSpec& sweep) {
    return Submit(Fill<v1::SubmitSweepRequest>(id, sweep));
  }
  absl::StatusOr<v1::SubmitSweepResponse> Extend(const std::string& id, const v1::SweepSpec& sweep,
                                                 const std::string& target = "depth") {
    v1::ExtendSweepRequest request = Fill<v1::ExtendSweepRequest>(id, sweep);
    request.set_target(target);
    v1::SubmitSweepResponse response;
    SHOAL_RETURN_IF_ERROR(
        FromGrpc(cluster_.lab().ExtendSweep(NewContext().get(), request, &response)));
    return response;
  }
  std::vector<v1::Run> RunsOf(const std::string& sweep) {
    v1::ListRunsRequest request;
    request.set_sweep(sweep);
    request.set_limit(1000);
    v1::ListRunsResponse response;
    EXPECT_OK(FromGrpc(cluster_.lab().ListRuns(NewContext().get(), request, &response)));
    std::vector<v1::Run> runs(response.runs().begin(), response.runs().end());
    std::sort(runs.begin(), runs.end(),
              [](const auto& a, const auto& b) { return a.trial_index() < b.trial_index(); });
    return runs;
  }
  std::vector<std::string> NamesOf(const std::string& sweep) {
    std::vector<std::string> names;
    for (const v1::Run& run : RunsOf(sweep)) names.push_back(run.name());
    return names;
  }
  // Everything that is queued is run.
  void RunAll(int runs) {
    ScriptedWorker worker(cluster_, "local");
    ASSERT_OK(worker.Register());
    for (int i = 0; i < runs; ++i) {
      ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
      ASSERT_OK(worker.RunToEnd(assignment, 0, 2));
    }
  }

  TestCluster cluster_;
  v1::SubmitRunRequest run_;  // of the base
};

TEST_F(SweepTest, AFinishedRunIsReusedByNewSweepsAndSaysSo) {
  ASSERT_OK_AND_ASSIGN(const auto first, Submit("a", Spec({"1", "2"})));
  EXPECT_EQ(first.runs(0).train_flops(), 2e9);
  EXPECT_EQ(first.runs(0).memory_bytes(), 64 << 20);
  RunAll(2);
  ASSERT_OK_AND_ASSIGN(const auto second, Submit("b", Spec({"2", "3"})));
  ASSERT_THAT(second.runs(), SizeIs(2));
  EXPECT_TRUE(second.runs(0).reused());
  EXPECT_EQ(second.runs(0).run_id(), first.runs(1).run_id());
  EXPECT_EQ(second.runs(0).name(), "tiny-L2");
  EXPECT_EQ(second.runs(0).trial_index(), 0);
  EXPECT_EQ(second.runs(0).sweep_id(), second.sweep().sweep_id());
  EXPECT_EQ(second.runs(0).numerics().backend(), "mock");
  EXPECT_FALSE(second.runs(1).reused());
  EXPECT_EQ(second.runs(1).name(), "tiny-L3");

  // Each sweep shows it in its own place, before and after a restart.
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(NamesOf("depth"), ElementsAre("tiny-L1", "tiny-L2"));
    EXPECT_THAT(NamesOf("depth.2"), ElementsAre("tiny-L2", "tiny-L3"));
    EXPECT_FALSE(RunsOf("depth")[1].reused());
    EXPECT_EQ(RunsOf("depth")[1].trial_index(), 1);
    const v1::Run reused = RunsOf("depth.2")[0];
    EXPECT_TRUE(reused.reused());
    EXPECT_THAT(reused.differing(), ElementsAre("model.n_layers=2"));
    v1::GetSweepRequest get;
    get.set_sweep("depth.2");
    v1::Sweep sweep;
    ASSERT_OK(FromGrpc(cluster_.lab().GetSweep(NewContext().get(), get, &sweep)));
    EXPECT_EQ(sweep.runs_by_status().at("SUCCEEDED"), 1);
    EXPECT_EQ(sweep.runs_by_status_size(), 2)
        << sweep.ShortDebugString();  // the other is under way
    EXPECT_EQ(sweep.spec().space().at("model.n_layers").values_size(), 2);
    ASSERT_OK(cluster_.Restart());
  }

  v1::SubmitSweepRequest anew = Fill<v1::SubmitSweepRequest>("c", Spec({"1", "2"}));
  anew.set_no_reuse(true);
  ASSERT_OK_AND_ASSIGN(const auto third, Submit(anew));
  EXPECT_EQ(third.runs(0).name(), "tiny-L1.2");
  EXPECT_FALSE(third.runs(0).reused());
}

TEST_F(SweepTest, ARepeatedRequestAnswersTheSameAlsoWhenMoreHasFinishedSince) {
  ASSERT_OK_AND_ASSIGN(const auto first, Submit("a", Spec({"1", "2"})));
  RunAll(2);
  ASSERT_OK_AND_ASSIGN(const auto second, Submit("b", Spec({"2", "3"})));
  RunAll(1);
  ASSERT_OK_AND_ASSIGN(auto again, Submit("a", Spec({"1", "2"})));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  ASSERT_OK(cluster_.Restart());
  ASSERT_OK_AND_ASSIGN(again, Submit("b", Spec({"2", "3"})));
  EXPECT_EQ(again.sweep().sweep_id(), second.sweep().sweep_id());
  EXPECT_TRUE(again.runs(0).reused());
  EXPECT_FALSE(again.runs(1).reused());
  EXPECT_EQ(again.runs(1).run_id(), second.runs(1).run_id());
  EXPECT_THAT(NamesOf("depth.2"), ElementsAre("tiny-L2", "tiny-L3"));
}

TEST_F(SweepTest, ALoneRunIsReusedToo) {
  v1::SubmitRunResponse first, second, third;
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), run_, &first)));
  run_.set_request_id("while it is queued");
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), run_, &second)));
  EXPECT_FALSE(second.reused()) << "only what has succeeded is reused";
  RunAll(2);
  run_.set_request_id("after");
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), run_, &third)));
  EXPECT_TRUE(third.reused());
  EXPECT_EQ(third.run().run_id(), second.run().run_id()) << "the newest";
  run_.set_request_id("anew");
  run_.set_no_reuse(true);
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), run_, &third)));
  EXPECT_FALSE(third.reused());
  EXPECT_EQ(third.run().name(), "tiny.3");
}

TEST_F(SweepTest, AnExtensionKeepsWhatIsThereAndAddsTheRest) {
  ASSERT_OK_AND_ASSIGN(const auto first, Submit("a", Spec({"1", "2"})));
  RunAll(1);
  ASSERT_OK_AND_ASSIGN(const auto wider, Extend("b", Spec({"1", "2", "3"}, 2)));
  EXPECT_EQ(wider.sweep().sweep_id(), first.sweep().sweep_id());
  EXPECT_EQ(wider.sweep().run_count(), 6);
  EXPECT_THAT(wider.runs(), SizeIs(4));
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(NamesOf("depth"), ElementsAre("tiny-L1", "tiny-L2", "tiny-L1-s2", "tiny-L2-s2",
                                              "tiny-L3-s1", "tiny-L3-s2"));
    const std::vector<v1::Run> runs = RunsOf("depth");
    EXPECT_EQ(runs[0].run_id(), first.runs(0).run_id());
    EXPECT_THAT(runs[0].differing(), ElementsAre("model.n_layers=1", "seed=42"))
        << "what sets it apart is more now";
    v1::GetSweepRequest get;
    get.set_sweep("depth");
    v1::Sweep sweep;
    ASSERT_OK(FromGrpc(cluster_.lab().GetSweep(NewContext().get(), get, &sweep)));
    EXPECT_EQ(sweep.run_count(), 6);
    EXPECT_THAT(sweep.varied(), ElementsAre("model.n_layers", "seed"));
    EXPECT_EQ(sweep.spec().repeats(), 2);
    ASSERT_OK(cluster_.Restart());
  }
  // The same request again, and the same sweep again under another id: nothing more.
  ASSERT_OK_AND_ASSIGN(const auto repeated, Extend("b", Spec({"1", "2", "3"}, 2)));
  EXPECT_THAT(repeated.runs(), SizeIs(4));
  ASSERT_OK_AND_ASSIGN(const auto same, Extend("c", Spec({"1", "2", "3"}, 2)));
  EXPECT_THAT(same.runs(), SizeIs(0));
  EXPECT_THAT(RunsOf("depth"), SizeIs(6));
  RunAll(5);
  for (const v1::Run& run : RunsOf("depth")) {
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.name();
  }
}

TEST_F(SweepTest, AnExtensionThatWouldLoseATrialIsRefused) {
  ASSERT_OK(Submit("a", Spec({"1", "2"})));
  EXPECT_THAT(Extend("b", Spec({"1", "3"})),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       testing::AllOf(HasSubstr("model.n_layers=2"), HasSubstr("only adds"))));
  v1::SweepSpec other = Spec({"1", "2"});
  other.mutable_base()->mutable_train()->set_steps(500);
  EXPECT_THAT(Extend("c", other), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Extend("d", Spec({"1", "2"}), "width"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(NamesOf("depth"), ElementsAre("tiny-L1", "tiny-L2"));
}

TEST_F(SweepTest, RandomSweepsGrowByTrials) {
  v1::SweepSpec sweep = Spec({});
  sweep.set_strategy("random");
  sweep.set_trials(3);
  v1::AxisSpec& axis = (*sweep.mutable_space())["train.optimizer.lr"];
  axis.set_min(1e-4);
  axis.set_max(1e-2);
  axis.set_scale("log");
  sweep.mutable_space()->erase("model.n_layers");
  ASSERT_OK(Submit("a", sweep));
  const std::vector<std::string> before = NamesOf("depth");
  sweep.set_trials(8);
  ASSERT_OK_AND_ASSIGN(const auto more, Extend("b", sweep));
  EXPECT_THAT(more.runs(), SizeIs(5));
  const std::vector<std::string> after = NamesOf("depth");
  ASSERT_THAT(after, SizeIs(8));
  EXPECT_THAT(std::vector<std::string>(after.begin(), after.begin() + 3),
              testing::ElementsAreArray(before));
  EXPECT_THAT(std::set<std::string>(after.begin(), after.end()), SizeIs(8));
}

TEST_F(SweepTest, ARunThatGoesOnFromAnotherKeepsItsCheckpoint) {
  v1::SubmitRunResponse first, longer;
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), run_, &first)));
  RunAll(1);
  ASSERT_OK_AND_ASSIGN(const v1::RunDetail detail, cluster_.GetDetail("tiny"));
  v1::SubmitRunRequest request = run_;
  request.set_request_id("longer");
  request.mutable_spec()->mutable_train()->set_steps(2000);
  v1::DataBinding& from = *request.add_bindings();
  from.set_role(v1::BINDING_ROLE_INIT_FROM);
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    if (checkpoint.kind() != v1::CHECKPOINT_KIND_RESUMABLE) continue;
    from.set_sha256(checkpoint.artifact().sha256());
    from.set_size_bytes(checkpoint.artifact().size_bytes());
  }
  from.set_file_name("tiny-step2.safetensors");
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), request, &longer)));
  v1::SubmitRunRequest plain = request;
  plain.set_request_id("plain");
  plain.mutable_bindings()->RemoveLast();
  v1::SubmitRunResponse fresh;
  ASSERT_OK(FromGrpc(cluster_.lab().SubmitRun(NewContext().get(), plain, &fresh)));
  EXPECT_NE(fresh.run().request_digest(), longer.run().request_digest())
      << "what a run began from is part of what it is";
  ScriptedWorker worker(cluster_, "local");
  ASSERT_OK(worker.Register());
  ASSERT_OK_AND_ASSIGN(const v1::Assignment assignment, worker.WaitForAssignment());
  ASSERT_THAT(assignment.bindings(), SizeIs(3));
  EXPECT_EQ(assignment.bindings(2).role(), v1::BINDING_ROLE_INIT_FROM);
  EXPECT_FALSE(assignment.has_resume_from());
}

}  // namespace
}  // namespace shoal
