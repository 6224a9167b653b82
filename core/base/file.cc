#include "core/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal {
namespace {

// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Closes now, to see what close() says (a network file system may report a full disk only here).
  absl::Status Close(const std::string& path) {
    const int fd = std::exchange(fd_, -1);
    return close(fd) == 0 ? absl::OkStatus() : ErrnoStatus(errno, StrCat("closing ", path));
  }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path, int64_t* written) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, StrCat("writing ", path));
    bytes.remove_prefix(static_cast<size_t>(count));
    *written += count;
  }
  return absl::OkStatus();
}

absl::Status SyncDir(const std::string& path) {
  Descriptor dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.valid()) return ErrnoStatus(errno, StrCat("opening folder ", path));
  // Some file systems cannot sync a folder and say EINVAL; there is nothing better to do there.
  if (fsync(dir.get()) != 0 && errno != EINVAL)
    return ErrnoStatus(errno, StrCat("syncing folder ", path));
  return absl::OkStatus();
}

std::string TemporaryName(const std::string& path) {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random)
    random = static_cast<uint64_t>(getpid());
  return StrCat(path, ".tmp-", absl::Hex(random, absl::kZeroPad16));
}

absl::StatusOr<std::string> ReadFrom(const std::string& path, int64_t offset, int64_t limit) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, StrCat("opening ", path));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return ErrnoStatus(errno, StrCat("looking at ", path));
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, StrCat("reading ", path));
  // Files of /proc and pipes say 0: read on until the end, whatever the size was.
  std::string contents;
  const bool whole = limit < 0;
  size_t used = 0;
  const int64_t expected = std::max<int64_t>(info.st_size - offset, 0);
  contents.resize(static_cast<size_t>(whole ? expected + 1 : std::min(limit, expected)));
  while (true) {
    if (used == contents.size()) {
      if (!whole) break;
      contents.resize(contents.size() * 2 + 4096);
    }
    char* const to = contents.data() + used;
    const size_t room = contents.size() - used;
    const ssize_t count = offset == 0 && whole
                              ? read(file.get(), to, room)
                              : pread(file.get(), to, room, offset + static_cast<int64_t>(used));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, StrCat("reading ", path));
    if (count == 0) break;
    used += static_cast<size_t>(count);
  }
  contents.resize(used);
  return contents;
}

// Writes to a temporary file with `write(descriptor)`, syncs, and renames it to `path`.
template <typename Write>
absl::Status ReplaceAtomically(const std::string& path, const Write& write_contents) {
  const std::string temporary = TemporaryName(path);
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file.valid()) return ErrnoStatus(errno, StrCat("creating ", temporary));
  absl::Cleanup remove = [&temporary] { unlink(temporary.c_str()); };
  SHOAL_RETURN_IF_ERROR(write_contents(file.get(), temporary));
  if (fsync(file.get()) != 0) return ErrnoStatus(errno, StrCat("syncing ", temporary));
  SHOAL_RETURN_IF_ERROR(file.Close(temporary));
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, StrCat("renaming ", temporary, " to ", path));
  }
  std::move(remove).Cancel();
  return SyncDir(DirName(path));
}

class RealAppendFile final : public AppendFile {
 public:
  RealAppendFile(std::string path, int fd, int64_t size)
      : path_(std::move(path)), file_(fd), size_(size) {}

  absl::Status Append(std::string_view bytes) override {
    return WriteAll(file_.get(), bytes, path_, &size_);
  }
  absl::Status Sync() override {
    if (fdatasync(file_.get()) != 0) return ErrnoStatus(errno, StrCat("syncing ", path_));
    return absl::OkStatus();
  }
  int64_t size() const override { return size_; }

 private:
  const std::string path_;
  Descriptor file_;
  int64_t size_;
};

}  // namespace

absl::StatusOr<std::string> RealFileSystem::ReadFile(const std::string& path) {
  return ReadFrom(path, 0, -1);
}

absl::StatusOr<std::string> RealFileSystem::ReadRange(const std::string& path, int64_t offset,
                                                      int64_t size) {
  if (offset < 0 || size < 0) {
    return absl::InvalidArgumentError(StrCat("reading ", size, " bytes at ", offset, " of ", path));
  }
  return ReadFrom(path, offset, size);
}

