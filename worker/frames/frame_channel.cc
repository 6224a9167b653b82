#include "worker/frames/frame_channel.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "core/base/status.h"

namespace shoal::frames {
namespace {

absl::Status WriteAll(int descriptor, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = send(descriptor, data, size, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0)
      return absl::UnavailableError(ErrnoStatus(errno, "sending a frame").message());
    data += written;
    size -= static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

// Reads exactly `size` bytes. Returns how many came before the end of file.
absl::StatusOr<size_t> ReadAll(int descriptor, char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(descriptor, data + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::UnavailableError(ErrnoStatus(errno, "receiving a frame").message());
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace

absl::Status FrameChannel::Send(const google::protobuf::MessageLite& message) {
  std::string bytes(4, '\0');
  if (!message.AppendToString(&bytes))
    return absl::InternalError("a frame could not be serialized");
  const auto size = static_cast<int64_t>(bytes.size()) - 4;
  if (size > kMaxFrameBytes) {
    return absl::ResourceExhaustedError(
        StrCat("a frame of ", size, " bytes; at most ", kMaxFrameBytes));
  }
  for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(size >> (8 * i) & 0xFF);
  MutexLock lock(sending_);
  return WriteAll(descriptor_, bytes.data(), bytes.size());
}

absl::StatusOr<bool> FrameChannel::Receive(google::protobuf::MessageLite& message) {
  std::array<char, 4> prefix;
  SHOAL_ASSIGN_OR_RETURN(const size_t got, ReadAll(descriptor_, prefix.data(), prefix.size()));
  if (got == 0) return false;
  if (got < prefix.size())
    return absl::DataLossError("the connection ended inside a frame's length");
  int64_t size = 0;
  for (size_t i = 0; i < 4; ++i)
    size |= static_cast<int64_t>(static_cast<uint8_t>(prefix[i])) << (8 * i);
  if (size > kMaxFrameBytes)
    return absl::DataLossError(StrCat("a frame of ", size, " bytes; at most ", kMaxFrameBytes));
  std::string bytes(static_cast<size_t>(size), '\0');
  SHOAL_ASSIGN_OR_RETURN(const size_t body, ReadAll(descriptor_, bytes.data(), bytes.size()));
  if (body < bytes.size()) return absl::DataLossError("the connection ended inside a frame");
  if (!message.ParseFromString(bytes))
    return absl::DataLossError("a frame that is not the message it should be");
  return true;
}

}  // namespace shoal::frames
