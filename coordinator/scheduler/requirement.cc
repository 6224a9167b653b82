#include "coordinator/scheduler/requirement.h"

#include <array>
#include <string_view>

#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

constexpr std::array<std::string_view, 3> kAutomatic = {"cuda", "onednn", "reference"};
constexpr std::string_view kCheckPrefix = "check:";

const v1::BackendInfo* Find(const WorkerRecord& worker, std::string_view name) {
  for (const v1::BackendInfo& backend : worker.backends) {
    if (backend.name() == name) return &backend;
  }
  return nullptr;
}

const v1::BackendInfo* FindAvailable(const WorkerRecord& worker, std::string_view name) {
  const v1::BackendInfo* backend = Find(worker, name);
  return backend != nullptr && backend->available() ? backend : nullptr;
}

std::string_view WithoutCheck(std::string_view name) {
  if (name.starts_with(kCheckPrefix)) name.remove_prefix(kCheckPrefix.size());
  return name;
}

// The backend that `request` means on this worker; null when it is not available there.
const v1::BackendInfo* Resolve(const WorkerRecord& worker, std::string_view request) {
  if (request == "auto" || request.empty()) {
    for (const std::string_view name : kAutomatic) {
      if (const v1::BackendInfo* backend = FindAvailable(worker, name)) return backend;
    }
    return nullptr;
  }
  if (request.starts_with(kCheckPrefix) && FindAvailable(worker, "reference") == nullptr)
    return nullptr;
  return FindAvailable(worker, WithoutCheck(request));
}

// The request of a job's next attempt: what the class says once there is one.
const std::string& RequestOf(const JobRecord& job) {
  return job.numerics.has_value() ? job.numerics->backend() : job.needs.backend;
}
const std::string& FormatOf(const JobRecord& job) {
  return job.numerics.has_value() ? job.numerics->dtype() : job.needs.dtype;
}

// What differs between the job's class and what this worker would compute in; "" when it holds
// here.
std::string ClassDifference(const v1::NumericsClass& numerics, const WorkerRecord& worker,
                            const v1::BackendInfo& backend) {
  const v1::HostInfo& host = worker.host;
  if (numerics.numerics_version() != backend.numerics_version()) {
    return StrCat("numerics version ", backend.numerics_version(), " instead of ",
                  numerics.numerics_version());
  }
  if (numerics.isa() != backend.isa() && numerics.isa() != host.isa()) {
    return StrCat("instruction set ", host.isa(), " instead of ", numerics.isa());
  }
  if (numerics.l1d_bytes() != host.l1d_bytes() || numerics.l2_bytes() != host.l2_bytes() ||
      numerics.l3_bytes() != host.l3_bytes()) {
    return "other cache sizes";
  }
  return "";
}

int64_t MemoryOf(const WorkerRecord& worker) { return worker.host.memory_bytes(); }

}  // namespace

Lack LackOf(const JobRecord& job, const WorkerRecord& worker) {
  if (job.needs.slots > worker.slots) return Lack::kSlots;
  const bool too_large = job.needs.memory_bytes > 0 && MemoryOf(worker) > 0 &&
                         job.needs.memory_bytes > MemoryOf(worker);
  if (too_large || (job.memory_above_bytes > 0 && MemoryOf(worker) <= job.memory_above_bytes))
    return Lack::kMemory;
  const v1::BackendInfo* backend = Resolve(worker, RequestOf(job));
  if (backend == nullptr) return Lack::kBackend;
  if (FormatOf(job) == "bf16" && !backend->supports_bf16()) return Lack::kNumberFormat;
  if (job.numerics.has_value() && !ClassDifference(*job.numerics, worker, *backend).empty()) {
    return Lack::kNumericsClass;
  }
  return Lack::kNothing;
}

std::string LackText(const JobRecord& job, const WorkerRecord& worker) {
  constexpr int64_t kMib = int64_t{1} << 20;
  switch (LackOf(job, worker)) {
    case Lack::kNothing:
      return "";
    case Lack::kSlots:
      return StrCat(job.needs.slots, " slots needed, ", worker.name, " has ", worker.slots);
    case Lack::kMemory:
      if (job.memory_above_bytes >= MemoryOf(worker)) {
        return StrCat("more than ", job.memory_above_bytes / kMib,
                      " MiB of memory needed (it ran out there), ", worker.name, " has ",
                      MemoryOf(worker) / kMib);
      }
      return StrCat(job.needs.memory_bytes / kMib, " MiB of memory needed, ", worker.name, " has ",
                    MemoryOf(worker) / kMib);
    case Lack::kBackend: {
      const v1::BackendInfo* backend = Find(worker, WithoutCheck(RequestOf(job)));
      const std::string why = backend != nullptr && !backend->reason().empty()
                                  ? StrCat(" (", backend->reason(), ")")
                                  : "";
      return StrCat("backend ", RequestOf(job), " needed, ", worker.name, " does not have it", why);
    }
    case Lack::kNumberFormat:
      return StrCat("bf16 needed, ", worker.name, " does not have it");
    case Lack::kNumericsClass:
      return StrCat("the numerics class of its first attempt needed, ", worker.name, " has ",
                    ClassDifference(*job.numerics, worker, *Resolve(worker, RequestOf(job))));
  }
  return "";
}

int BackendRank(const JobRecord& job, const WorkerRecord& worker) {
  const v1::BackendInfo* backend = Resolve(worker, RequestOf(job));
  int rank = 0;
  for (const std::string_view name : kAutomatic) {
    if (backend != nullptr && backend->name() == name) return rank;
    ++rank;
  }
  return rank;
}

}  // namespace shoal::scheduler
