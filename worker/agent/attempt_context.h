// What all attempts of a worker share.
#pragma once

#include <functional>
#include <string>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "shoal/v1/runner.pb.h"
#include "worker/agent/agent.h"
#include "worker/agent/artifact_cache.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/cores.h"
#include "worker/agent/runner_process.h"

namespace shoal::agent {

// Who the coordinator takes us for.
struct Identity {
  std::string worker_id;
  std::string instance_id;
};

// Everything referred to outlives the attempts.
struct AttemptContext {
  const AgentOptions& options;
  const Clock& clock;
  FileSystem& files;
  CoordinatorClient& client;
  ArtifactCache& cache;
  RunnerPool& runners;
  const Cores& cores;
  const v1::Capabilities& capabilities;
  std::string attempts_folder;         // a folder per attempt lies here while it lasts
  std::string failed_folder;           // order and log of those that failed last
  std::function<Identity()> identity;  // thread-safe
  std::function<void()> changed;       // an attempt has ended; thread-safe, does not wait
};

}  // namespace shoal::agent
