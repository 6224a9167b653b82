// Ctrl-C while looking at a run: the looking ends, the run goes on.

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/machine.h"

namespace shoal::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Detach : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(lab_.Shoal({"up", "--slots", "1"}).exit.code, 0); }

  // Interrupts a command that shows the progress of the lab's one run, and expects that it lets go.
  void Interrupt(const std::vector<std::string>& command) {
    Machine client("client", command, lab_.data_dir());
    ASSERT_NO_FATAL_FAILURE(client.WaitFor("%  step "));
    const std::string name = Run().name();
    client.Interrupt();
    EXPECT_EQ(client.WaitForExit(), 0);
    EXPECT_THAT(client.Output(), AllOf(HasSubstr("detached; the work goes on"),
                                       HasSubstr("`shoal watch " + name + "` attaches again"),
                                       HasSubstr("`shoal cancel ")));
    ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(name, Run().step() + 100));
  }
  v1::Run Run() { return Members<v1::Run>(lab_.Json({"list"}), "runs").at(0); }

  LabDriver lab_;
};

TEST_F(Detach, LaunchAndWatchLetGoOfARunThatGoesOn) {
  std::vector<std::string> launch = {"launch", "tiny", "--follow"};
  for (const auto& settings : {TinySettings(), Sets({"train.steps=1000000", "train.log_every=20",
                                                     "evaluate.every=1000000"})}) {
    launch.insert(launch.end(), settings.begin(), settings.end());
  }
  ASSERT_NO_FATAL_FAILURE(Interrupt(launch));
  ASSERT_NO_FATAL_FAILURE(Interrupt({"watch", Run().name()}));
  EXPECT_EQ(Run().status(), v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(lab_.Shoal({"cancel", Run().name()}).exit.code, 0);
}

}  // namespace
}  // namespace shoal::e2e
