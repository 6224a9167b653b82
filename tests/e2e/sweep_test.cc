// A sweep: three runs on two slots, compared at the end.

#include <algorithm>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

int64_t Micros(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1000000 + time.nanos() / 1000;
}

TEST(Sweep, ThreeRunsShareTwoSlotsAndAreCompared) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--slots", "2"}).exit.code, 0);
  std::vector<std::string> arguments = {
      "sweep", "tiny", "--name", "depth", "--vary", "model.n_layers=1,2,3", "--follow"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  arguments.insert(arguments.end(), {"--set", "train.steps=100"});
  const Struct reply = lab.Json(arguments);
  const std::vector<v1::Run> runs = Members<v1::Run>(reply, "runs");
  ASSERT_EQ(runs.size(), 3u);
  const std::string sweep_id = reply.fields().at("sweep_id").string_value();
  for (int i = 0; i < 3; ++i) {
    const v1::Run& run = runs[static_cast<size_t>(i)];
    EXPECT_EQ(run.name(), StrCat("tiny-L", i + 1));
    EXPECT_EQ(run.sweep_id(), sweep_id);
    EXPECT_EQ(run.trial_index(), i);
    EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
    EXPECT_EQ(run.total_steps(), 100);  // --set holds for all of them
    EXPECT_THAT(run.differing(), ElementsAre(StrCat("model.n_layers=", i + 1)));
    if (i == 0) continue;
    EXPECT_GT(run.parameters(), runs[static_cast<size_t>(i - 1)].parameters());
  }
  const CapturedRun table = lab.Shoal({"show", "depth"});
  EXPECT_EQ(table.exit.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("DIFFERS IN"), HasSubstr("model.n_layers=2"),
                               HasSubstr("tiny-L3"), HasSubstr("BITS/BYTE")));
  const CapturedRun plot = lab.Shoal({"plot", "depth"});
  EXPECT_THAT(plot.out, AllOf(HasSubstr("━o tiny-L1"), HasSubstr("━+ tiny-L3")));
  EXPECT_EQ(lab.Json({"list", "--sweep", "depth"}).fields().at("total").number_value(), 3);
  EXPECT_THAT(lab.Shoal({"list", "sweeps"}).out,
              AllOf(HasSubstr("depth"), HasSubstr("model.n_layers"), HasSubstr("3 SUCCEEDED")));
  const Struct answers = lab.Json({"generate", "depth", "-p", "Hello!", "--max-tokens", "4"});
  EXPECT_EQ(answers.fields().at("answers").list_value().values_size(), 3);
  const Struct two =
      lab.Json({"generate", "tiny-L1", "tiny-L3", "-p", "Hello!", "--max-tokens", "4"});
  EXPECT_EQ(two.fields().at("answers").list_value().values_size(), 2);
}

TEST(Sweep, SlotsAreNeverGivenTwice) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--slots", "2"}).exit.code, 0);
  std::vector<std::string> arguments = {"sweep", "tiny", "--vary", "seed=1,2,3,4", "--follow"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  std::vector<std::pair<int64_t, int>> changes;  // time, +1 for a lease and -1 for its end
  for (const v1::Run& run : Members<v1::Run>(lab.Json(arguments), "runs")) {
    const v1::RunDetail detail = lab.Show(run.run_id());
    ASSERT_EQ(detail.attempts_size(), 1);
    changes.emplace_back(Micros(detail.attempts(0).leased_at()), 1);
    changes.emplace_back(Micros(detail.attempts(0).finished_at()), -1);
  }
  ASSERT_EQ(changes.size(), 8u);
  std::sort(changes.begin(), changes.end());  // an end before a lease of the same time
  int used = 0, most = 0;
  for (const auto& [time, change] : changes) most = std::max(most, used += change);
  EXPECT_EQ(most, 2);
}

