// SQLite's write-ahead log needs shared memory and locks that network file systems do not give; the
// data folder is refused there, with the remedy.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shoal {

// The name of the network file system that holds `path` ("nfs", "cifs", "fuse.sshfs" ...), or ""
// for a local one. A path that does not exist yet is judged by its nearest existing parent.
absl::StatusOr<std::string> NetworkFileSystemOf(const std::string& path);

// Errors: FailedPrecondition when `path` is on a network file system, saying which and what to do
// instead.
absl::Status CheckLocalFileSystem(const std::string& path);

namespace net_fs_internal {
// As above, for a given statfs magic number and the file system's type as /proc/self/mountinfo
// names it.
std::string Classify(uint64_t magic, const std::string& mount_type);
}  // namespace net_fs_internal

}  // namespace shoal
