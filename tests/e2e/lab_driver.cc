#include "tests/e2e/lab_driver.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/e2e/processes.h"
#include "tests/support/paths.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

TempDir MakeDir() {
  absl::StatusOr<TempDir> dir = TempDir::Make("", "shoal-e2e-");
  if (!dir.ok()) {
    std::fprintf(stderr, "%s\n", dir.status().ToString().c_str());
    std::abort();
  }
  return *std::move(dir);
}

// Who holds the flock on `path`; 0 when nobody does.
pid_t LockHolder(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[32] = {};
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0;
  const ssize_t size = held ? pread(file, text, sizeof text - 1, 0) : 0;
  close(file);
  return size > 0 ? std::atoi(text) : 0;
}

std::string CommandLine(const std::vector<std::string>& arguments) {
  std::string line = "shoal";
  for (const std::string& argument : arguments) StrAppend(line, " ", argument);
  return line;
}

}  // namespace

std::vector<std::string> Sets(const std::vector<std::string>& settings) {
  std::vector<std::string> arguments;
  for (const std::string& setting : settings) {
    arguments.push_back("--set");
    arguments.push_back(setting);
  }
  return arguments;
}

std::vector<std::string> TinySettings() {
  return Sets({"data.conversations=400", "model.n_layers=1", "model.d_model=32", "model.n_heads=2",
               "tokenizer.vocab_size=400", "train.steps=40", "train.log_every=5",
               "train.schedule.warmup_steps=5", "evaluate.every=20", "checkpoint.every=10"});
}

LabDriver::LabDriver() : dir_(MakeDir()) {}

LabDriver::~LabDriver() {
  std::vector<pid_t> processes;
  if (const pid_t worker = WorkerPid(); worker > 0) {
    processes = ChildrenNamed(worker, "shoal-runner");
    processes.push_back(worker);
  }
  if (const pid_t up = UpPid(); up > 0) processes.push_back(up);
  if (testing::Test::HasFailure()) std::fprintf(stderr, "%s\n", LogTails().c_str());
  EXPECT_EQ(Shoal({"down"}).exit.code, 0);
  EXPECT_EQ(UpPid(), 0);
  EXPECT_EQ(WorkerPid(), 0);
  for (const pid_t pid : processes) {
    EXPECT_TRUE(WaitUntilGone(pid)) << "process " << pid << " outlived `shoal down`";
    KillNow(pid);
  }
}

CapturedRun LabDriver::Shoal(std::vector<std::string> arguments, std::string_view input) {
  const std::string line = CommandLine(arguments);
  SubprocessOptions options;
  options.args = std::move(arguments);
  options.args.insert(options.args.begin(), BuildPath("bin/shoal"));
  options.environment = {{"SHOAL_HOME", data_dir()}, {"SHOAL_LAB", ""}, {"COLUMNS", "160"}};
  int in = -1;
  if (!input.empty()) {
    const std::string path = dir_.File(StrCat("input-", ++inputs_));
    RealFileSystem files;
    EXPECT_TRUE(files.WriteFileAtomic(path, input).ok());
    in = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    options.descriptors = {{in, 0}};
  }
  absl::StatusOr<CapturedRun> run = RunAndCapture(std::move(options), kSafetyNet);
  if (in >= 0) close(in);
  if (!run.ok()) {
    ADD_FAILURE() << line << ": " << run.status();
    return {
        ExitStatus{
            .code = -1, .signal = 0, .core_dumped = false, .peak_memory_bytes = 0, .cpu_time = {}},
        "", ""};
  }
  EXPECT_EQ(run->exit.signal, 0) << line << ": " << run->exit.ToString() << "\n" << run->err;
  return *std::move(run);
}

Struct LabDriver::Json(std::vector<std::string> arguments, int expected_code) {
  arguments.push_back("--json");
  const std::string line = CommandLine(arguments);
  const CapturedRun run = Shoal(std::move(arguments));
  Struct reply;
  const auto parsed = google::protobuf::util::JsonStringToMessage(run.out, &reply);
  const auto schema = reply.fields().find("schema");
  EXPECT_TRUE(run.exit.code == expected_code && parsed.ok() &&
              run.out.find('\n') + 1 == run.out.size() && schema != reply.fields().end() &&
              schema->second.number_value() == 1)
      << line << ": " << run.exit.ToString() << ", expected code " << expected_code << "\n"
      << run.err << run.out << parsed;
  return reply;
}

