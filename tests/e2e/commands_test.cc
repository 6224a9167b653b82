// The commands that start a run and look at it.

#include <algorithm>
#include <cmath>

#include "core/base/strings.h"
#include "core/base/subprocess.h"
#include "gmock/gmock.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/trained_lab.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class CommandsTest : public TrainedLab {};

TEST_F(CommandsTest, LaunchTrainsToTheEnd) {
  EXPECT_EQ(run().name(), "tiny");
  EXPECT_EQ(run().status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(run().step(), 40);
  EXPECT_EQ(run().total_steps(), 40);
  EXPECT_GT(run().parameters(), 1000);
  EXPECT_FALSE(run().fingerprint().empty());
  for (const char* metric : {"train/loss", "train/lr", "train/grad_norm", "train/tokens",
                             "train/tokens_per_s", "held_out/loss", "held_out/bits_per_byte"}) {
    ASSERT_TRUE(run().metrics().contains(metric)) << metric;
    EXPECT_EQ(run().metrics().at(metric).not_finite(), 0) << metric;
    EXPECT_EQ(run().metrics().at(metric).last_step(), 40) << metric;
  }
  const v1::MetricSummary& loss = run().metrics().at("train/loss");
  EXPECT_EQ(loss.count(), 8);
  EXPECT_GT(loss.max(), 5);                  // log(400) = 5.99: it knew nothing
  EXPECT_LT(loss.last(), loss.max() - 0.3);  // and has learned
}

TEST_F(CommandsTest, TheSameLaunchGivesTheSameModelUnderANewName) {
  EXPECT_EQ(lab().Launch({"--follow"}).run_id(), run().run_id());  // it is there: reused
  const v1::Run again = lab().Launch({"--follow", "--no-reuse"});
  EXPECT_EQ(again.name(), "tiny.2");
  EXPECT_NE(again.run_id(), run().run_id());
  EXPECT_EQ(again.fingerprint(), run().fingerprint());
  const auto first = lab().Curve(run().run_id(), "train/loss");
  const auto second = lab().Curve(again.run_id(), "train/loss");
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].value(), second[i].value()) << i;
  const v1::Run other = lab().Launch({"--follow", "--set", "seed=7", "--name", "other"});
  EXPECT_EQ(other.name(), "other");
  EXPECT_NE(other.fingerprint(), run().fingerprint());
  EXPECT_NE(lab().Curve("other", "train/loss")[0].value(), first[0].value());
}

TEST_F(CommandsTest, TablesFitTheTerminal) {
  const auto at = [&](const std::string& columns, const std::string& command) {
    SubprocessOptions options;
    options.args = {BuildPath("bin/shoal"), command};
    options.environment = {
        {"SHOAL_HOME", lab().data_dir()}, {"SHOAL_LAB", ""}, {"COLUMNS", columns}};
    absl::StatusOr<CapturedRun> run = RunAndCapture(std::move(options), kSafetyNet);
    EXPECT_OK(run);
    return run.ok() ? run->out : "";
  };
  for (const char* command : {"list", "workers"}) {
    const std::string out = at("80", command);
    for (const std::string_view line : StrSplit(out, '\n'))
      EXPECT_LE(line.size(), 84U) << line;  // an ellipsis has three bytes
  }
  EXPECT_THAT(at("80", "list"), AllOf(HasSubstr("HELD-OUT"), Not(HasSubstr("NOTE"))));
  EXPECT_THAT(at("80", "workers"), AllOf(HasSubstr("LAST SEEN"), Not(HasSubstr("ISA"))));
  // Into a file or a pipe goes all of it.
  EXPECT_THAT(at("", "list"), AllOf(HasSubstr("CREATED"), HasSubstr("keeps a lighthouse")));
  EXPECT_THAT(at("", "workers"), HasSubstr("ISA"));
}

TEST_F(CommandsTest, ShowTellsWhatWasAskedForAndHowOldAnswersAre) {
  const std::string out = lab().Shoal({"show", "tiny"}).out;
  EXPECT_THAT(out, AllOf(HasSubstr("at step 40 of 40:"), HasSubstr("\nspec, as asked (the rest"),
                         HasSubstr("\ndata:\n  persona: pebble\n"), HasSubstr("\n  steps: 40\n"),
                         Not(HasSubstr("max_attempts"))));
  EXPECT_THAT(lab().Shoal({"show", "tiny", "--spec"}).out, HasSubstr("max_attempts"));
}

