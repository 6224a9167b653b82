// Finds and loads compute backends: shared objects in the installation's own lib/shoal/backends.
//
// A name is letters, digits and '_', so a spec can never name a file elsewhere. A loaded backend
// stays for the life of the process. "check:NAME" is the backend that runs NAME and compares each
// of its operations with the reference (check_backend.h).
#ifndef SHOAL_WORKER_ENGINE_BACKEND_LOADER_H_
#define SHOAL_WORKER_ENGINE_BACKEND_LOADER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "plugins/abi/shoal_backend.h"
#include "shoal/v1/run.pb.h"

namespace shoal::engine {

// A loaded backend. A value; the table lives as long as the process.
struct Backend {
  const shoal_backend* table = nullptr;
  // The backend that does the work: the same table, or for "check:NAME" that of NAME. Its probe
  // describes the device.
  const shoal_backend* worker = nullptr;
  std::string name;  // as asked for
};

// Errors: NotFound (not installed; the message lists what is), InvalidArgument (not a backend's
// name), FailedPrecondition (another ABI version or sanitizer, a library it needs is missing).
absl::StatusOr<Backend> LoadBackend(std::string_view name);

// Names of the backends installed, sorted. Loads nothing.
std::vector<std::string> InstalledBackends();

// Loads every installed backend and asks it what is here. Absent hardware, or a backend that cannot
// be loaded, is an entry with available = false and a reason. Meant for a child process.
std::vector<v1::BackendInfo> ProbeBackends();

// What "auto" stands for on this machine: the first available of cuda, onednn, reference.
// Errors: Unavailable when none is.
absl::StatusOr<std::string> ResolveAutoBackend(const std::vector<v1::BackendInfo>& backends);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_BACKEND_LOADER_H_
