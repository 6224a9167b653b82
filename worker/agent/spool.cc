#include "worker/agent/spool.h"

#include <algorithm>
#include <cstdio>

#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

constexpr size_t kHeadBytes = 12;
constexpr size_t kCheckBytes = 8;

std::string SegmentName(int64_t first) {
  char name[40];
  std::snprintf(name, sizeof name, "%016lld.spool", static_cast<long long>(first));
  return name;
}

std::string CheckOf(std::string_view payload) {
  const Digest digest = Sha256Of(payload);
  return {reinterpret_cast<const char*>(digest.bytes().data()), kCheckBytes};
}

std::string RecordOf(const v1::ReportItem& item) {
  std::string payload = item.SerializeAsString();
  std::string record(4, '\0');
  for (size_t i = 0; i < 4; ++i) record[i] = static_cast<char>(payload.size() >> (8 * i) & 0xFF);
  record += CheckOf(payload);
  record += payload;
  return record;
}

// Bytes of the whole and undamaged record at the beginning of `bytes`; 0 when there is none.
size_t RecordSize(std::string_view bytes) {
  if (bytes.size() < kHeadBytes) return 0;
  size_t payload = 0;
  for (size_t i = 0; i < 4; ++i)
    payload |= static_cast<size_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  if (bytes.size() - kHeadBytes < payload) return 0;
  if (CheckOf(bytes.substr(kHeadBytes, payload)) != bytes.substr(4, kCheckBytes)) return 0;
  return kHeadBytes + payload;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(FileSystem& files, const std::string& folder,
                                                   SpoolOptions options) {
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(folder, 0700));
  std::unique_ptr<Spool> spool(new Spool(files, folder, options));
  SHOAL_RETURN_IF_ERROR(spool->Recover(), "opening the spool ", folder);
  return spool;
}

absl::Status Spool::Recover() {
  MutexLock lock(mutex_);
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.ListDir(folder_));
  for (const std::string& name : names) {  // sorted, as the numbers are
    if (!name.ends_with(".spool")) continue;
    Segment segment;
    segment.path = JoinPath(folder_, name);
    segment.first = std::strtoll(name.c_str(), nullptr, 10);
    SHOAL_ASSIGN_OR_RETURN(const std::string bytes, files_.ReadFile(segment.path));
    std::string_view rest = bytes;
    while (const size_t size = RecordSize(rest)) {
      segment.sizes.push_back(static_cast<uint32_t>(size));
      segment.bytes += static_cast<int64_t>(size);
      rest.remove_prefix(size);
    }
    if (!segments_.empty() && segments_.back().end() != segment.first) {
      return absl::DataLossError(
          StrCat("items ", segments_.back().end(), " to ", segment.first - 1, " are damaged"));
    }
    if (segment.sizes.empty()) {
      SHOAL_RETURN_IF_ERROR(files_.RemoveFile(segment.path));
      continue;
    }
    unacknowledged_bytes_ += segment.bytes;
    segments_.push_back(std::move(segment));
  }
  if (!segments_.empty()) {
    acknowledged_ = segments_.front().first - 1;
    appended_ = segments_.back().end() - 1;
  }
  return absl::OkStatus();
}

absl::Status Spool::OpenSegment() {
  if (file_ != nullptr && segments_.back().bytes < options_.segment_bytes) return absl::OkStatus();
  Segment segment;
  segment.first = appended_ + 1;
  segment.path = JoinPath(folder_, SegmentName(segment.first));
  SHOAL_RETURN_IF_ERROR(
      files_.RemoveFile(segment.path));  // a torn first record that was left there
  SHOAL_ASSIGN_OR_RETURN(file_, files_.OpenAppend(segment.path));
  segments_.push_back(std::move(segment));
  return absl::OkStatus();
}

absl::Status Spool::WriteRecord(const std::string& record) {
  SHOAL_RETURN_IF_ERROR(OpenSegment());
  const absl::Status written = file_->Append(record);
  if (written.ok()) return written;
  file_.reset();  // a part may be in the file: the next item begins a new one
  if (segments_.back().sizes.empty()) segments_.pop_back();
  return written;
}

