#include "tests/support/faulty_file_system.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"

namespace shoal {

// Must not outlive its file system.
class FaultyFileSystem::FaultyAppendFile final : public AppendFile {
 public:
  FaultyAppendFile(FaultyFileSystem& owner, std::unique_ptr<AppendFile> file)
      : owner_(owner), file_(std::move(file)) {}

  absl::Status Append(std::string_view bytes) override {
    int64_t torn = 0;
    const absl::Status fault = owner_.Count(FileOperation::kAppend, &torn);
    if (fault.ok()) return file_->Append(bytes);
    SHOAL_RETURN_IF_ERROR(
        file_->Append(bytes.substr(0, std::min(static_cast<size_t>(torn), bytes.size()))));
    return fault;
  }
  absl::Status Sync() override {
    SHOAL_RETURN_IF_ERROR(owner_.Count(FileOperation::kSync));
    return file_->Sync();
  }
  int64_t size() const override { return file_->size(); }

 private:
  FaultyFileSystem& owner_;
  std::unique_ptr<AppendFile> file_;
};

void FaultyFileSystem::FailAfter(FileOperation operation, int64_t successes, absl::Status error) {
  MutexLock lock(mutex_);
  faults_[operation] = {successes, 0, std::move(error)};
}

void FaultyFileSystem::TearAppendAfter(int64_t successes, int64_t bytes, absl::Status error) {
  MutexLock lock(mutex_);
  faults_[FileOperation::kAppend] = {successes, bytes, std::move(error)};
}

void FaultyFileSystem::Heal() {
  MutexLock lock(mutex_);
  faults_.clear();
}

int64_t FaultyFileSystem::calls(FileOperation operation) const {
  MutexLock lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

absl::Status FaultyFileSystem::Count(FileOperation operation, int64_t* torn_bytes) {
  MutexLock lock(mutex_);
  ++calls_[operation];
  const auto found = faults_.find(operation);
  if (found == faults_.end() || found->second.successes-- > 0) return absl::OkStatus();
  found->second.successes = 0;
  if (torn_bytes != nullptr) *torn_bytes = found->second.torn_bytes;
  return found->second.error;
}

absl::StatusOr<std::string> FaultyFileSystem::ReadFile(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRead));
  return real_.ReadFile(path);
}

absl::StatusOr<std::string> FaultyFileSystem::ReadRange(const std::string& path, int64_t offset,
                                                        int64_t size) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRead));
  return real_.ReadRange(path, offset, size);
}

absl::Status FaultyFileSystem::WriteFileAtomic(const std::string& path, std::string_view contents) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kWriteAtomic));
  return real_.WriteFileAtomic(path, contents);
}

absl::StatusOr<std::unique_ptr<AppendFile>> FaultyFileSystem::OpenAppend(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kOpenAppend));
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file, real_.OpenAppend(path));
  return std::make_unique<FaultyAppendFile>(*this, std::move(file));
}

absl::Status FaultyFileSystem::MakeDirs(const std::string& path, uint32_t mode) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kMakeDirs));
  return real_.MakeDirs(path, mode);
}

absl::StatusOr<std::vector<std::string>> FaultyFileSystem::ListDir(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRead));
  return real_.ListDir(path);
}

absl::StatusOr<int64_t> FaultyFileSystem::FileSize(const std::string& path) {
  return real_.FileSize(path);
}

bool FaultyFileSystem::Exists(const std::string& path) { return real_.Exists(path); }

absl::Status FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRename));
  return real_.Rename(from, to);
}

absl::Status FaultyFileSystem::RemoveFile(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRemove));
  return real_.RemoveFile(path);
}

absl::Status FaultyFileSystem::RemoveAll(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kRemove));
  return real_.RemoveAll(path);
}

absl::Status FaultyFileSystem::LinkOrCopy(const std::string& from, const std::string& to) {
  SHOAL_RETURN_IF_ERROR(Count(FileOperation::kLink));
  return real_.LinkOrCopy(from, to);
}

}  // namespace shoal
