// How commands end: exit codes, and what is said when something is wrong.

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string ErrorCode(const Struct& reply) {
  const auto error = reply.fields().find("error");
  if (error == reply.fields().end()) return "no error";
  return error->second.struct_value().fields().at("code").string_value();
}

TEST(Outcomes, HelpAndVersionNeedNoLab) {
  LabDriver lab;
  EXPECT_EQ(lab.Shoal({"--help"}).exit.code, 0);
  EXPECT_THAT(lab.Shoal({"--version"}).out, HasSubstr("shoal "));
  EXPECT_THAT(lab.Shoal({"launch", "--help"}).out, HasSubstr("--follow"));
  EXPECT_EQ(lab.Shoal({}).exit.code, 2);
  EXPECT_EQ(lab.Shoal({"lunch"}).exit.code, 2);
  EXPECT_EQ(lab.Shoal({"list", "--sideways"}).exit.code, 2);
  EXPECT_EQ(lab.UpPid(), 0);
  EXPECT_THAT(lab.Shoal({"down"}).out, HasSubstr("no lab was running"));
  EXPECT_FALSE(lab.Json({"down"}).fields().at("was_running").bool_value());
}

TEST(Outcomes, AnInvalidSpecIsRefusedWithThePlaceOfEachMistake) {
  LabDriver lab;
  RealFileSystem files;
  const std::string path = lab.data_dir() + "/bad.yaml";
  ASSERT_OK(files.WriteFileAtomic(path,
                                  "name: bad\n"
                                  "data: {persona: pebble}\n"
                                  "model:\n"
                                  "  n_layerz: 2\n"
                                  "  d_model: wide\n"
                                  "train: {steps: -1}\n"));
  const CapturedRun bad = lab.Shoal({"launch", path});
  EXPECT_EQ(bad.exit.code, 2);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("bad.yaml:4:3: "), HasSubstr("n_layerz"),
                             HasSubstr("bad.yaml:5:12: "), HasSubstr("wide"),
                             HasSubstr("bad.yaml:6:16: "), HasSubstr("-1")));
  EXPECT_EQ(ErrorCode(lab.Json({"launch", path}, 2)), "INVALID_ARGUMENT");

  const CapturedRun set = lab.Shoal({"launch", "tiny", "--set", "model.n_layerz=2"});
  EXPECT_EQ(set.exit.code, 2);
  EXPECT_THAT(set.err, HasSubstr("model.n_layerz"));
  const CapturedRun both =
      lab.Shoal({"launch", "tiny", "--set", "model.d_model=131", "--set", "train.steps=abc"});
  EXPECT_EQ(both.exit.code, 2);
  EXPECT_THAT(both.err, AllOf(HasSubstr("train.steps"), HasSubstr("must divide d_model (131)")));
  const CapturedRun value = lab.Shoal({"launch", "tiny", "--set", "model.d_model=33"});
  EXPECT_EQ(value.exit.code, 2);  // 33 is no multiple of four heads
  EXPECT_THAT(value.err, HasSubstr("33"));
  const CapturedRun recipe = lab.Shoal({"launch", "tinny"});
  EXPECT_EQ(recipe.exit.code, 2);
  EXPECT_THAT(recipe.err, AllOf(HasSubstr("tinny"), HasSubstr("tiny")));
  EXPECT_EQ(lab.UpPid(), 0);  // a lab is not started for a spec that cannot run
}

TEST(Outcomes, ALabThatIsNotThereIsInfrastructure) {
  LabDriver lab;
  const std::string nobody = StrCat("unix:", lab.data_dir(), "/nobody.sock");
  const CapturedRun away = lab.Shoal({"--lab", nobody, "list"});
  EXPECT_EQ(away.exit.code, 4);
  EXPECT_THAT(away.err, HasSubstr(nobody));
  EXPECT_EQ(ErrorCode(lab.Json({"--lab", nobody, "show", "last"}, 4)), "UNAVAILABLE");
  EXPECT_EQ(lab.Shoal({"--lab", nobody, "doctor"}).exit.code, 4);
}

TEST(Outcomes, ALabThatCannotStartSaysWhy) {
  LabDriver lab;
  RealFileSystem files;
  ASSERT_OK(files.WriteFileAtomic(lab.data_dir() + "/file", "in the way"));
  const CapturedRun blocked = lab.Shoal({"--data-dir", lab.data_dir() + "/file", "list"});
  EXPECT_NE(blocked.exit.code, 0);
  EXPECT_THAT(blocked.err, HasSubstr(lab.data_dir() + "/file"));
  ASSERT_OK(files.MakeDirs(lab.data_dir() + "/broken"));
  ASSERT_OK(files.WriteFileAtomic(lab.data_dir() + "/broken/shoal.db", std::string(8192, 'x')));
  const CapturedRun broken = lab.Shoal({"--data-dir", lab.data_dir() + "/broken", "list"});
  EXPECT_EQ(broken.exit.code, 4);
  EXPECT_THAT(broken.err, AllOf(HasSubstr("shoal.db"), HasSubstr("damaged"), HasSubstr("restore")));
}