absl::Status RealFileSystem::WriteFileAtomic(const std::string& path, std::string_view contents) {
  return ReplaceAtomically(path, [contents](int fd, const std::string& temporary) {
    int64_t written = 0;
    return WriteAll(fd, contents, temporary, &written);
  });
}

absl::StatusOr<std::unique_ptr<AppendFile>> RealFileSystem::OpenAppend(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    const int error = errno;
    close(fd);
    return ErrnoStatus(error, StrCat("looking at ", path));
  }
  return std::make_unique<RealAppendFile>(path, fd, info.st_size);
}

absl::Status RealFileSystem::MakeDirs(const std::string& path, uint32_t mode) {
  if (path.empty() || path == "/" || path == ".") return absl::OkStatus();
  if (mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
  if (errno == ENOENT) {
    SHOAL_RETURN_IF_ERROR(MakeDirs(DirName(path), mode));
    if (mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
  }
  const int error = errno;
  struct stat info {};
  if (error == EEXIST && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return absl::OkStatus();
  return ErrnoStatus(error, StrCat("creating folder ", path));
}

absl::StatusOr<std::vector<std::string>> RealFileSystem::ListDir(const std::string& path) {
  DIR* const dir = opendir(path.c_str());
  if (dir == nullptr) return ErrnoStatus(errno, StrCat("opening folder ", path));
  absl::Cleanup close_dir = [dir] { closedir(dir); };
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return ErrnoStatus(errno, StrCat("listing folder ", path));
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<int64_t> RealFileSystem::FileSize(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, StrCat("looking at ", path));
  if (!S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(StrCat(path, " is not a regular file"));
  return info.st_size;
}

bool RealFileSystem::Exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

absl::Status RealFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    return ErrnoStatus(errno, StrCat("renaming ", from, " to ", to));
  return SyncDir(DirName(to));
}

absl::Status RealFileSystem::RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("removing ", path));
}

absl::Status RealFileSystem::RemoveAll(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return ErrnoStatus(error.value(), StrCat("removing ", path));
}

absl::Status RealFileSystem::LinkOrCopy(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) == 0) return SyncDir(DirName(to));
  if (errno == ENOENT || errno == EEXIST)
    return ErrnoStatus(errno, StrCat("linking ", from, " to ", to));
  // Another file system, or one without hard links, or no right to link: copy.
  Descriptor source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.valid()) return ErrnoStatus(errno, StrCat("opening ", from));
  return ReplaceAtomically(to, [&](int fd, const std::string& temporary) -> absl::Status {
    std::vector<char> buffer(size_t{1} << 20);
    int64_t written = 0;
    while (true) {
      const ssize_t count = read(source.get(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoStatus(errno, StrCat("reading ", from));
      if (count == 0) return absl::OkStatus();
      const std::string_view bytes(buffer.data(), static_cast<size_t>(count));
      SHOAL_RETURN_IF_ERROR(WriteAll(fd, bytes, temporary, &written));
    }
  });
}

absl::StatusOr<TempDir> TempDir::Make(const std::string& parent, const std::string& prefix) {
  std::string base = parent;
  if (base.empty()) {
    const char* from_environment = std::getenv("TMPDIR");
    base = from_environment != nullptr && *from_environment != '\0' ? from_environment : "/tmp";
  }
  std::string path = JoinPath(base, prefix + "XXXXXX");
  if (mkdtemp(path.data()) == nullptr)
    return ErrnoStatus(errno, StrCat("creating a temporary folder ", path));
  return TempDir(std::move(path));
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, "")) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  if (!path_.empty()) RealFileSystem().RemoveAll(path_).IgnoreError();
}

std::string TempDir::File(std::string_view name) const { return JoinPath(path_, name); }

std::string TempDir::Release() { return std::exchange(path_, ""); }

std::string JoinPath(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  return StrCat(a, a.back() == '/' ? "" : "/", b);
}

std::string DirName(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

}  // namespace shoal