absl::StatusOr<int64_t> Spool::Append(const v1::ReportItem& item, absl::Duration timeout) {
  const std::string record = RecordOf(item);
  const auto size = static_cast<int64_t>(record.size());
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(mutex_);
  // A record that is larger than all the room still goes into an empty spool.
  while (!closed_ && unacknowledged_bytes_ > 0 &&
         unacknowledged_bytes_ + size > options_.capacity_bytes) {
    if (!changed_.WaitUntil(mutex_, deadline)) {
      return absl::DeadlineExceededError(StrCat("the spool ", folder_,
                                                " is full: ", unacknowledged_bytes_,
                                                " bytes wait for the coordinator"));
    }
  }
  if (closed_) return absl::AbortedError(StrCat("the spool ", folder_, " is closed"));
  SHOAL_RETURN_IF_ERROR(WriteRecord(record), "spooling a report");
  Segment& newest = segments_.back();
  newest.sizes.push_back(static_cast<uint32_t>(size));
  newest.bytes += size;
  unacknowledged_bytes_ += size;
  changed_.SignalAll();
  return ++appended_;
}

absl::StatusOr<Spool::Batch> Spool::Read(size_t max_items, int64_t max_bytes,
                                         absl::Duration timeout) {
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(mutex_);
  while (acknowledged_ == appended_ && !closed_) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  Batch batch;
  batch.first_sequence = acknowledged_ + 1;
  int64_t sequence = batch.first_sequence;
  int64_t offset = offset_;
  int64_t taken = 0;
  for (const Segment& segment : segments_) {
    const auto begin = static_cast<size_t>(sequence - segment.first);
    size_t end = begin;
    int64_t bytes = 0;
    while (end < segment.sizes.size() && batch.items.size() + (end - begin) < max_items &&
           (taken == 0 || taken + segment.sizes[end] <= max_bytes)) {
      taken += segment.sizes[end];
      bytes += segment.sizes[end++];
    }
    if (end > begin) {
      SHOAL_ASSIGN_OR_RETURN(const std::string text, files_.ReadRange(segment.path, offset, bytes),
                             "reading the spool");
      std::string_view rest = text;
      for (; sequence < segment.first + static_cast<int64_t>(end); ++sequence) {
        const size_t size = RecordSize(rest);
        if (size == 0 || !batch.items.emplace_back().ParseFromArray(
                             rest.data() + kHeadBytes, static_cast<int>(size - kHeadBytes))) {
          return absl::DataLossError(StrCat(segment.path, ": item ", sequence, " is damaged"));
        }
        rest.remove_prefix(size);
      }
    }
    if (end < segment.sizes.size()) break;
    offset = 0;
  }
  return batch;
}

void Spool::DropAcknowledgedSegments() {
  while (!segments_.empty() && segments_.front().end() <= acknowledged_ + 1) {
    const bool growing = segments_.size() == 1 && file_ != nullptr;
    if (growing && segments_.front().bytes < options_.segment_bytes) return;
    if (growing) file_.reset();
    // One that cannot be removed is harmless: its items would be skipped as known.
    files_.RemoveFile(segments_.front().path).IgnoreError();
    segments_.pop_front();
    offset_ = 0;
  }
}

absl::Status Spool::Acknowledge(int64_t sequence) {
  MutexLock lock(mutex_);
  if (sequence > appended_) {
    return absl::InvalidArgumentError(
        StrCat("item ", sequence, " was acknowledged; the newest is ", appended_));
  }
  while (acknowledged_ < sequence) {
    DropAcknowledgedSegments();
    const uint32_t size =
        segments_.front().sizes[static_cast<size_t>(acknowledged_ + 1 - segments_.front().first)];
    offset_ += size;
    unacknowledged_bytes_ -= size;
    ++acknowledged_;
  }
  DropAcknowledgedSegments();
  changed_.SignalAll();
  return absl::OkStatus();
}

int64_t Spool::acknowledged() const {
  MutexLock lock(mutex_);
  return acknowledged_;
}

int64_t Spool::appended() const {
  MutexLock lock(mutex_);
  return appended_;
}

int64_t Spool::unacknowledged_bytes() const {
  MutexLock lock(mutex_);
  return unacknowledged_bytes_;
}

void Spool::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.SignalAll();
}

}  // namespace shoal::agent
