// What an attempt reported and the coordinator has not acknowledged yet, on disk: a worker outlives
// its coordinator's absence with little memory, and what is sent again after it is what was sent
// before, number by number.
//
// Items are numbered from 1 without gaps. They lie in segment files named by the number of their
// first item; each record is 4 bytes of length (little endian), the first 8 bytes of the payload's
// SHA-256, and the payload, one ReportItem. A segment goes once all of it is acknowledged. A torn
// end (the process died while writing) is cut off when opened.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/file.h"
#include "core/base/mutex.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::agent {

struct SpoolOptions {
  int64_t capacity_bytes = int64_t{1} << 30;  // of unacknowledged records; beyond it Append waits
  int64_t segment_bytes = int64_t{4} << 20;
};

// Thread-safe, for one appending and one reading thread.
class Spool {
 public:
  // Opens the spool in `folder`, which is made when absent, with the items that are in it. `files`
  // must outlive it. Errors: those of the file system; DataLoss when items in the middle are
  // missing or damaged.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(FileSystem& files, const std::string& folder,
                                                     SpoolOptions options);

  // Gives the item the next number and writes it. Waits at most `timeout` for room. Errors:
  // DeadlineExceeded (no room in time), Aborted (closed), those of writing: then nothing was added,
  // and trying again may succeed.
  absl::StatusOr<int64_t> Append(const v1::ReportItem& item, absl::Duration timeout);

  struct Batch {
    int64_t first_sequence = 0;  // of items[0]
    std::vector<v1::ReportItem> items;
  };
  // The oldest unacknowledged items, at most so many and (but for the first) so many bytes; waits
  // at most `timeout` for one. Errors: DataLoss, those of reading.
  absl::StatusOr<Batch> Read(size_t max_items, int64_t max_bytes, absl::Duration timeout);

  // Everything up to `sequence` has arrived. A number at or below an earlier one changes nothing.
  // Errors: InvalidArgument (a number that was never given); those of reading.
  absl::Status Acknowledge(int64_t sequence);

  int64_t acknowledged() const;
  int64_t appended() const;  // number of the newest item; 0: none
  int64_t unacknowledged_bytes() const;

  // Wakes everyone; Append is refused from now on, Read still delivers.
  void Close();

 private:
  struct Segment {
    std::string path;
    int64_t first = 0;            // number of its first item
    std::vector<uint32_t> sizes;  // of its records, in bytes
    int64_t bytes = 0;  // their sum; what lies behind it in the file was torn and does not count
    int64_t end() const { return first + static_cast<int64_t>(sizes.size()); }
  };

  Spool(FileSystem& files, std::string folder, SpoolOptions options)
      : files_(files), folder_(std::move(folder)), options_(options) {}
  absl::Status Recover();
  absl::Status WriteRecord(const std::string& record) SHOAL_REQUIRES(mutex_);
  absl::Status OpenSegment() SHOAL_REQUIRES(mutex_);
  void DropAcknowledgedSegments() SHOAL_REQUIRES(mutex_);

  // Constant after construction.
  FileSystem& files_;
  const std::string folder_;
  const SpoolOptions options_;
  // Own synchronisation.
  mutable Mutex mutex_;
  CondVar changed_;
  // Guarded by mutex_.
  std::deque<Segment> segments_ SHOAL_GUARDED_BY(mutex_);
  std::unique_ptr<AppendFile> file_
      SHOAL_GUARDED_BY(mutex_);  // of the newest segment; null: the next Append opens one
  int64_t appended_ SHOAL_GUARDED_BY(mutex_) = 0;
  int64_t acknowledged_ SHOAL_GUARDED_BY(mutex_) = 0;
  int64_t offset_ SHOAL_GUARDED_BY(mutex_) = 0;  // in the oldest segment, of item acknowledged_ + 1
  int64_t unacknowledged_bytes_ SHOAL_GUARDED_BY(mutex_) = 0;
  bool closed_ SHOAL_GUARDED_BY(mutex_) = false;
};

}  // namespace shoal::agent