TEST(Sweep, MistakesAreFoundBeforeAnythingIsSubmitted) {
  LabDriver lab;
  const CapturedRun nothing = lab.Shoal({"sweep", "tiny"});
  EXPECT_EQ(nothing.exit.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--vary"));
  const CapturedRun unknown = lab.Shoal({"sweep", "tiny", "--vary", "model.layers=1,2"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("model.layers"));
  const CapturedRun wrong = lab.Shoal({"sweep", "tiny", "--vary", "model.n_layers=1,deep"});
  EXPECT_EQ(wrong.exit.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("deep"));
  const CapturedRun one_bad = lab.Shoal({"sweep", "tiny", "--vary", "model.n_heads=4,5"});
  EXPECT_EQ(one_bad.exit.code, 2);  // 128 is no multiple of 5
  EXPECT_EQ(lab.UpPid(), 0);
}

TEST(Sweep, WhoWatchesOrListsItIsToldWhichRunsAreReused) {
  LabDriver lab;
  ASSERT_EQ(lab.Shoal({"up", "--slots", "1"}).exit.code, 0);
  const auto sweep = [&](const std::string& name, const std::string& seeds) {
    std::vector<std::string> arguments = {"sweep",  "tiny",          "--name",  name,
                                          "--vary", "seed=" + seeds, "--follow"};
    for (const std::string& setting : TinySettings()) arguments.push_back(setting);
    for (const std::string& setting : Sets({"resources.backend=mock"}))
      arguments.push_back(setting);
    return Members<v1::Run>(lab.Json(arguments), "runs");
  };
  ASSERT_EQ(sweep("first", "1,2").size(), 2u);
  const auto dry_run = [&](std::vector<std::string> arguments) {
    for (const std::string& setting : TinySettings()) arguments.push_back(setting);
    for (const std::string& setting : Sets({"resources.backend=mock"}))
      arguments.push_back(setting);
    return lab.Shoal(arguments);
  };
  const CapturedRun plan = dry_run({"sweep", "tiny", "--vary", "seed=2,3", "--dry-run"});
  EXPECT_EQ(plan.exit.code, 0) << plan.err;
  EXPECT_THAT(plan.err, HasSubstr("measuring some steps of tiny-s"));
  EXPECT_THAT(plan.out, AllOf(testing::ContainsRegex("tiny-s2 .* tiny-s2\n"),
                              Not(testing::ContainsRegex("tiny-s3 .* tiny-s")),
                              HasSubstr("1 of them would be reused")));
  EXPECT_THAT(dry_run({"sweep", "tiny", "--vary", "seed=2,3", "--dry-run", "--no-reuse"}).out,
              Not(HasSubstr("reused")));
  EXPECT_THAT(dry_run({"launch", "tiny", "--set", "seed=1", "--dry-run"}).out,
              HasSubstr("# tiny-s1 has trained this already and would be reused"));
  const CapturedRun json = dry_run({"launch", "tiny", "--set", "seed=1", "--dry-run", "--json"});
  EXPECT_THAT(json.out, HasSubstr("\"reuses\":\"tiny-s1\""));
  EXPECT_THAT(json.err, Not(HasSubstr("measuring")));
  const std::vector<v1::Run> second = sweep("second", "2,3");
  ASSERT_EQ(second.size(), 2u);
  const std::vector<v1::Run> watched = Members<v1::Run>(lab.Json({"watch", "second"}), "runs");
  ASSERT_EQ(watched.size(), 2u);
  EXPECT_TRUE(watched[0].reused());
  EXPECT_FALSE(watched[1].reused());
  EXPECT_EQ(watched[0].name(), second[0].name());
  const CapturedRun watch = lab.Shoal({"watch", "second"});
  EXPECT_EQ(watch.exit.code, 0) << watch.err;
  EXPECT_THAT(watch.out, testing::ContainsRegex(second[0].name() + " +SUCCEEDED .* reused\n"));
  EXPECT_THAT(watch.out, testing::ContainsRegex(second[1].name() + " +SUCCEEDED .* in "));
  EXPECT_THAT(lab.Shoal({"list", "--sweep", "second"}).out,
              testing::ContainsRegex(second[0].name() + " .*\\(reused\\)"));
  for (const v1::Run& run : Members<v1::Run>(lab.Json({"watch", "first"}), "runs"))
    EXPECT_FALSE(run.reused()) << run.name();  // its own
}

}  // namespace
}  // namespace shoal::e2e
