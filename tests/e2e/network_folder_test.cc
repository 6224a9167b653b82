// A data folder on a network file system is refused. The file system is one that the test itself
// serves: empty, but mounted as sshfs would be. Needs the right to mount.

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Answers what the kernel asks of an empty folder, until it is unmounted.
class EmptyFuse {
 public:
  // Empty when it may not be mounted here.
  static std::unique_ptr<EmptyFuse> Mount(const std::string& path, const char* type) {
    const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) return nullptr;
    const std::string options = StrCat("fd=", device, ",rootmode=40000,user_id=0,group_id=0");
    if (mount("nobody:/", path.c_str(), type, MS_NODEV | MS_NOSUID, options.c_str()) != 0) {
      close(device);
      return nullptr;
    }
    return std::unique_ptr<EmptyFuse>(new EmptyFuse(device, path));
  }
  ~EmptyFuse() {
    umount2(path_.c_str(), MNT_DETACH);  // reading the device ends then
    server_.join();
    close(device_);
  }

  // How often somebody wanted to make a file or folder in it.
  int made() const { return made_; }

 private:
  EmptyFuse(int device, std::string path)
      : device_(device), path_(std::move(path)), server_([this] { Serve(); }) {}

  void Serve() {
    alignas(fuse_in_header) std::array<char, FUSE_MIN_READ_BUFFER + 4096> request;
    while (true) {
      const ssize_t size = read(device_, request.data(), request.size());
      if (size < 0 && (errno == EINTR || errno == ENOENT)) continue;
      if (size < static_cast<ssize_t>(sizeof(fuse_in_header))) return;
      fuse_in_header header;
      std::memcpy(&header, request.data(), sizeof header);
      Answer(header);
    }
  }
  void Answer(const fuse_in_header& request) {
    switch (request.opcode) {
      case FUSE_INIT: {
        fuse_init_out out = {};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = FUSE_KERNEL_MINOR_VERSION;
        out.max_write = 4096;
        return Reply(request, 0, &out, sizeof out);
      }
      case FUSE_GETATTR: {
        fuse_attr_out out = {};
        out.attr.ino = FUSE_ROOT_ID;
        out.attr.mode = S_IFDIR | 0755;
        out.attr.nlink = 2;
        return Reply(request, 0, &out, sizeof out);
      }
      case FUSE_STATFS: {
        fuse_statfs_out out = {};
        out.st.namelen = 255;
        return Reply(request, 0, &out, sizeof out);
      }
      case FUSE_MKDIR:
      case FUSE_MKNOD:
      case FUSE_CREATE:
        ++made_;
        return Reply(request, EROFS, nullptr, 0);
      case FUSE_LOOKUP:
        return Reply(request, ENOENT, nullptr, 0);
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
        return;  // wants no answer
      default:
        return Reply(request, ENOSYS, nullptr, 0);
    }
  }
  void Reply(const fuse_in_header& request, int error, const void* body, size_t size) {
    fuse_out_header header = {};
    header.len = static_cast<uint32_t>(sizeof header + size);
    header.error = -error;
    header.unique = request.unique;
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    if (size > 0) bytes.append(static_cast<const char*>(body), size);
    // The kernel may have given up on it.
    [[maybe_unused]] const ssize_t written = write(device_, bytes.data(), bytes.size());
  }

  const int device_;
  const std::string path_;
  std::atomic<int> made_ = 0;
  std::thread server_;
};

TEST(NetworkFolder, IsRefusedAndNothingIsMadeInIt) {
  const TempDir dir = *TempDir::Make("", "shoal-network-");
  const auto mounted = EmptyFuse::Mount(dir.path(), "fuse.sshfs");
  if (mounted == nullptr) GTEST_SKIP() << "cannot mount a file system here";
  LabDriver lab;
  const std::string folder = dir.path() + "/lab";
  for (const char* command : {"up", "coordinator", "list"}) {
    const CapturedRun refused = lab.Shoal({"--data-dir", folder, command});
    EXPECT_EQ(refused.exit.code, 5) << command << ": " << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("is on a network file system (fuse.sshfs)"),
                                   HasSubstr("choose a data folder on a local disk")))
        << command;
  }
  EXPECT_EQ(mounted->made(), 0);
}

TEST(NetworkFolder, ALocalFuseFileSystemIsNotTakenForOne) {
  const TempDir dir = *TempDir::Make("", "shoal-network-");
  const auto mounted = EmptyFuse::Mount(dir.path(), "fuse.ntfs-3g");
  if (mounted == nullptr) GTEST_SKIP() << "cannot mount a file system here";
  LabDriver lab;
  const CapturedRun tried = lab.Shoal({"--data-dir", dir.path() + "/lab", "list"});
  EXPECT_EQ(tried.exit.code, 5) << "nothing can be made in it";
  EXPECT_GT(mounted->made(), 0);
  EXPECT_THAT(tried.err, testing::Not(HasSubstr("network file system")));
}

}  // namespace
}  // namespace shoal::e2e