TEST_F(CommandsTest, ADryRunTellsWhatALaunchWillBe) {
  const double before = lab().Json({"list"}).fields().at("total").number_value();
  std::vector<std::string> arguments = {"launch", "tiny", "--dry-run"};
  for (const std::string& setting : TinySettings()) arguments.push_back(setting);
  const Struct plan = lab().Json(arguments);
  EXPECT_EQ(plan.fields().at("parameters").number_value(), static_cast<double>(run().parameters()));
  EXPECT_GT(plan.fields().at("training_flops").number_value(), 1e9);
  EXPECT_GT(plan.fields().at("estimated_memory_bytes").number_value(), 0);
  EXPECT_EQ(plan.fields().at("tokenizer_size").number_value(), 400);
  const auto spec = Member<v1::RunSpec>(plan, "spec");
  const v1::RunDetail detail = lab().Show(run().run_id());
  EXPECT_EQ(spec.SerializeAsString(), detail.spec().SerializeAsString());
  const auto& bindings = plan.fields().at("bindings").list_value();
  ASSERT_EQ(bindings.values_size(), detail.bindings_size());
  for (int i = 0; i < detail.bindings_size(); ++i) {
    EXPECT_EQ(bindings.values(i).struct_value().fields().at("sha256").string_value(),
              detail.bindings(i).sha256());
  }
  EXPECT_EQ(lab().Json({"list"}).fields().at("total").number_value(), before);  // nothing submitted

  const CapturedRun text = lab().Shoal(arguments);
  EXPECT_EQ(text.exit.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("warmup_steps: 5"), HasSubstr(" parameters, "),
                              HasSubstr("training examples")));
}

TEST_F(CommandsTest, ListShowsRunsWorkersAndSweeps) {
  const CapturedRun runs = lab().Shoal({"list"});
  EXPECT_EQ(runs.exit.code, 0) << runs.err;
  EXPECT_THAT(runs.out, AllOf(HasSubstr("RUN "), HasSubstr("tiny"), HasSubstr("SUCCEEDED"),
                              HasSubstr("40/40"), Not(HasSubstr("\x1b"))));
  const CapturedRun failed = lab().Shoal({"list", "--status", "failed"});
  EXPECT_EQ(failed.exit.code, 0);
  EXPECT_THAT(failed.out, Not(HasSubstr("40/40")));
  EXPECT_EQ(lab().Shoal({"list", "--status", "sideways"}).exit.code, 2);
  EXPECT_THAT(lab().Shoal({"list", "workers"}).out, AllOf(HasSubstr("local"), HasSubstr("READY")));
  const Struct workers = lab().Json({"list", "workers"});
  EXPECT_EQ(workers.fields().at("workers").list_value().values_size(), 1);
  EXPECT_EQ(lab().Shoal({"list", "sweeps"}).exit.code, 0);
}

TEST_F(CommandsTest, ShowTellsEverythingAboutARun) {
  const v1::RunDetail detail = lab().Show(run().name());
  EXPECT_EQ(detail.run().run_id(), run().run_id());
  EXPECT_EQ(detail.spec().model().d_model(), 32);
  ASSERT_EQ(detail.attempts_size(), 1);
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_EQ(detail.attempts(0).worker_name(), "local");
  EXPECT_FALSE(detail.numerics().backend().empty());
  EXPECT_FALSE(detail.samples().empty());
  int weights = 0;
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    if (checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS && checkpoint.step() == 40) ++weights;
  }
  EXPECT_EQ(weights, 1);

  const CapturedRun text = lab().Shoal({"show", run().run_id(), "--spec"});
  EXPECT_EQ(text.exit.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("SUCCEEDED"), HasSubstr(run().fingerprint()),
                              HasSubstr("held_out/loss"), HasSubstr("d_model: 32"),
                              HasSubstr("Hello Pebble!")));
}