TEST(Outcomes, UnknownRunsAreAMistakeOfTheAsker) {
  LabDriver lab;
  for (const char* command : {"show", "plot", "logs", "wait", "watch", "cancel", "generate"}) {
    std::vector<std::string> arguments = {command, "nobody"};
    if (arguments[0] == "generate") arguments.insert(arguments.end(), {"-p", "Hi"});
    const CapturedRun unknown = lab.Shoal(arguments);
    EXPECT_EQ(unknown.exit.code, 2) << command << ": " << unknown.err;
    EXPECT_THAT(unknown.err, HasSubstr("nobody")) << command;
  }
  EXPECT_EQ(ErrorCode(lab.Json({"show", "nobody"}, 2)), "NOT_FOUND");
  EXPECT_EQ(lab.Shoal({"show"}).exit.code, 2);  // `last` of none
  EXPECT_EQ(lab.Shoal({"list"}).exit.code, 0);
}

TEST(Outcomes, ANanFailsTheRunAtOnce) {
  LabDriver lab;
  const v1::Run failed = lab.Launch(
      {"--follow", "--set", "resources.backend=mock", "--set", "resources.backend_options=nan@10"},
      3);
  EXPECT_EQ(failed.status(), v1::RUN_STATUS_FAILED);
  EXPECT_THAT(failed.status_reason(), HasSubstr("10"));
  const v1::RunDetail detail = lab.Show(failed.run_id());
  ASSERT_EQ(detail.attempts_size(), 1);  // it would happen again
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_FAILED);
  EXPECT_EQ(detail.attempts(0).failure_class(), v1::FAILURE_CLASS_NOT_FINITE);
  EXPECT_EQ(lab.Shoal({"wait", failed.run_id()}).exit.code, 3);
  EXPECT_THAT(lab.Shoal({"list"}).out, AllOf(HasSubstr("FAILED"), HasSubstr("10")));
  const CapturedRun text = lab.Shoal({"watch", failed.run_id()});
  EXPECT_EQ(text.exit.code, 3);
  EXPECT_THAT(text.out, HasSubstr("FAILED"));
  const CapturedRun talk = lab.Shoal({"generate", failed.run_id(), "-p", "Hi"});
  EXPECT_EQ(talk.exit.code, 5) << talk.err << talk.out;  // there is nothing to talk to
}

TEST(Outcomes, ACrashIsTriedAgainFromTheLastCheckpoint) {
  LabDriver lab;
  const std::string mark = lab.data_dir() + "/crashed";
  const v1::Run run = lab.Launch({"--follow", "--set", "resources.backend=mock", "--set",
                                  "resources.backend_options=segv@25; once=" + mark});
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED);
  const v1::RunDetail detail = lab.Show(run.run_id());
  ASSERT_EQ(detail.attempts_size(), 2);
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_FAILED);
  EXPECT_EQ(detail.attempts(0).failure_class(), v1::FAILURE_CLASS_BACKEND_CRASH);
  EXPECT_THAT(detail.attempts(0).message(), HasSubstr("SIGSEGV"));
  EXPECT_EQ(detail.attempts(1).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_EQ(detail.attempts(1).resumed_from_step(), 20);
  const auto points = lab.Curve(run.run_id(), "train/loss");
  ASSERT_EQ(points.size(), 8u);
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].step(), static_cast<int64_t>(5 * (i + 1)));
  }
}

TEST(Outcomes, CancelEndsARunAndFreesItsSlot) {
  LabDriver lab;
  EXPECT_EQ(lab.Shoal({"up", "--slots", "1"}).exit.code, 0);
  const v1::Run endless = lab.Launch({"--set", "train.steps=100000000", "--name", "endless"});
  const v1::Run waiting = lab.Launch({"--set", "train.steps=100000000", "--name", "waiting"});
  lab.WaitForStep("endless", 1);
  EXPECT_EQ(lab.Shoal({"wait", "endless", "--timeout", "10ms"}).exit.code, 4);
  EXPECT_EQ(lab.Show("waiting").run().status(), v1::RUN_STATUS_QUEUED);
  EXPECT_THAT(lab.Show("waiting").run().status_reason(), HasSubstr("1 of 1 in use"));
  EXPECT_THAT(lab.Shoal({"list"}).out, HasSubstr("1 of 1 in use"));
  const CapturedRun cancel = lab.Shoal({"cancel", "endless", "waiting", "--reason", "enough"});
  EXPECT_EQ(cancel.exit.code, 0) << cancel.err;
  EXPECT_THAT(cancel.out, AllOf(HasSubstr("endless"), HasSubstr("waiting")));
  const Struct ended = lab.Json({"wait", "endless", "waiting"}, 3);
  for (const char* name : {"endless", "waiting"}) {
    EXPECT_EQ(lab.Show(name).run().status(), v1::RUN_STATUS_CANCELLED) << name;
  }
  EXPECT_THAT(lab.Shoal({"cancel", "endless"}).out, HasSubstr("had ended before"));
  EXPECT_EQ(lab.Launch({"--follow", "--name", "next"}).status(), v1::RUN_STATUS_SUCCEEDED);
}

}  // namespace
}  // namespace shoal::e2e
