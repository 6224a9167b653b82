// shoal-runner: the computing half of a worker. The agent starts it; a person can too.
//
//   shoal-runner                        serves the agent on descriptor 3
//   shoal-runner --attempt FILE         runs an attempt by hand: FILE is an AttemptOrder as JSON
//   shoal-runner --attempt FILE --measure   trains for a moment and prints how long it takes
//   shoal-runner --bench FILE           measures: FILE is a BenchOrder as JSON; prints its report
//   shoal-runner --probe                prints what this machine can compute with, as JSON

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/base/build_info.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/spec/spec.h"
#include "google/protobuf/util/json_util.h"
#include "worker/runner/bench_infer.h"
#include "worker/runner/bench_train.h"
#include "worker/runner/job_io.h"
#include "worker/runner/probe.h"
#include "worker/runner/serve_job.h"
#include "worker/runner/session.h"
#include "worker/runner/train_job.h"

namespace shoal::runner {
namespace {

constexpr int kAgentDescriptor = 3;

Orders* orders_for_signal = nullptr;
void OnInterrupt(int) { orders_for_signal->Cancel(); }

// Prints what a job says, for a person.
class ConsoleSink final : public FrameSink {
 public:
  void Send(const v1::AgentFrame& frame) override {
    if (frame.has_log())
      std::fprintf(stderr, "%s: %s\n", frame.log().level().c_str(), frame.log().text().c_str());
    if (frame.has_sample()) {
      std::fprintf(stderr, "step %ld  %s\n    %s\n", static_cast<long>(frame.sample().step()),
                   frame.sample().prompt().c_str(), frame.sample().text().c_str());
    }
    if (frame.has_checkpoint_saved())
      std::fprintf(stderr, "saved %s\n", frame.checkpoint_saved().path().c_str());
    for (const v1::SeriesPoints& series : frame.metrics().series()) {
      const v1::MetricPoint& point = series.points(series.points_size() - 1);
      std::fprintf(stderr, "step %ld  %s %.6g\n", static_cast<long>(point.step()),
                   series.series().c_str(), point.value());
    }
  }
};

// Says nothing: measuring prints one JSON object only.
class SilentSink final : public FrameSink {
 public:
  void Send(const v1::AgentFrame&) override {}
};

// A message from a file of JSON.
template <typename Message>
absl::StatusOr<Message> ReadJson(const std::string& path) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const std::string json, files.ReadFile(path));
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  if (!status.ok()) {
    return absl::InvalidArgumentError(StrCat(path, ": not of the form of ",
                                             Message::descriptor()->name(), ": ",
                                             std::string(status.message())));
  }
  return message;
}

absl::StatusOr<v1::AttemptOrder> ReadOrder(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(v1::AttemptOrder order, ReadJson<v1::AttemptOrder>(path));
  spec::FillDefaults(*order.mutable_spec());
  return order;
}

// Prints a message as JSON.
absl::Status Print(const google::protobuf::Message& message) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(std::string(status.message()));
  std::printf("%s\n", json.c_str());
  return absl::OkStatus();
}

absl::Status Bench(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const auto order, ReadJson<v1::BenchOrder>(path));
  if (order.has_infer()) {
    SHOAL_ASSIGN_OR_RETURN(const auto report, RunBenchInfer(order.infer(), SystemClock()));
    return Print(report);
  }
  SHOAL_ASSIGN_OR_RETURN(const auto report, RunBenchTrain(order.train(), SystemClock()));
  return Print(report);
}

absl::Status Measure(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const v1::AttemptOrder order, ReadOrder(path));
  const SystemClock clock;
  SilentSink sink;
  Reporter reporter(sink, clock);
  SHOAL_ASSIGN_OR_RETURN(const std::string json, MeasureTrainJob(order, reporter, clock));
  std::printf("%s\n", json.c_str());
  return absl::OkStatus();
}

absl::Status RunByHand(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const v1::AttemptOrder order, ReadOrder(path));
  const SystemClock clock;
  ConsoleSink sink;
  Reporter reporter(sink, clock);
  Orders orders;
  orders_for_signal = &orders;
  std::signal(SIGINT, OnInterrupt);
  const v1::Finished finished = order.kind() == v1::JOB_KIND_SERVE
                                    ? RunServeJob(order, orders, reporter, clock)
                                    : RunTrainJob(order, orders, reporter, clock);
  std::fprintf(stderr, "%s at step %ld  %s\n", v1::AttemptState_Name(finished.state()).c_str(),
               static_cast<long>(finished.step()), finished.message().c_str());
  return finished.state() == v1::ATTEMPT_STATE_SUCCEEDED
             ? absl::OkStatus()
             : absl::UnknownError("the attempt did not succeed");
}

// Threads that wait for each other inside an operation spin for some microseconds and then sleep: a
// machine that is shared, or has more jobs than cores, must not burn its cores on waiting. The
// OpenMP library reads this when a backend brings it in.
void WaitBriefly() {
  setenv("OMP_WAIT_POLICY", "passive", 0);
  setenv("GOMP_SPINCOUNT", "20000", 0);
}

// Blocks above 128 KiB get pages of their own, which go back when the block is freed. By default
// the allocator stops doing so after the first such block, and what a backend takes for a moment
// (oneDNN: to make a primitive, to pack an operand) leaves holes in the heap between what stays:
// 20 MiB in a model of a million parameters.
void ReturnLargeBlocks() { mallopt(M_MMAP_THRESHOLD, 128 << 10); }

int Main(int argc, char** argv) {
  WaitBriefly();
  ReturnLargeBlocks();
  std::signal(SIGPIPE, SIG_IGN);
  const auto is = [&](int i, const char* text) {
    return i < argc && std::strcmp(argv[i], text) == 0;
  };
  if (argc == 1) return RunSession(kAgentDescriptor, SystemClock());
  absl::Status status;
  if (is(1, "--probe") && argc == 2) {
    status = Print(ProbeHere());
  } else if (is(1, "--attempt") && argc == 3) {
    status = RunByHand(argv[2]);
  } else if (is(1, "--attempt") && argc == 4 && is(3, "--measure")) {
    status = Measure(argv[2]);
  } else if (is(1, "--bench") && argc == 3) {
    status = Bench(argv[2]);
  } else if (is(1, "--version") && argc == 2) {
    std::printf("shoal-runner %s\n", ThisBuild().ToString().c_str());
  } else {
    std::fprintf(
        stderr,
        "usage: shoal-runner [--attempt FILE [--measure] | --bench FILE | --probe | --version]\n");
    return 2;
  }
  if (status.ok()) return 0;
  std::fprintf(stderr, "shoal-runner: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace shoal::runner

int main(int argc, char** argv) { return shoal::runner::Main(argc, argv); }
