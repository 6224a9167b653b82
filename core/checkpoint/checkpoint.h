// Checkpoints: a training state, or a model's weights, as one verified safetensors file. The format
// and its guarantees are in FORMAT.md.
//
//   std::vector<TensorSource> tensors = {{"blocks.0.attn.qkv.weight", TensorType::kF32, {1152,
//   384},
//                                         bytes_of(weights)}, ...};
//   SHOAL_ASSIGN_OR_RETURN(WrittenFile file, WriteCheckpoint(files, path, manifest, tensors));
//   ...
//   SHOAL_ASSIGN_OR_RETURN(CheckpointReader reader, CheckpointReader::Open(path));
//   SHOAL_RETURN_IF_ERROR(reader.Read("blocks.0.attn.qkv.weight", TensorType::kF32, {1152, 384},
//   out));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors.h"
#include "shoal/v1/checkpoint.pb.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/model.pb.h"

namespace shoal::checkpoint {

inline constexpr int kFormatVersion = 1;
inline constexpr std::string_view kOptimizerM = "optimizer/m/";  // + the parameter's name
inline constexpr std::string_view kOptimizerV = "optimizer/v/";
inline constexpr std::string_view kAverage = "average/";
inline constexpr std::string_view kBuffers = "buffers/";

// What a file says about itself, beside its tensors.
struct Manifest {
  // UNSPECIFIED when read from a file that another tool wrote: no digests to verify.
  v1::CheckpointKind kind = v1::CHECKPOINT_KIND_UNSPECIFIED;
  int64_t step = 0;  // optimizer steps done
  std::string run_id;
  std::string request_digest;    // 64 hex digits, or empty
  v1::ModelSpec model;           // defaults may be left out
  int64_t vocab_size = 0;        // rows of the token embedding
  std::string tokenizer_digest;  // of tokenizer.json; 64 hex digits, or empty
  v1::NumericsClass numerics;
  std::vector<std::string> labels;  // of a classifier: the names of its classes
};

// One tensor to write. Either `data` holds its bytes, or `read` copies the range
// [offset, offset + out.size()) of them (device memory); it is called twice over every range and
// must answer the same both times.
struct TensorSource {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  std::function<absl::Status(int64_t offset, std::span<std::byte> out)> read;
};

struct WrittenFile {
  Digest digest;  // SHA-256 of the whole file: the artifact's address
  int64_t size_bytes = 0;
};

// Writes `path` atomically: after an error, or a crash at any point, what was there before is there
// still. Needs 1 MiB of memory beside the tensors.
// Errors: INVALID_ARGUMENT (kind not set, bad or repeated names, a length that does not fit the
// shape); RESOURCE_EXHAUSTED (disk full) and other errors of the file system.
absl::StatusOr<WrittenFile> WriteCheckpoint(FileSystem& files, const std::string& path,
                                            const Manifest& manifest,
                                            std::span<const TensorSource> tensors);

// An open checkpoint, memory-mapped. Opening verifies the header and its digest; each tensor's
// digest is verified when it is first read. Thread-compatible.
class CheckpointReader {
 public:
  // Errors: NOT_FOUND; DATA_LOSS (torn, truncated or changed, saying what); UNIMPLEMENTED (written
  // by a newer Shoal, or a tensor type we do not read).
  static absl::StatusOr<CheckpointReader> Open(const std::string& path);

  const Manifest& manifest() const { return manifest_; }
  // In the order of the file.
  const std::vector<TensorEntry>& tensors() const { return header_.tensors; }
  // Null when there is none by that name.
  const TensorEntry* Find(std::string_view name) const;

  // The verified bytes, valid while the reader lives. Errors: NOT_FOUND, DATA_LOSS.
  absl::StatusOr<std::span<const std::byte>> Bytes(std::string_view name);
  // Copies a tensor's elements after checking type, shape and digest. `out` has exactly its size.
  // Errors: NOT_FOUND, FAILED_PRECONDITION (another type or shape than asked for), DATA_LOSS.
  absl::Status Read(std::string_view name, TensorType type, std::span<const int64_t> shape,
                    std::span<std::byte> out);
  // Verifies every tensor. Errors: DATA_LOSS naming the first damaged one.
  absl::Status VerifyAll();

 private:
  CheckpointReader(std::string path, MappedFile file, SafetensorsHeader header, Manifest manifest,
                   std::vector<Digest> digests);
  absl::StatusOr<size_t> IndexOf(std::string_view name) const;
  absl::Status VerifyTensor(size_t index);

  // Constant after construction.
  std::string path_;
  MappedFile file_;
  SafetensorsHeader header_;
  Manifest manifest_;
  std::vector<Digest> digests_;  // as the manifest says; empty for foreign files
  std::vector<size_t> by_name_;  // indexes of tensors, sorted by name

  std::vector<bool> verified_;
};

// Copies the parameters of a checkpoint to a weights file. Errors: of reading and writing.
absl::StatusOr<WrittenFile> WriteWeightsOf(FileSystem& files, const std::string& checkpoint_path,
                                           const std::string& weights_path);

}  // namespace shoal::checkpoint
