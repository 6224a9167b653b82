// Saving and restoring a trainer.
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/util/message_differencer.h>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {
namespace {

using checkpoint::CheckpointReader;
using checkpoint::TensorSource;
using checkpoint::TensorType;

std::vector<int64_t> DimsOf(const Parameter& parameter) {
  const auto& dims = parameter.shape.dims;
  return {dims.begin(), dims.begin() + parameter.shape.rank};
}

bool HasSecondMoment(const Parameter& parameter) { return !parameter.muon; }

// Every parameter's range of a flat f32 buffer as a tensor of the file.
void AddTensors(const ParameterLayout& layout, std::string_view prefix, const Buffer& buffer,
                std::vector<TensorSource>& tensors, bool (*belongs)(const Parameter&) = nullptr) {
  for (const Parameter& parameter : layout.parameters()) {
    if (belongs != nullptr && !belongs(parameter)) continue;
    TensorSource source;
    source.name = StrCat(prefix, parameter.name);
    source.shape = DimsOf(parameter);
    const int64_t begin = parameter.offset * 4;
    source.read = [&buffer, begin](int64_t offset, std::span<std::byte> out) {
      return buffer.Read(begin + offset, out.data(), static_cast<int64_t>(out.size()));
    };
    tensors.push_back(std::move(source));
  }
}

absl::Status ReadTensor(CheckpointReader& reader, std::string_view prefix,
                        const Parameter& parameter, std::vector<float>& values) {
  values.resize(static_cast<size_t>(parameter.elements()));
  const std::vector<int64_t> dims = DimsOf(parameter);
  return reader.Read(StrCat(prefix, parameter.name), TensorType::kF32, dims,
                     std::as_writable_bytes(std::span(values)));
}

absl::Status CheckKind(const checkpoint::Manifest& manifest) {
  if (manifest.kind == v1::CHECKPOINT_KIND_RESUMABLE) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "it holds weights only; training resumes from a resumable checkpoint");
}

absl::Status CheckSameRun(const checkpoint::Manifest& manifest, const TrainerOptions& options) {
  SHOAL_RETURN_IF_ERROR(CheckKind(manifest));
  if (manifest.request_digest != options.request_digest) {
    return absl::FailedPreconditionError(StrCat("it was written for another request (digest ",
                                                manifest.request_digest, ", this run's is ",
                                                options.request_digest, ")"));
  }
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  if (!differencer.Compare(manifest.numerics, options.numerics)) {
    return absl::FailedPreconditionError(
        StrCat("it was written in another numerics class: ", differences));
  }
  return absl::OkStatus();
}

absl::Status CheckOtherRun(const checkpoint::Manifest& manifest, const TrainerOptions& options) {
  SHOAL_RETURN_IF_ERROR(CheckKind(manifest));
  if (manifest.tokenizer_digest != options.tokenizer_digest) {
    return absl::FailedPreconditionError(StrCat("it was trained with another tokenizer (",
                                                manifest.tokenizer_digest, ", this run's is ",
                                                options.tokenizer_digest, ")"));
  }
  if (manifest.step < options.train.steps()) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat("it stands at step ", manifest.step,
                                              ", and train.steps is ", options.train.steps(),
                                              ": there is nothing left to train"));
}

}  // namespace

absl::StatusOr<checkpoint::WrittenFile> Trainer::Save(FileSystem& files, v1::CheckpointKind kind,
                                                      const std::string& path) {
  checkpoint::Manifest manifest;
  manifest.kind = kind;
  manifest.step = step_;
  manifest.run_id = options_.run_id;
  manifest.request_digest = options_.request_digest;
  manifest.model = options_.model;
  manifest.vocab_size = options_.vocab_size;
  manifest.tokenizer_digest = options_.tokenizer_digest;
  manifest.numerics = options_.numerics;
  manifest.labels = labels_;

  std::vector<TensorSource> tensors;
  const ParameterLayout& layout = weights_->layout();
  if (kind == v1::CHECKPOINT_KIND_WEIGHTS) {
    AddTensors(layout, "", weights()->master(), tensors);
  } else {
    AddTensors(layout, "", weights_->master(), tensors);
    AddTensors(layout, checkpoint::kOptimizerM, moment1_, tensors);
    AddTensors(layout, checkpoint::kOptimizerV, moment2_, tensors, HasSecondMoment);
    if (average_ != nullptr) AddTensors(layout, checkpoint::kAverage, average_->master(), tensors);
  }
  return checkpoint::WriteCheckpoint(files, path, manifest, tensors);
}

absl::Status Trainer::Restore(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(CheckpointReader reader, CheckpointReader::Open(path));
  SHOAL_RETURN_IF_ERROR(CheckSameRun(reader.manifest(), options_), "resuming from ", path);
  return Load(reader);
}

absl::Status Trainer::StartFrom(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(CheckpointReader reader, CheckpointReader::Open(path));
  SHOAL_RETURN_IF_ERROR(CheckOtherRun(reader.manifest(), options_), "going on from ", path);
  return Load(reader);
}

absl::Status Trainer::Load(CheckpointReader& reader) {
  std::vector<float> values;
  for (const Parameter& parameter : weights_->layout().parameters()) {
    const int64_t begin = parameter.offset * 4, bytes = parameter.elements() * 4;
    SHOAL_RETURN_IF_ERROR(ReadTensor(reader, "", parameter, values));
    SHOAL_RETURN_IF_ERROR(weights_->Set(parameter.name, values));
    SHOAL_RETURN_IF_ERROR(ReadTensor(reader, checkpoint::kOptimizerM, parameter, values));
    SHOAL_RETURN_IF_ERROR(moment1_.Write(begin, values.data(), bytes));
    if (HasSecondMoment(parameter)) {
      SHOAL_RETURN_IF_ERROR(ReadTensor(reader, checkpoint::kOptimizerV, parameter, values));
      SHOAL_RETURN_IF_ERROR(moment2_.Write(begin, values.data(), bytes));
    }
    if (average_ == nullptr) continue;
    // A run without averages goes on in one that has them: they begin where it stands.
    const bool saved = reader.Find(StrCat(checkpoint::kAverage, parameter.name)) != nullptr;
    SHOAL_RETURN_IF_ERROR(ReadTensor(reader, saved ? checkpoint::kAverage : "", parameter, values));
    SHOAL_RETURN_IF_ERROR(average_->Set(parameter.name, values));
  }
  // What was counted so far is a function of the batches so far.
  totals_ = {};
  for (step_ = 0; step_ < reader.manifest().step; ++step_) {
    FillTraining(step_);
    CountTotals();
  }
  return absl::OkStatus();
}

}  // namespace shoal::engine
