#include "worker/agent/agent.h"

#include <optional>
#include <utility>

#include "core/base/build_info.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/ids.h"
#include "core/base/install_paths.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "worker/agent/artifact_cache.h"
#include "worker/agent/attempt_context.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/cores.h"
#include "worker/agent/runner_process.h"
#include "worker/agent/synchronizer.h"
#include "worker/agent/worker_lock.h"

namespace shoal::agent {
namespace {

constexpr int kProtocolVersion = 1;

v1::RegisterRequest RegistrationOf(const AgentOptions& options,
                                   const v1::Capabilities& capabilities, const Clock& clock) {
  v1::RegisterRequest request;
  request.set_worker_name(options.name);
  // Any name that no other process has had: an id's text without its meaning.
  request.set_instance_id(AttemptId::New(clock).str());
  *request.mutable_host() = capabilities.host();
  request.set_slots(options.slots);
  *request.mutable_backends() = capabilities.backends();
  request.set_build_id(ThisBuild().ToString());
  request.set_protocol_version(kProtocolVersion);
  return request;
}

absl::Status CheckOptions(const AgentOptions& options) {
  SHOAL_RETURN_IF_ERROR(join::Check(options.coordinator));
  if (options.name.empty()) return absl::InvalidArgumentError("a worker needs a name");
  if (options.worker_dir.empty()) return absl::InvalidArgumentError("a worker needs a folder");
  if (options.slots < 0)
    return absl::InvalidArgumentError(StrCat("slots must not be negative, is ", options.slots));
  return absl::OkStatus();
}

}  // namespace

// Destroyed from the last to the first.
struct Agent::Parts {
  explicit Parts(AgentOptions agent_options) : options(std::move(agent_options)) {}
  const Clock& clock() const { return options.clock != nullptr ? *options.clock : system_clock; }

  AgentOptions options;
  SystemClock system_clock;
  RealFileSystem files;
  std::optional<WorkerLock> lock;
  v1::Capabilities capabilities;
  std::optional<Cores> cores;
  std::unique_ptr<ArtifactCache> cache;
  std::unique_ptr<CoordinatorClient> client;
  std::unique_ptr<RunnerPool> runners;
  std::unique_ptr<Synchronizer> synchronizer;

  Mutex mutex;
  CondVar changed;
  bool stopping SHOAL_GUARDED_BY(mutex) = false;  // someone is in Stop
  bool ended SHOAL_GUARDED_BY(mutex) = false;
};

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(AgentOptions options) {
  SHOAL_RETURN_IF_ERROR(CheckOptions(options));
  if (options.runner_path.empty()) {
    SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
    options.runner_path = paths.Program("shoal-runner");
  }
  if (options.slots == 0) options.slots = ReadHostInfo().UsableCpus();
  auto parts = std::make_unique<Parts>(std::move(options));
  Parts& p = *parts;
  const std::string& folder = p.options.worker_dir;
  SHOAL_ASSIGN_OR_RETURN(WorkerLock lock, WorkerLock::Take(folder));
  p.lock.emplace(std::move(lock));
  if (!p.files.Exists(p.options.runner_path)) {
    return absl::NotFoundError(StrCat("there is no runner at ", p.options.runner_path));
  }
  const std::string runners = JoinPath(folder, "runners");
  SHOAL_RETURN_IF_ERROR(p.files.RemoveAll(runners));
  for (const std::string& path :
       {runners, JoinPath(folder, "attempts"), JoinPath(folder, "failed")}) {
    SHOAL_RETURN_IF_ERROR(p.files.MakeDirs(path, 0700));
  }
  absl::StatusOr<v1::Capabilities> capabilities =
      ProbeBackends(p.options.runner_path, JoinPath(runners, "probe.log"));
  if (!capabilities.ok()) {
    return absl::InternalError(StrCat("finding out what this machine can compute with: ",
                                      capabilities.status().message()));
  }
  p.capabilities = *std::move(capabilities);
  p.cores.emplace(Cores::OfThisProcess(Cores::DefaultFolder()));
  SHOAL_ASSIGN_OR_RETURN(
      p.cache, ArtifactCache::Open(p.files, JoinPath(folder, "cache"), p.options.cache_bytes));
  p.client = CoordinatorClient::Connect(p.options.coordinator);
  p.runners = std::make_unique<RunnerPool>(p.options.runner_path, runners);
  AttemptContext context{p.options,
                         p.clock(),
                         p.files,
                         *p.client,
                         *p.cache,
                         *p.runners,
                         *p.cores,
                         p.capabilities,
                         JoinPath(folder, "attempts"),
                         JoinPath(folder, "failed"),
                         {},
                         {}};
  p.synchronizer = std::make_unique<Synchronizer>(
      std::move(context), RegistrationOf(p.options, p.capabilities, p.clock()));
  p.synchronizer->Begin();
  LogInfo("worker is up", {"worker", p.options.name},
          {"coordinator", p.options.coordinator.ToString()}, {"slots", p.options.slots},
          {"folder", folder});
  return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

Agent::~Agent() { Stop(absl::ZeroDuration()); }

void Agent::Stop(absl::Duration grace) {
  Parts& p = *parts_;
  {
    MutexLock lock(p.mutex);
    while (p.stopping && !p.ended) p.changed.WaitFor(p.mutex, absl::Seconds(1));
    if (p.ended) return;
    p.stopping = true;
  }
  if (grace > absl::ZeroDuration() && p.synchronizer->ended().ok()) {
    LogInfo("worker is stopping", {"worker", p.options.name},
            {"grace", absl::FormatDuration(grace)});
    p.synchronizer->Drain("the worker is shutting down");
    if (!p.synchronizer->WaitUntilIdle(grace))
      LogWarning("runners are killed", {"after", absl::FormatDuration(grace)});
  }
  p.runners->Shutdown();
  p.client->Shutdown();
  p.synchronizer->Stop();
  LogInfo("worker ended", {"worker", p.options.name});
  MutexLock lock(p.mutex);
  p.ended = true;
  p.changed.SignalAll();
}

absl::Status Agent::why_ended() const { return parts_->synchronizer->ended(); }

bool Agent::WaitUntilEnded(absl::Duration timeout) {
  Parts& p = *parts_;
  if (!p.synchronizer->ended().ok()) Stop(absl::ZeroDuration());
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(p.mutex);
  while (!p.ended) {
    if (!p.changed.WaitUntil(p.mutex, deadline)) break;
  }
  return p.ended;
}

}  // namespace shoal::agent
