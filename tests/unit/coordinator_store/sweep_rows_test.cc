// Sweeps that share runs, and the upgrade of a database from before they could.
#include "coordinator/store/sweep_rows.h"

#include "coordinator/store/migrator.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "migrations/migrations.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::store {
namespace {

using testing::ElementsAre;
using testing::Optional;

// What a lab of the first schema may hold: a sweep of two runs, the second finished by onednn, and
// a run of its own.
constexpr char kOldRows[] = R"sql(
  INSERT INTO experiment VALUES ('default', 1, 'ada');
  INSERT INTO sweep VALUES ('sweep1', 'depth', 1, 'ada', 'laptop', 'build', 'shoal sweep', 2, x'', 'model.n_layers');
  INSERT INTO run (run_id, name, experiment, sweep_id, trial_index, created_at_us, submitted_by, submitted_from,
                   build_id, command, run_spec_pb, canonical_spec, request_digest, fingerprint, parameters,
                   total_steps, differing, step)
    VALUES ('run1', 'tiny-L1', 'default', 'sweep1', 0, 1, 'ada', 'laptop', 'build', '', x'', '{}', 'digest1', '', 10,
            100, 'model.n_layers=1', 0),
           ('run2', 'tiny-L2', 'default', 'sweep1', 1, 1, 'ada', 'laptop', 'build', '', x'', '{}', 'digest2', '', 20,
            100, 'model.n_layers=2' || char(10) || 'train.optimizer.lr=0.01', 100),
           ('run3', 'alone', 'default', NULL, 0, 1, 'ada', 'laptop', 'build', '', x'', '{}', 'digest1', '', 10, 100,
            '', 0);
  INSERT INTO job (job_id, run_id, kind, state, state_reason, submit_order, attempt_count, created_at_us,
                   finished_at_us, slots, memory_bytes, backend, dtype, time_limit_us, max_attempts, idle_timeout_us,
                   failures, losses, crashes_in_a_row, takedowns_in_a_row, checkpoint_step, memory_above_bytes, stop,
                   stop_reason)
    VALUES ('job1', 'run1', 1, 4, 'broken', 1, 1, 1, 5, 1, 0, 'auto', 'auto', 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, ''),
           ('job2', 'run2', 1, 3, '', 2, 1, 1, 6, 1, 0, 'auto', 'auto', 0, 3, 0, 0, 0, 0, 0, 100, 0, 0, '');
)sql";

class SweepRowsTest : public TempDirTest {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Database>> db =
        Database::Open(Path("a.db"), Database::Mode::kReadWrite);
    ASSERT_OK(db);
    db_ = *std::move(db);
    ASSERT_OK(Migrate(*db_, Migrations().first(1), Path("backup"), absl::FromUnixSeconds(1)));
    ASSERT_OK(db_->Execute(kOldRows));
    v1::NumericsClass numerics;
    numerics.set_backend("onednn");
    numerics.set_dtype("f32");
    v1::RunSpec spec;
    spec.mutable_resources()->set_backend("auto");
    spec.mutable_resources()->set_threads(1);
    ASSERT_OK(Write("UPDATE job SET numerics_class_pb = ? WHERE job_id = 'job2'",
                    AsBlob{numerics.SerializeAsString()}));
    ASSERT_OK(Write("UPDATE run SET run_spec_pb = ?", AsBlob{spec.SerializeAsString()}));
    ASSERT_OK(Migrate(*db_, Migrations(), Path("backup"), absl::FromUnixSeconds(2)));
  }

  template <typename... Values>
  absl::Status Write(std::string_view sql, const Values&... values) {
    SHOAL_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*db_));
    SHOAL_RETURN_IF_ERROR(db_->Run(sql, values...));
    return transaction.Commit();
  }

  std::optional<std::string> Reusable(const std::string& digest, const std::string& backend,
                                      int threads = 1, const std::string& options = "") {
    v1::RunSpec spec;
    spec.mutable_resources()->set_backend(backend);
    spec.mutable_resources()->set_threads(threads);
    spec.mutable_resources()->set_backend_options(options);
    absl::StatusOr<std::optional<std::string>> found = FindReusable(*db_, digest, spec);
    EXPECT_OK(found);
    return found.ok() ? *found : std::nullopt;
  }

  std::unique_ptr<Database> db_;
};