v1::Run LabDriver::Launch(const std::vector<std::string>& arguments, int expected_code) {
  std::vector<std::string> all = {"launch", "tiny"};
  for (const std::string& setting : TinySettings()) all.push_back(setting);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return Member<v1::Run>(Json(std::move(all), expected_code), "run");
}

v1::RunDetail LabDriver::Show(const std::string& run) {
  const Struct reply = Json({"show", run});
  auto detail = Member<v1::RunDetail>(reply, "detail");
  EXPECT_FALSE(detail.has_run());  // it stands beside the detail
  ReadMember(reply, "run", detail.mutable_run());
  return detail;
}

std::vector<v1::MetricPoint> LabDriver::Curve(const std::string& run, const std::string& metric) {
  const Struct reply = Json({"plot", run, "--metric", metric});
  const auto curves = reply.fields().find("curves");
  if (curves == reply.fields().end() || curves->second.list_value().values_size() != 1) {
    ADD_FAILURE() << "expected one curve: " << reply.ShortDebugString();
    return {};
  }
  const auto series =
      Member<v1::SeriesPoints>(curves->second.list_value().values(0).struct_value(), "series");
  EXPECT_EQ(series.series(), metric);
  return {series.points().begin(), series.points().end()};
}

void LabDriver::WaitForStep(const std::string& run, int64_t step) {
  const SystemClock clock;
  const absl::Duration deadline = clock.Boottime() + kSafetyNet;
  while (clock.Boottime() < deadline && !testing::Test::HasFatalFailure()) {
    const v1::Run now = Show(run).run();
    if (now.status() != v1::RUN_STATUS_QUEUED && now.status() != v1::RUN_STATUS_RUNNING) {
      FAIL() << "the run ended before it was to be disturbed: " << now.ShortDebugString();
    }
    if (now.step() >= step) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  FAIL() << run << " does not come to step " << step << "\n" << LogTails();
}

void LabDriver::WaitForSuccess(const std::string& run) {
  const CapturedRun wait = Shoal({"wait", run});
  EXPECT_EQ(wait.exit.code, 0) << wait.out << wait.err;
  EXPECT_EQ(Show(run).run().status(), v1::RUN_STATUS_SUCCEEDED);
}

pid_t LabDriver::UpPid() const { return LockHolder(dir_.File("run/up.lock")); }
pid_t LabDriver::WorkerPid() const { return LockHolder(dir_.File("worker/worker.lock")); }

pid_t LabDriver::BusiestRunnerPid() const {
  pid_t busiest = 0;
  int64_t most = -1;
  for (const pid_t pid : ChildrenNamed(WorkerPid(), "shoal-runner")) {
    if (const int64_t ticks = CpuTicks(pid); ticks > most) {
      busiest = pid;
      most = ticks;
    }
  }
  return busiest;
}

std::string LabDriver::LogTails() const {
  RealFileSystem files;
  std::string out;
  for (const std::string name : {"log/up.log", "log/worker.log"}) {
    const absl::StatusOr<std::string> text = files.ReadFile(dir_.File(name));
    if (!text.ok()) continue;
    StrAppend(out, "--- the end of ", name, "\n",
              text->substr(text->size() - std::min<size_t>(text->size(), 4000)));
  }
  return out;
}

void ReadMember(const Struct& reply, const std::string& member,
                google::protobuf::Message* message) {
  const auto at = reply.fields().find(member);
  if (at == reply.fields().end()) {
    ADD_FAILURE() << "no '" << member << "' in " << reply.ShortDebugString();
    return;
  }
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(at->second, &json);
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, message);
  EXPECT_TRUE(printed.ok() && parsed.ok()) << member << ": " << parsed << "\n" << json;
}

}  // namespace shoal::e2e
