// Frames over a socket: 4 bytes of length (little endian), then one protobuf message
// (proto/shoal/v1/runner.proto).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/mutex.h"
#include "google/protobuf/message_lite.h"

namespace shoal::frames {

inline constexpr int64_t kMaxFrameBytes = 16 << 20;

// Sends and receives on one descriptor, which it does not own. Send is thread-safe; one thread
// receives.
class FrameChannel {
 public:
  explicit FrameChannel(int descriptor) : descriptor_(descriptor) {}

  // Writes one whole frame. Errors: ResourceExhausted (larger than kMaxFrameBytes), Unavailable
  // (the other side is gone).
  absl::Status Send(const google::protobuf::MessageLite& message);

  // Blocks for the next frame. False at a clean end of file. Errors: DataLoss (a frame cut short,
  // too long, or not a message), Unavailable (the socket broke).
  absl::StatusOr<bool> Receive(google::protobuf::MessageLite& message);

 private:
  const int descriptor_;
  Mutex sending_;
};

}  // namespace shoal::frames