TEST_F(CommandsTest, PlotDrawsACurve) {
  const CapturedRun text = lab().Shoal({"plot", run().run_id(), "--metric", "held_out/loss"});
  EXPECT_EQ(text.exit.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("held_out/loss"), HasSubstr(" ┤"), HasSubstr("━━ tiny")));
  const auto points = lab().Curve(run().run_id(), "train/loss");
  ASSERT_EQ(points.size(), 8u);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].step(), static_cast<int64_t>(5 * (i + 1)));
  }
  EXPECT_EQ(points.back().value(), run().metrics().at("train/loss").last());
  const CapturedRun none = lab().Shoal({"plot", run().run_id(), "--metric", "train/lose"});
  EXPECT_EQ(none.exit.code, 2);
  EXPECT_THAT(none.err, AllOf(HasSubstr("train/lose"), HasSubstr("train/loss")));
}

TEST_F(CommandsTest, LogsAreKept) {
  const CapturedRun text = lab().Shoal({"logs", run().run_id()});
  EXPECT_EQ(text.exit.code, 0) << text.err;
  EXPECT_THAT(text.out, ContainsRegex("[0-9:]+  1  info   .*parameters"));
  const CapturedRun followed = lab().Shoal({"logs", "-f", run().run_id()});  // ends: the run has
  EXPECT_EQ(followed.out, text.out);
  EXPECT_EQ(lab().Shoal({"logs", run().run_id(), "--attempt", "1"}).out, text.out);
  const CapturedRun absent = lab().Shoal({"logs", run().run_id(), "--attempt", "7"});
  EXPECT_EQ(absent.exit.code, 2);
  EXPECT_THAT(absent.err, HasSubstr("has no attempt 7; it has 1"));
  const CapturedRun lines = lab().Shoal({"logs", run().run_id(), "--json"});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'),
            std::count(text.out.begin(), text.out.end(), '\n'));
  EXPECT_TRUE(lines.out.starts_with("{\"schema\":1,\"attempt_number\":1,")) << lines.out;
}

TEST_F(CommandsTest, UsageErrorsNameWhatWasWrong) {
  const CapturedRun command = lab().Shoal({"lauch", "tiny"});
  EXPECT_EQ(command.exit.code, 2);
  EXPECT_EQ(command.out, "");
  EXPECT_EQ(command.err, "shoal: no command is called 'lauch'; did you mean `shoal launch`?\n");
  const Struct reply = lab().Json({"generate", "--temperature", "99"}, 2);
  const Struct& error = reply.fields().at("error").struct_value();
  EXPECT_EQ(error.fields().at("code").string_value(), "INVALID_ARGUMENT");
  EXPECT_THAT(error.fields().at("message").string_value(),
              AllOf(HasSubstr("--temperature"), HasSubstr("99")));
}

TEST_F(CommandsTest, WaitAndWatchEndWithTheRun) {
  EXPECT_EQ(lab().Shoal({"wait", run().run_id()}).exit.code, 0);
  EXPECT_THAT(lab().Shoal({"watch", run().run_id()}).out, HasSubstr("SUCCEEDED  step 40/40"));
  const Struct reply = lab().Json({"wait", run().run_id(), "--timeout", "1h"});
  EXPECT_EQ(reply.fields().at("runs").list_value().values_size(), 1);
  EXPECT_EQ(lab().Shoal({"wait", run().run_id(), "--timeout", "soon"}).exit.code, 2);
}

TEST_F(CommandsTest, DoctorFindsTheBuildAndTheLabWell) {
  const CapturedRun text = lab().Shoal({"doctor"});
  EXPECT_EQ(text.exit.code, 0) << text.out << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("backend onednn"), HasSubstr("backend reference"),
                              HasSubstr("1 ready"), Not(HasSubstr("BAD"))));
  const Struct reply = lab().Json({"doctor"});
  for (const auto& finding : reply.fields().at("findings").list_value().values()) {
    EXPECT_NE(finding.struct_value().fields().at("verdict").string_value(), "BAD");
  }
}

