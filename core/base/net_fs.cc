#include "core/base/net_fs.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <cerrno>
#include <fstream>
#include <string_view>
#include <vector>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal {
namespace net_fs_internal {

std::string Classify(uint64_t magic, const std::string& mount_type) {
  struct Known {
    uint64_t magic;
    const char* name;
  };
  // From linux/magic.h and the file systems' own sources.
  constexpr Known kKnown[] = {{0x6969, "nfs"},         {0x517B, "smb"},      {0xFF534D42, "cifs"},
                              {0xFE534D42, "smb2"},    {0x5346414F, "afs"},  {0x6B414653, "afs"},
                              {0x73757245, "coda"},    {0x564C, "ncp"},      {0x00C36400, "ceph"},
                              {0x0BD00BD0, "lustre"},  {0x47504653, "gpfs"}, {0x19830326, "beegfs"},
                              {0x7461636F, "ocfs2"},   {0x01161970, "gfs2"}, {0xAAD7AAEA, "panfs"},
                              {0x20030528, "orangefs"}};
  for (const Known& known : kKnown) {
    if (known.magic == magic) return known.name;
  }
  // FUSE tells only by its subtype whether a network is behind it; 9p is local under most virtual
  // machines.
  constexpr const char* kFuse[] = {
      "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs",  "fuse.rclone",      "fuse.cephfs",
      "fuse.ceph",  "fuse.gcsfuse",   "fuse.davfs", "fuse.mount_davfs", "fuse.moosefs"};
  for (const char* name : kFuse) {
    if (mount_type == name) return name;
  }
  return "";
}

}  // namespace net_fs_internal

namespace {

// The type of the mount that holds a file of device `device`, "" when unknown. A line of mountinfo:
//   36 35 98:0 /root /mnt rw,noatime shared:1 - fuse.sshfs host:/ rw
std::string MountTypeOf(dev_t device) {
  const std::string wanted = StrCat(major(device), ":", minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const std::vector<std::string_view> fields = StrSplit(line, ' ');
    if (fields.size() < 3 || fields[2] != wanted) continue;
    for (size_t i = 3; i + 1 < fields.size(); ++i) {
      if (fields[i] == "-") return std::string(fields[i + 1]);
    }
  }
  return "";
}

}  // namespace

absl::StatusOr<std::string> NetworkFileSystemOf(const std::string& path) {
  std::string existing = path;
  struct stat info {};
  while (stat(existing.c_str(), &info) != 0) {
    const std::string parent = DirName(existing);
    if (errno != ENOENT || parent == existing)
      return ErrnoStatus(errno, StrCat("looking at ", existing));
    existing = parent;
  }
  struct statfs system {};
  if (statfs(existing.c_str(), &system) != 0) {
    return ErrnoStatus(errno, StrCat("looking at the file system of ", existing));
  }
  return net_fs_internal::Classify(static_cast<uint32_t>(system.f_type), MountTypeOf(info.st_dev));
}

absl::Status CheckLocalFileSystem(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const std::string name, NetworkFileSystemOf(path));
  if (name.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat(
      path, " is on a network file system (", name,
      "), where the database's locks cannot be relied on; choose a data folder on a local disk"));
}

}  // namespace shoal
