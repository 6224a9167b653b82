#include "worker/engine/backend/loader.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "core/base/file.h"
#include "core/base/install_paths.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/backend/check_backend.h"

namespace shoal::engine {
namespace {

constexpr std::string_view kCheckPrefix = "check:";
constexpr std::string_view kLibrarySuffix = ".so";

// The sanitizer that this program was built with; a backend built otherwise would crash it.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::string_view kSanitizer = "address";
#elif defined(__SANITIZE_THREAD__)
constexpr std::string_view kSanitizer = "thread";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr std::string_view kSanitizer = "address";
#elif __has_feature(thread_sanitizer)
constexpr std::string_view kSanitizer = "thread";
#else
constexpr std::string_view kSanitizer = "";
#endif
#else
constexpr std::string_view kSanitizer = "";
#endif

absl::Status CheckName(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= 64 &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("'", name, "' is not a backend's name: letters, digits and '_' are"));
}

absl::Status CheckTable(const shoal_backend& table, const std::string& path) {
  if (table.abi_major != SHOAL_ABI_MAJOR) {
    return absl::FailedPreconditionError(
        StrCat(path, " speaks backend ABI ", table.abi_major, ", this program ", SHOAL_ABI_MAJOR));
  }
  if (table.struct_size < sizeof(shoal_backend)) {
    return absl::FailedPreconditionError(StrCat(path, " has a table of ", table.struct_size,
                                                " bytes, expected at least ",
                                                sizeof(shoal_backend)));
  }
  const std::string_view sanitizer = table.sanitizer == nullptr ? "" : table.sanitizer;
  if (sanitizer != kSanitizer) {
    return absl::FailedPreconditionError(StrCat(path, " was built with sanitizer '", sanitizer,
                                                "', this program with '", kSanitizer, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<const shoal_backend*> LoadTable(std::string_view name) {
  SHOAL_RETURN_IF_ERROR(CheckName(name));
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  const std::string path = paths.Backend(name);
  if (!RealFileSystem().Exists(path)) {
    return absl::NotFoundError(StrCat("backend '", name, "' is not installed (", path,
                                      "); installed are: ", StrJoin(InstalledBackends(), ", ")));
  }
  // Never closed: a backend's threads and generated code may outlive any use.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return absl::FailedPreconditionError(StrCat("loading backend '", name, "': ", dlerror()));
  }
  using GetTable = const shoal_backend* (*)();
  const auto get = reinterpret_cast<GetTable>(dlsym(library, "shoal_backend_get"));
  if (get == nullptr || get() == nullptr) {
    return absl::FailedPreconditionError(StrCat(path, " does not export shoal_backend_get"));
  }
  SHOAL_RETURN_IF_ERROR(CheckTable(*get(), path));
  return get();
}

v1::BackendInfo Describe(const std::string& name) {
  v1::BackendInfo info;
  info.set_name(name);
  const absl::StatusOr<const shoal_backend*> table = LoadTable(name);
  if (!table.ok()) {
    info.set_reason(std::string(table.status().message()));
    return info;
  }
  info.set_version((*table)->version == nullptr ? "" : (*table)->version);
  shoal_capabilities found{};
  found.struct_size = sizeof(found);
  shoal_status status{};
  status.code = (*table)->probe(&found, &status);
  if (status.code != 0) {
    info.set_reason(std::string(StatusFromCode(status, name).message()));
    return info;
  }
  info.set_available(true);
  info.set_device_name(found.device_name);
  info.set_isa(found.isa);
  info.set_device_count(found.device_count);
  info.set_supports_bf16(found.supports_bf16 != 0);
  info.set_memory_bytes(found.memory_bytes);
  info.set_numerics_version(found.numerics_version);
  return info;
}

}  // namespace

absl::StatusOr<Backend> LoadBackend(std::string_view name) {
  std::string_view tested = name;
  const bool check = tested.starts_with(kCheckPrefix);
  if (check) tested.remove_prefix(kCheckPrefix.size());
  SHOAL_ASSIGN_OR_RETURN(const shoal_backend* table, LoadTable(tested));
  return Backend{check ? CheckBackend() : table, table, std::string(name)};
}

std::vector<std::string> InstalledBackends() {
  std::vector<std::string> names;
  const absl::StatusOr<InstallPaths> paths = InstallPaths::OfThisProgram();
  if (!paths.ok()) return names;
  const absl::StatusOr<std::vector<std::string>> files = RealFileSystem().ListDir(paths->backends);
  if (!files.ok()) return names;
  for (std::string_view file : *files) {
    if (!file.ends_with(kLibrarySuffix)) continue;
    file.remove_suffix(kLibrarySuffix.size());
    if (CheckName(file).ok()) names.emplace_back(file);
  }
  return names;
}

std::vector<v1::BackendInfo> ProbeBackends() {
  std::vector<v1::BackendInfo> found;
  for (const std::string& name : InstalledBackends()) found.push_back(Describe(name));
  return found;
}

absl::StatusOr<std::string> ResolveAutoBackend(const std::vector<v1::BackendInfo>& backends) {
  static constexpr std::array<std::string_view, 3> kFastestFirst = {"cuda", "onednn", "reference"};
  for (std::string_view name : kFastestFirst) {
    for (const v1::BackendInfo& backend : backends) {
      if (backend.name() == name && backend.available()) return std::string(name);
    }
  }
  return absl::UnavailableError("no compute backend is available on this machine");
}

}  // namespace shoal::engine
