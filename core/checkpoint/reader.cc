// Reading checkpoints: verified before used.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/manifest.h"

namespace shoal::checkpoint {

absl::StatusOr<CheckpointReader> CheckpointReader::Open(const std::string& path) {
  const std::string context = StrCat("the checkpoint ", path);
  SHOAL_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  const std::string_view text = file.text();
  SHOAL_ASSIGN_OR_RETURN(SafetensorsHeader header,
                         ParseHeader(text, static_cast<int64_t>(text.size())), context);
  SHOAL_ASSIGN_OR_RETURN(ParsedManifest parsed,
                         ParseManifest(header.metadata, header.tensors.size()), context);
  if (parsed.manifest.kind != v1::CHECKPOINT_KIND_UNSPECIFIED) {
    SHOAL_RETURN_IF_ERROR(
        CheckSeal(text.substr(0, static_cast<size_t>(header.payload_offset)), header.metadata),
        context);
  }
  return CheckpointReader(path, std::move(file), std::move(header), std::move(parsed.manifest),
                          std::move(parsed.digests));
}

CheckpointReader::CheckpointReader(std::string path, MappedFile file, SafetensorsHeader header,
                                   Manifest manifest, std::vector<Digest> digests)
    : path_(std::move(path)),
      file_(std::move(file)),
      header_(std::move(header)),
      manifest_(std::move(manifest)),
      digests_(std::move(digests)),
      by_name_(header_.tensors.size()),
      verified_(header_.tensors.size(), digests_.empty()) {
  std::iota(by_name_.begin(), by_name_.end(), size_t{0});
  std::sort(by_name_.begin(), by_name_.end(), [this](size_t a, size_t b) {
    return header_.tensors[a].name < header_.tensors[b].name;
  });
}

absl::StatusOr<size_t> CheckpointReader::IndexOf(std::string_view name) const {
  const auto it = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [this](size_t index, std::string_view wanted) {
                                     return header_.tensors[index].name < wanted;
                                   });
  if (it == by_name_.end() || header_.tensors[*it].name != name) {
    return absl::NotFoundError(StrCat("the checkpoint ", path_, " has no tensor '", name, "'"));
  }
  return *it;
}

const TensorEntry* CheckpointReader::Find(std::string_view name) const {
  const auto index = IndexOf(name);
  return index.ok() ? &header_.tensors[*index] : nullptr;
}

absl::Status CheckpointReader::VerifyTensor(size_t index) {
  if (verified_[index]) return absl::OkStatus();
  const TensorEntry& entry = header_.tensors[index];
  const auto start = static_cast<size_t>(header_.payload_offset + entry.offset);
  Sha256 sha;
  sha.Update(file_.bytes().subspan(start, static_cast<size_t>(entry.size_bytes)));
  if (sha.Finish() != digests_[index]) {
    return absl::DataLossError(StrCat("the checkpoint ", path_, ": tensor '", entry.name,
                                      "' is damaged: its digest does not hold"));
  }
  verified_[index] = true;
  return absl::OkStatus();
}

absl::Status CheckpointReader::VerifyAll() {
  for (size_t i = 0; i < header_.tensors.size(); ++i) SHOAL_RETURN_IF_ERROR(VerifyTensor(i));
  return absl::OkStatus();
}

absl::StatusOr<std::span<const std::byte>> CheckpointReader::Bytes(std::string_view name) {
  SHOAL_ASSIGN_OR_RETURN(const size_t index, IndexOf(name));
  SHOAL_RETURN_IF_ERROR(VerifyTensor(index));
  const TensorEntry& entry = header_.tensors[index];
  return std::as_bytes(
      file_.bytes().subspan(static_cast<size_t>(header_.payload_offset + entry.offset),
                            static_cast<size_t>(entry.size_bytes)));
}

absl::Status CheckpointReader::Read(std::string_view name, TensorType type,
                                    std::span<const int64_t> shape, std::span<std::byte> out) {
  SHOAL_ASSIGN_OR_RETURN(const size_t index, IndexOf(name));
  const TensorEntry& entry = header_.tensors[index];
  if (entry.type != type ||
      !std::equal(shape.begin(), shape.end(), entry.shape.begin(), entry.shape.end())) {
    return absl::FailedPreconditionError(StrCat(
        "the checkpoint ", path_, ": tensor '", name, "' is ", Name(entry.type), " [",
        StrJoin(entry.shape, ", "), "], expected ", Name(type), " [", StrJoin(shape, ", "), "]"));
  }
  if (static_cast<int64_t>(out.size()) != entry.size_bytes) {
    return absl::InvalidArgumentError(
        StrCat("reading tensor '", name, "' of ", entry.size_bytes, " bytes into ", out.size()));
  }
  SHOAL_ASSIGN_OR_RETURN(const auto bytes, Bytes(name));
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace shoal::checkpoint
