#include "tests/e2e/machine.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gtest/gtest.h"
#include "tests/e2e/processes.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {

Machine::Machine(const std::string& name, const std::vector<std::string>& arguments,
                 const std::string& data_dir)
    : dir_(*TempDir::Make("", StrCat("shoal-", name, "-"))) {
  SubprocessOptions options;
  options.args = {BuildPath("bin/shoal"), "--data-dir", data_dir.empty() ? dir_.path() : data_dir};
  options.args.insert(options.args.end(), arguments.begin(), arguments.end());
  options.environment = {{"SHOAL_LAB", ""}};
  const int out = open(dir_.File("output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  options.descriptors = {{out, 1}, {out, 2}};
  options.new_process_group = true;
  absl::StatusOr<Subprocess> process = Subprocess::Start(options);
  close(out);
  EXPECT_OK(process);
  if (process.ok()) process_.emplace(*std::move(process));
}

Machine::~Machine() {
  if (process_.has_value() && !process_->Wait(absl::ZeroDuration()).has_value()) Stop();
  if (testing::Test::HasFailure()) std::fprintf(stderr, "---\n%s\n", Output().c_str());
}

std::string Machine::Output() const {
  return RealFileSystem().ReadFile(dir_.File("output")).value_or("");
}

void Machine::WaitFor(const std::string& text) {
  const SystemClock clock;
  const absl::Duration deadline = clock.Boottime() + kSafetyNet;
  while (Output().find(text) == std::string::npos) {
    ASSERT_LT(clock.Boottime(), deadline) << "waiting for: " << text;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

int Machine::WaitForExit() {
  const std::optional<ExitStatus> exit = process_->Wait(kSafetyNet);
  EXPECT_TRUE(exit.has_value());
  return exit.has_value() ? exit->code : -1;
}

void Machine::Stop() {
  EXPECT_OK(process_->Kill(SIGTERM));
  EXPECT_TRUE(process_->Wait(kSafetyNet).has_value());
}

void Machine::Interrupt() { EXPECT_OK(process_->Kill(SIGINT)); }

void Machine::LosePower() {
  const std::vector<pid_t> runners = ChildrenNamed(process_->pid(), "shoal-runner");
  EXPECT_OK(process_->Kill(SIGKILL));
  process_->Wait(kSafetyNet);
  for (const pid_t runner : runners) KillNow(runner);
}

std::unique_ptr<Machine> StartCoordinator(const std::string& listen) {
  auto machine = std::make_unique<Machine>(
      "coordinator", std::vector<std::string>{"coordinator", "--listen", listen, "--lease", "2s"});
  machine->WaitFor("shoal worker --join");
  return machine;
}

std::unique_ptr<Machine> StartWorker(const Machine& coordinator, const std::string& name) {
  return std::make_unique<Machine>(
      name, std::vector<std::string>{"worker", "--join", coordinator.JoinFile(), "--name", name,
                                     "--slots", "1"});
}

std::unique_ptr<Machine> StartWorkerBeside(const LabDriver& lab, const std::string& name) {
  return std::make_unique<Machine>(
      name, std::vector<std::string>{"worker", "--connect",
                                     StrCat("unix:", lab.data_dir(), "/run/lab.sock"), "--name",
                                     name, "--slots", "1"});
}

std::string AddressOf(const Machine& coordinator) {
  const std::string text = *RealFileSystem().ReadFile(coordinator.JoinFile());
  const size_t at = text.find("address: \"") + 10;
  return text.substr(at, text.find('"', at) - at);
}

}  // namespace shoal::e2e