TEST_F(SweepRowsTest, AnOldSweepsRunsAreItsMembers) {
  ASSERT_OK_AND_ASSIGN(const std::vector<SweepMember> members, LoadMembers(*db_, ""));
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].sweep_id, "sweep1");
  EXPECT_EQ(members[0].run_id, "run1");
  EXPECT_EQ(members[0].trial_index, 0);
  EXPECT_FALSE(members[0].reused);
  EXPECT_EQ(members[1].trial_index, 1);
  EXPECT_THAT(members[1].differing, ElementsAre("model.n_layers=2", "train.optimizer.lr=0.01"));
  int broken = -1;
  ASSERT_OK(db_->ForEach("SELECT count(*) FROM pragma_foreign_key_check",
                         [&](const Statement& row) { broken = static_cast<int>(row.Int(0)); }));
  EXPECT_EQ(broken, 0);
}

TEST_F(SweepRowsTest, AnOldRunIsReadWithWhatItDidNotKnow) {
  ASSERT_OK_AND_ASSIGN(const v1::Run run, LoadRun(*db_, "run2"));
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run.train_flops(), 0);
  EXPECT_EQ(run.memory_bytes(), 0);
  EXPECT_EQ(run.dataset(), "");
  EXPECT_EQ(run.numerics().backend(), "onednn");
  EXPECT_FALSE(run.reused());
}

TEST_F(SweepRowsTest, ARunMayBeInSeveralSweepsButAPlaceIsTakenOnce) {
  v1::Sweep sweep;
  sweep.set_sweep_id("sweep2");
  sweep.set_name("other");
  sweep.set_run_count(1);
  v1::SweepSpec spec;
  spec.set_repeats(3);
  {
    ASSERT_OK_AND_ASSIGN(Transaction transaction, Transaction::Begin(*db_));
    ASSERT_OK(InsertSweep(*db_, sweep, spec, v1::Submitter()));
    ASSERT_OK(InsertMember(*db_, {"sweep2", 0, "run2", {"seed=1"}, true}));
    EXPECT_THAT(InsertMember(*db_, {"sweep2", 0, "run1", {}, true}),
                StatusIs(absl::StatusCode::kAlreadyExists));
    EXPECT_THAT(InsertMember(*db_, {"sweep2", 1, "nobody", {}, true}),
                StatusIs(absl::StatusCode::kFailedPrecondition));
    ASSERT_OK(UpdateMember(*db_, {"sweep2", 0, "run2", {"seed=1", "model.d_model=64"}, true}));
    sweep.set_run_count(7);
    spec.set_repeats(9);
    ASSERT_OK(UpdateSweep(*db_, sweep, spec));
    ASSERT_OK(transaction.Commit());
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<SweepMember> members, LoadMembers(*db_, "sweep2"));
  ASSERT_EQ(members.size(), 1u);
  EXPECT_TRUE(members[0].reused);
  EXPECT_THAT(members[0].differing, ElementsAre("seed=1", "model.d_model=64"));
  ASSERT_OK_AND_ASSIGN(const v1::SweepSpec stored, LoadSweepSpec(*db_, "sweep2"));
  EXPECT_EQ(stored.repeats(), 9);
  EXPECT_THAT(LoadSweepSpec(*db_, "sweep3"), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const std::vector<v1::Sweep> sweeps, LoadSweeps(*db_));
  ASSERT_EQ(sweeps.size(), 2u);
  EXPECT_EQ(sweeps[0].run_count(), 7);
}

TEST_F(SweepRowsTest, OnlyARunThatSucceededAsAskedIsReused) {
  EXPECT_THAT(Reusable("digest2", "auto"), Optional(std::string("run2")));
  EXPECT_THAT(Reusable("digest2", "onednn"), Optional(std::string("run2")));
  EXPECT_EQ(Reusable("digest1", "auto"), std::nullopt) << "it failed";
  EXPECT_EQ(Reusable("digest3", "auto"), std::nullopt);
  EXPECT_EQ(Reusable("digest2", "reference"), std::nullopt);
  EXPECT_EQ(Reusable("digest2", "check:onednn"), std::nullopt);
  EXPECT_EQ(Reusable("digest2", "auto", 2), std::nullopt);
  EXPECT_EQ(Reusable("digest2", "auto", 1, "fail_at_step=3"), std::nullopt);
  v1::NumericsClass mock;
  mock.set_backend("mock");
  mock.set_dtype("f32");
  ASSERT_OK(Write("UPDATE job SET numerics_class_pb = ? WHERE job_id = 'job2'",
                  AsBlob{mock.SerializeAsString()}));
  EXPECT_EQ(Reusable("digest2", "auto"), std::nullopt) << "nobody asks for mock by accident";
  EXPECT_THAT(Reusable("digest2", "mock"), Optional(std::string("run2")));
}

}  // namespace
}  // namespace shoal::store
