// Writing checkpoints: digest, then stream into a temporary file, then rename.
#include <algorithm>
#include <set>

#include "core/base/ids.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/manifest.h"

namespace shoal::checkpoint {
namespace {

constexpr int64_t kPieceBytes = 1 << 20;

std::string_view TextOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Hands a tensor's bytes to `sink` in pieces. `buffer` is used where they must be copied out.
template <typename Sink>
absl::Status ForEachPiece(const TensorSource& source, int64_t size, std::vector<std::byte>& buffer,
                          Sink sink) {
  for (int64_t at = 0; at < size; at += kPieceBytes) {
    const auto piece = static_cast<size_t>(std::min(kPieceBytes, size - at));
    if (!source.read) {
      SHOAL_RETURN_IF_ERROR(sink(TextOf(source.data.subspan(static_cast<size_t>(at), piece))));
      continue;
    }
    buffer.resize(static_cast<size_t>(kPieceBytes));
    const std::span<std::byte> out(buffer.data(), piece);
    SHOAL_RETURN_IF_ERROR(source.read(at, out), "reading tensor '", source.name, "'");
    SHOAL_RETURN_IF_ERROR(sink(TextOf(out)));
  }
  return absl::OkStatus();
}

// Checks names and lengths; answers the entries in order.
absl::StatusOr<std::vector<TensorEntry>> CheckSources(std::span<const TensorSource> tensors) {
  if (tensors.size() > kMaxTensors) {
    return absl::InvalidArgumentError(StrCat(tensors.size(), " tensors; at most ", kMaxTensors));
  }
  std::vector<TensorEntry> entries;
  std::set<std::string_view> names;
  for (const TensorSource& source : tensors) {
    TensorEntry& entry = entries.emplace_back();
    entry.name = source.name;
    entry.type = source.type;
    entry.shape = source.shape;
    SHOAL_RETURN_IF_ERROR(CheckTensor(entry));
    if (!names.insert(source.name).second) {
      return absl::InvalidArgumentError(StrCat("tensor '", source.name, "' is given twice"));
    }
    if (!source.read && static_cast<int64_t>(source.data.size()) != entry.size_bytes) {
      return absl::InvalidArgumentError(StrCat(
          "tensor '", source.name, "' has ", source.data.size(), " bytes, its shape [",
          StrJoin(source.shape, ", "), "] of ", Name(source.type), " makes ", entry.size_bytes));
    }
  }
  return entries;
}

absl::StatusOr<std::vector<Digest>> DigestTensors(std::span<const TensorSource> tensors,
                                                  const std::vector<TensorEntry>& entries,
                                                  std::vector<std::byte>& buffer) {
  std::vector<Digest> digests;
  for (size_t i = 0; i < tensors.size(); ++i) {
    Sha256 sha;
    SHOAL_RETURN_IF_ERROR(
        ForEachPiece(tensors[i], entries[i].size_bytes, buffer, [&sha](std::string_view piece) {
          sha.Update(piece);
          return absl::OkStatus();
        }));
    digests.push_back(sha.Finish());
  }
  return digests;
}

// Appends header and tensors to `out` and syncs. A source that answers differently than when it was
// digested would make a file that no reader accepts: it is refused here.
absl::StatusOr<WrittenFile> Stream(AppendFile& out, const std::string& header,
                                   std::span<const TensorSource> tensors,
                                   const std::vector<TensorEntry>& entries,
                                   const std::vector<Digest>& digests,
                                   std::vector<std::byte>& buffer) {
  Sha256 whole;
  whole.Update(header);
  SHOAL_RETURN_IF_ERROR(out.Append(header));
  for (size_t i = 0; i < tensors.size(); ++i) {
    Sha256 own;
    SHOAL_RETURN_IF_ERROR(
        ForEachPiece(tensors[i], entries[i].size_bytes, buffer, [&](std::string_view piece) {
          whole.Update(piece);
          own.Update(piece);
          return out.Append(piece);
        }));
    if (own.Finish() != digests[i]) {
      return absl::InternalError(
          StrCat("tensor '", tensors[i].name, "' changed while it was written"));
    }
  }
  SHOAL_RETURN_IF_ERROR(out.Sync());
  return WrittenFile{.digest = whole.Finish(), .size_bytes = out.size()};
}

}  // namespace

absl::StatusOr<WrittenFile> WriteCheckpoint(FileSystem& files, const std::string& path,
                                            const Manifest& manifest,
                                            std::span<const TensorSource> tensors) {
  SHOAL_ASSIGN_OR_RETURN(std::vector<TensorEntry> entries, CheckSources(tensors));
  std::vector<std::byte> buffer;
  SHOAL_ASSIGN_OR_RETURN(const std::vector<Digest> digests,
                         DigestTensors(tensors, entries, buffer));
  SHOAL_ASSIGN_OR_RETURN(const Metadata metadata, FormatManifest(manifest, digests));
  std::string header = FormatHeader(metadata, entries);
  if (static_cast<int64_t>(header.size()) > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(
        StrCat("the header would take ", header.size(), " bytes; at most ", kMaxHeaderBytes));
  }
  SealHeader(header);

  const std::string temporary = StrCat(path, ".tmp-", absl::Hex(id_internal::SystemRandom()));
  const auto write = [&]() -> absl::StatusOr<WrittenFile> {
    SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> out, files.OpenAppend(temporary));
    SHOAL_ASSIGN_OR_RETURN(const WrittenFile written,
                           Stream(*out, header, tensors, entries, digests, buffer));
    SHOAL_RETURN_IF_ERROR(files.Rename(temporary, path));
    return written;
  };
  absl::StatusOr<WrittenFile> written = write();
  if (!written.ok()) {
    files.RemoveFile(temporary).IgnoreError();  // the first error is the one to tell
    return Annotate(written.status(), "saving the checkpoint ", path);
  }
  return written;
}

absl::StatusOr<WrittenFile> WriteWeightsOf(FileSystem& files, const std::string& checkpoint_path,
                                           const std::string& weights_path) {
  SHOAL_ASSIGN_OR_RETURN(CheckpointReader reader, CheckpointReader::Open(checkpoint_path));
  std::vector<TensorSource> tensors;
  for (const TensorEntry& entry : reader.tensors()) {
    if (entry.name.starts_with(kOptimizerM) || entry.name.starts_with(kOptimizerV)) continue;
    SHOAL_ASSIGN_OR_RETURN(const auto bytes, reader.Bytes(entry.name));
    tensors.push_back({.name = entry.name,
                       .type = entry.type,
                       .shape = entry.shape,
                       .data = bytes,
                       .read = nullptr});
  }
  Manifest manifest = reader.manifest();
  manifest.kind = v1::CHECKPOINT_KIND_WEIGHTS;
  return WriteCheckpoint(files, weights_path, manifest, tensors);
}

}  // namespace shoal::checkpoint
