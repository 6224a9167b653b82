#include "core/data/import/input_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

constexpr size_t kPiece = 1 << 20;

// A file as it is.
class PlainStream final : public InputStream {
 public:
  explicit PlainStream(MappedFile file) : file_(std::move(file)), rest_(file_.text()) {}
  absl::StatusOr<std::string_view> Next() override {
    const std::string_view piece = rest_.substr(0, kPiece);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  const MappedFile file_;
  std::string_view rest_;
};

// What archives share: input that is consumed, output in one buffer, and the limit.
class ArchiveStream : public InputStream {
 public:
  absl::StatusOr<std::string_view> Next() override {
    size_t filled = 0;
    while (filled < kPiece && !ended_) {
      SHOAL_ASSIGN_OR_RETURN(const size_t got,
                             Inflate(buffer_.data() + filled, kPiece - filled, ended_));
      filled += got;
    }
    bytes_ += static_cast<int64_t>(filled);
    if (bytes_ > max_bytes_) {
      return absl::ResourceExhaustedError(
          StrCat(path_, " decompresses to more than ", max_bytes_ >> 20,
                 " MiB; decompress and cut it yourself if it is what you expect"));
    }
    return std::string_view(buffer_.data(), filled);
  }

 protected:
  ArchiveStream(MappedFile file, std::string path, int64_t max_bytes)
      : file_(std::move(file)),
        rest_(file_.text()),
        path_(std::move(path)),
        max_bytes_(max_bytes),
        buffer_(kPiece, '\0') {}

  // Writes at most `room` bytes, at least one unless the end is reached. Sets `ended` when nothing
  // follows.
  virtual absl::StatusOr<size_t> Inflate(char* out, size_t room, bool& ended) = 0;

  absl::Status Truncated() const {
    return absl::InvalidArgumentError(
        StrCat(path_,
               " is a truncated archive: it ends in the middle of its data; fetch or copy it "
               "again"));
  }
  absl::Status Damaged(std::string_view what) const {
    return absl::InvalidArgumentError(
        StrCat(path_, " is a damaged archive: ", what, "; fetch or copy it again"));
  }

  const MappedFile file_;
  std::string_view rest_;  // compressed bytes not yet consumed

 private:
  const std::string path_;
  const int64_t max_bytes_;
  std::string buffer_;
  int64_t bytes_ = 0;
  bool ended_ = false;
};

class GzipStream final : public ArchiveStream {
 public:
  GzipStream(MappedFile file, const std::string& path, int64_t max_bytes)
      : ArchiveStream(std::move(file), path, max_bytes) {
    inflateInit2(&zlib_, 16 + MAX_WBITS);
  }
  ~GzipStream() override { inflateEnd(&zlib_); }

 private:
  absl::StatusOr<size_t> Inflate(char* out, size_t room, bool& ended) override {
    const size_t given = std::min<size_t>(rest_.size(), std::numeric_limits<uInt>::max());
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
    zlib_.avail_in = static_cast<uInt>(given);
    zlib_.next_out = reinterpret_cast<Bytef*>(out);
    zlib_.avail_out = static_cast<uInt>(room);
    const int code = inflate(&zlib_, Z_NO_FLUSH);
    rest_.remove_prefix(given - zlib_.avail_in);
    const size_t got = room - zlib_.avail_out;
    if (code == Z_STREAM_END) {
      ended = rest_.empty();
      if (!ended) inflateReset(&zlib_);  // another member follows
      return got;
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && rest_.empty() && got < room)) return Truncated();
    if (code != Z_OK) return Damaged(zlib_.msg == nullptr ? "not gzip" : zlib_.msg);
    return got;
  }

  z_stream zlib_ = {};
};

class ZstdStream final : public ArchiveStream {
 public:
  ZstdStream(MappedFile file, const std::string& path, int64_t max_bytes)
      : ArchiveStream(std::move(file), path, max_bytes), context_(ZSTD_createDCtx()) {}
  ~ZstdStream() override { ZSTD_freeDCtx(context_); }

 private:
  absl::StatusOr<size_t> Inflate(char* out, size_t room, bool& ended) override {
    if (whole_ && rest_.empty()) {
      ended = true;
      return 0;
    }
    ZSTD_inBuffer in = {rest_.data(), rest_.size(), 0};
    ZSTD_outBuffer output = {out, room, 0};
    const size_t code = ZSTD_decompressStream(context_, &output, &in);
    rest_.remove_prefix(in.pos);
    if (ZSTD_isError(code) != 0) return Damaged(ZSTD_getErrorName(code));
    whole_ = code == 0;
    if (!whole_ && rest_.empty() && output.pos < room) return Truncated();
    return output.pos;
  }

  ZSTD_DCtx* const context_;
  bool whole_ = false;  // everything so far is whole frames
};

}  // namespace

absl::StatusOr<std::unique_ptr<InputStream>> InputStream::Open(const std::string& path,
                                                               int64_t max_bytes) {
  SHOAL_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  const std::string_view text = file.text();
  if (text.starts_with("\x1F\x8B")) {
    return std::make_unique<GzipStream>(std::move(file), path, max_bytes);
  }
  if (text.starts_with("\x28\xB5\x2F\xFD")) {
    return std::make_unique<ZstdStream>(std::move(file), path, max_bytes);
  }
  if (static_cast<int64_t>(text.size()) > max_bytes) {
    return absl::ResourceExhaustedError(StrCat(path, " has ", text.size(), " bytes; at most ",
                                               max_bytes, " are read from one file"));
  }
  return std::make_unique<PlainStream>(std::move(file));
}

absl::StatusOr<std::string> ReadHead(const std::string& path, int64_t limit) {
  SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<InputStream> stream, InputStream::Open(path));
  std::string head;
  while (static_cast<int64_t>(head.size()) < limit) {
    SHOAL_ASSIGN_OR_RETURN(const std::string_view piece, stream->Next());
    if (piece.empty()) break;
    head += piece.substr(0, static_cast<size_t>(limit) - head.size());
  }
  return head;
}

absl::StatusOr<std::string> ReadWhole(const std::string& path, int64_t limit) {
  SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<InputStream> stream, InputStream::Open(path, limit));
  std::string whole;
  while (true) {
    SHOAL_ASSIGN_OR_RETURN(const std::string_view piece, stream->Next());
    if (piece.empty()) return whole;
    whole += piece;
  }
}

}  // namespace shoal::data
