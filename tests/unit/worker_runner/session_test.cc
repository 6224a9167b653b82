// The runner program, spoken to over its socket.
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "core/base/subprocess.h"
#include "core/spec/run_schedule.h"
#include "tests/support/paths.h"
#include "tests/unit/worker_runner/runner_fixture.h"
#include "worker/frames/frame_channel.h"

namespace shoal::runner {
namespace {

class SessionTest : public RunnerTest {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    socket_ = ends[0];
    SubprocessOptions options;
    options.args = {BuildPath("bin/shoal-runner")};
    options.descriptors = {{ends[1], 3}};
    absl::StatusOr<Subprocess> process = Subprocess::Start(options);
    close(ends[1]);
    ASSERT_OK(process);
    process_.emplace(*std::move(process));
    channel_.emplace(socket_);
    ASSERT_TRUE(Next().has_hello());
  }
  void TearDown() override { HangUp(); }
  void HangUp() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }

  v1::AgentFrame Next() {
    v1::AgentFrame frame;
    EXPECT_THAT(channel_->Receive(frame), IsOkAndHolds(true));
    return frame;
  }
  void Start(const v1::AttemptOrder& order) {
    v1::RunnerFrame frame;
    *frame.mutable_start() = order;
    ASSERT_OK(channel_->Send(frame));
  }
  // Reads until Finished; counts what came.
  v1::Finished AwaitFinished() {
    while (true) {
      v1::AgentFrame frame;
      const absl::StatusOr<bool> received = channel_->Receive(frame);
      EXPECT_THAT(received, IsOkAndHolds(true));
      if (!received.ok() || !*received) return {};
      if (frame.has_finished()) return frame.finished();
      frames_.push_back(frame);
    }
  }
  void ExpectCleanExit() {
    const std::optional<ExitStatus> exit = process_->Wait(absl::Seconds(60));
    ASSERT_TRUE(exit.has_value());
    EXPECT_TRUE(exit->ok()) << exit->ToString();
  }
  void AwaitProgress(int64_t step) {
    while (true) {
      const v1::AgentFrame frame = Next();
      if (frame.progress().step() >= step || testing::Test::HasFailure()) return;
    }
  }

  int socket_ = -1;
  std::optional<Subprocess> process_;
  std::optional<frames::FrameChannel> channel_;
};

TEST_F(SessionTest, TrainsFinishesAndExits) {
  Start(Order(5, ""));
  const v1::Finished finished = AwaitFinished();
  EXPECT_EQ(finished.state(), v1::ATTEMPT_STATE_SUCCEEDED) << finished.message();
  EXPECT_EQ(finished.step(), 5);
  ExpectCleanExit();
  int checkpoints = 0;
  for (const v1::AgentFrame& frame : frames_) checkpoints += frame.has_checkpoint_saved() ? 1 : 0;
  EXPECT_EQ(checkpoints, 2);
}

// What estimates count is what a run does.
TEST_F(SessionTest, EvaluatesSamplesAndSavesAsOftenAsCounted) {
  v1::AttemptOrder order = Order(7, "");
  order.mutable_spec()->mutable_train()->set_log_every(2);
  order.mutable_spec()->mutable_evaluate()->set_every(3);
  order.mutable_spec()->mutable_checkpoint()->set_every(1);
  order.mutable_spec()->mutable_samples()->add_prompts("wave");
  order.mutable_spec()->mutable_samples()->add_prompts("sea");
  order.mutable_spec()->mutable_samples()->set_max_tokens(2);
  Start(order);
  const v1::Finished finished = AwaitFinished();
  ASSERT_EQ(finished.state(), v1::ATTEMPT_STATE_SUCCEEDED) << finished.message();
  spec::RunEvents done;
  int64_t samples = 0;
  for (const v1::AgentFrame& frame : frames_) {
    samples += frame.has_sample() ? 1 : 0;
    for (const v1::SeriesPoints& series : frame.metrics().series())
      if (series.series() == "held_out/loss") done.evaluations += series.points_size();
    if (!frame.has_checkpoint_saved()) continue;
    ++(frame.checkpoint_saved().kind() == v1::CHECKPOINT_KIND_WEIGHTS ? done.weights
                                                                      : done.checkpoints);
  }
  const spec::RunEvents counted = spec::CountEvents(order.spec(), 2);
  EXPECT_EQ(counted.evaluations, 4);  // at 0, 3, 6 and 7
  EXPECT_EQ(counted.checkpoints, 4);  // at 2, 4, 6 and 7
  EXPECT_EQ(done.evaluations, counted.evaluations);
  EXPECT_EQ(done.checkpoints, counted.checkpoints);
  EXPECT_EQ(done.weights, counted.weights);
  EXPECT_EQ(samples, 2 * counted.sample_sets);
}

TEST_F(SessionTest, EndsWhenTheAgentIsGone) {
  Start(Order(1000000, "step_ms=5"));
  AwaitProgress(2);
  HangUp();
  EXPECT_TRUE(process_->Wait(absl::Seconds(60)).has_value());
}

TEST_F(SessionTest, AWarmRunnerEndsWithItsAgentToo) {
  HangUp();
  EXPECT_TRUE(process_->Wait(absl::Seconds(60)).has_value());
}

TEST_F(SessionTest, CancelsAtTheNextStep) {
  Start(Order(1000000, "step_ms=5"));
  AwaitProgress(2);
  v1::RunnerFrame cancel;
  cancel.mutable_cancel();
  ASSERT_OK(channel_->Send(cancel));
  EXPECT_EQ(AwaitFinished().state(), v1::ATTEMPT_STATE_CANCELLED);
}

TEST_F(SessionTest, PreemptionSavesFirst) {
  Start(Order(1000000, "step_ms=5"));
  AwaitProgress(2);
  v1::RunnerFrame preempt;
  preempt.mutable_preempt();
  ASSERT_OK(channel_->Send(preempt));
  const v1::Finished finished = AwaitFinished();
  EXPECT_EQ(finished.state(), v1::ATTEMPT_STATE_PREEMPTED);
  ASSERT_FALSE(frames_.empty());
  EXPECT_EQ(frames_.back().checkpoint_saved().step(), finished.step());
  EXPECT_TRUE(files_.Exists(frames_.back().checkpoint_saved().path()));
}

TEST_F(SessionTest, AWrongOrderFailsTheAttemptOnly) {
  v1::AttemptOrder order = Order(5, "no such word");
  Start(order);
  const v1::Finished finished = AwaitFinished();
  EXPECT_EQ(finished.state(), v1::ATTEMPT_STATE_FAILED);
  EXPECT_EQ(finished.failure_class(), v1::FAILURE_CLASS_INVALID_SPEC);
  ExpectCleanExit();
}

TEST_F(SessionTest, AnswersAProbe) {
  v1::RunnerFrame probe;
  probe.mutable_probe();
  ASSERT_OK(channel_->Send(probe));
  EXPECT_GT(Next().capabilities().backends_size(), 0);
}

}  // namespace
}  // namespace shoal::runner