TEST_F(CommandsTest, FieldsAreExplained) {
  const CapturedRun one = lab().Shoal({"fields", "train.optimizer.lr"});
  EXPECT_EQ(one.exit.code, 0);
  EXPECT_THAT(one.out, AllOf(HasSubstr("train.optimizer.lr"), HasSubstr("peak learning rate")));
  EXPECT_GT(lab().Json({"fields"}).fields().at("fields").list_value().values_size(), 40);
  const CapturedRun unknown = lab().Shoal({"fields", "train.optimiser"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, AllOf(HasSubstr("optimiser"), HasSubstr("optimizer")));
}

TEST_F(CommandsTest, UpFindsTheLabThatRuns) {
  const pid_t up = lab().UpPid();
  EXPECT_GT(up, 0);
  EXPECT_THAT(lab().Shoal({"up"}).out, AllOf(HasSubstr(lab().data_dir()), HasSubstr("1 worker")));
  EXPECT_EQ(lab().UpPid(), up);
  EXPECT_EQ(lab().Shoal({"up", "--lease", "soon"}).exit.code, 2);
  const CapturedRun slots = lab().Shoal({"up", "--slots", "777"});
  EXPECT_EQ(slots.exit.code, 5);
  EXPECT_THAT(slots.err, HasSubstr("the lab runs already, with "));
  const CapturedRun lease = lab().Shoal({"up", "--lease", "70s"});
  EXPECT_EQ(lease.exit.code, 0) << lease.err;
  EXPECT_THAT(lease.err, HasSubstr("`shoal up --lease 1m10s`"));
}

TEST(Bench, TrainsAndEndsWithItsFigures) {
  LabDriver lab;
  const Struct reply = lab.Json({"bench", "train", "--model", "tiny", "--batch", "2", "--seq", "8",
                                 "--steps", "3", "--threads", "1", "--dtype", "f32"});
  const Struct& bench = reply.fields().at("bench").struct_value();
  EXPECT_EQ(bench.fields().at("model").string_value(), "tiny");
  EXPECT_EQ(bench.fields().at("steps").number_value(), 3);
  for (const char* figure : {"tokens_per_s", "step_ms", "useful_gflops", "rss_mib"}) {
    EXPECT_GT(bench.fields().at(figure).number_value(), 0) << figure;
  }
  EXPECT_EQ(lab.UpPid(), 0);  // no lab is needed

  const CapturedRun table = lab.Shoal(
      {"bench", "train", "--model", "tiny", "--steps", "2", "--threads", "1", "--profile"});
  EXPECT_THAT(table.out,
              AllOf(HasSubstr("tokens/s"), HasSubstr("blocks.*.ffn.up"), HasSubstr("roofline")));
  const CapturedRun longer = lab.Shoal({"bench", "train", "--model", "tiny", "--seq", "500"});
  EXPECT_EQ(longer.exit.code, 2);
  EXPECT_THAT(longer.err, HasSubstr("max_seq"));
  EXPECT_EQ(lab.Shoal({"bench", "train", "--model", "gpt5"}).exit.code, 2);
  const CapturedRun nothing = lab.Shoal({"bench", "train", "--data", lab.data_dir()});
  EXPECT_EQ(nothing.exit.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("tokenizer.json"));
}

TEST(Bench, AnswersAndLabels) {
  LabDriver lab;
  const Struct answers = lab.Json({"bench", "infer", "--model", "tiny", "--prompt", "8", "--decode",
                                   "4", "--repeats", "3", "--dtype", "f32"});
  for (const char* figure : {"decode_tokens_per_s", "prefill_tokens_per_s", "ttft_ms"}) {
    EXPECT_GT(answers.fields().at("bench").struct_value().fields().at(figure).number_value(), 0);
  }
  const CapturedRun labels = lab.Shoal(
      {"bench", "infer", "--model", "bert1", "--prompt", "8", "--repeats", "2", "--dtype", "f32"});
  EXPECT_THAT(labels.out, HasSubstr("ms for the label of a text of 8 tokens"));
  const CapturedRun longer = lab.Shoal({"bench", "infer", "--model", "tiny", "--prompt", "500"});
  EXPECT_EQ(longer.exit.code, 2);
  EXPECT_THAT(longer.err, HasSubstr("max_seq"));
}

}  // namespace
}  // namespace shoal::e2e
