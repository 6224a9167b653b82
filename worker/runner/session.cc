#include "worker/runner/session.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "core/base/build_info.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "worker/frames/frame_channel.h"
#include "worker/runner/job_io.h"
#include "worker/runner/probe.h"
#include "worker/runner/serve_job.h"
#include "worker/runner/train_job.h"

namespace shoal::runner {
namespace {

constexpr int kAgentGone = 70;

class ChannelSink final : public FrameSink {
 public:
  explicit ChannelSink(frames::FrameChannel& channel) : channel_(channel) {}
  void Send(const v1::AgentFrame& frame) override {
    const absl::Status status = channel_.Send(frame);
    if (status.ok()) return;
    if (absl::IsUnavailable(status))
      _exit(kAgentGone);  // nobody listens: whatever is computed would be lost
    LogError("frame not sent", {"status", status.ToString()});
  }

 private:
  frames::FrameChannel& channel_;
};

// Receives until the agent goes away, and with it the process.
void ReceiveOrders(frames::FrameChannel& channel, Orders& orders) {
  v1::RunnerFrame frame;
  while (true) {
    const absl::StatusOr<bool> received = channel.Receive(frame);
    if (!received.ok() || !*received) _exit(kAgentGone);
    switch (frame.frame_case()) {
      case v1::RunnerFrame::kCancel:
        orders.Cancel();
        break;
      case v1::RunnerFrame::kPreempt:
        orders.Preempt();
        break;
      case v1::RunnerFrame::kGenerate: {
        v1::GenerateRequest request = frame.generate();
        if (orders.PushRequest(std::move(request))) break;
        v1::AgentFrame refused;
        refused.mutable_response()->set_request_id(frame.generate().request_id());
        refused.mutable_response()->mutable_done()->set_finish_reason(
            "error: too many requests are waiting");
        if (!channel.Send(refused).ok()) _exit(kAgentGone);
        break;
      }
      case v1::RunnerFrame::kCancelGenerate:
        orders.CancelRequest(frame.cancel_generate().request_id());
        break;
      default:
        LogWarning("unexpected frame", {"case", static_cast<int>(frame.frame_case())});
    }
  }
}

v1::Finished RunJob(const v1::AttemptOrder& order, Orders& orders, Reporter& reporter,
                    const Clock& clock) {
  if (order.kind() == v1::JOB_KIND_TRAIN) return RunTrainJob(order, orders, reporter, clock);
  if (order.kind() == v1::JOB_KIND_SERVE) return RunServeJob(order, orders, reporter, clock);
  v1::Finished finished;
  finished.set_state(v1::ATTEMPT_STATE_FAILED);
  finished.set_failure_class(v1::FAILURE_CLASS_INVALID_SPEC);
  finished.set_message(
      StrCat("this runner does not know jobs of kind ", order.kind(), "; update the worker"));
  return finished;
}

}  // namespace

int RunSession(int descriptor, const Clock& clock) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  frames::FrameChannel channel(descriptor);
  ChannelSink sink(channel);
  v1::AgentFrame hello;
  hello.mutable_hello()->set_pid(getpid());
  hello.mutable_hello()->set_build_id(ThisBuild().ToString());
  sink.Send(hello);

  v1::RunnerFrame first;
  const absl::StatusOr<bool> received = channel.Receive(first);
  if (!received.ok() || !*received) return kAgentGone;
  if (first.has_probe()) {
    v1::AgentFrame answer;
    *answer.mutable_capabilities() = ProbeHere();
    sink.Send(answer);
    return 0;
  }
  if (!first.has_start()) {
    LogError("the first frame is neither start nor probe");
    return 2;
  }
  Orders orders;
  Reporter reporter(sink, clock);
  std::thread receiver([&channel, &orders] { ReceiveOrders(channel, orders); });
  receiver.detach();  // it blocks in read for as long as the process lives
  reporter.Finished(RunJob(first.start(), orders, reporter, clock));
  std::fflush(nullptr);
  _exit(0);  // the receiver still uses channel and orders: no destructor may run
}

}  // namespace shoal::runner
