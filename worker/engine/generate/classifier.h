// Labels of texts, one text at a time: the low-latency road.
#ifndef SHOAL_WORKER_ENGINE_GENERATE_CLASSIFIER_H_
#define SHOAL_WORKER_ENGINE_GENERATE_CLASSIFIER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/loaded_model.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// Thread-compatible: one thread, the device's. `device` must outlive the classifier.
class Classifier {
 public:
  // Errors: FailedPrecondition (a model whose head is no classifier), ResourceExhausted,
  // Unimplemented.
  static absl::StatusOr<std::unique_ptr<Classifier>> Create(Device& device, LoadedModel model);

  // Logits of each label, in the order of labels(); valid until the next call. Requires 1 to
  // max_seq tokens within the vocabulary, else InvalidArgument.
  absl::StatusOr<std::span<const float>> Logits(std::span<const int32_t> tokens);

  const std::vector<std::string>& labels() const { return model_.labels; }
  int64_t parameters() const { return model_.weights->layout().count(); }

 private:
  Classifier(Device& device, LoadedModel model)
      : device_(device), model_(std::move(model)), transformer_(model_.transformer()) {}
  absl::Status Prepare();

  Device& device_;
  LoadedModel model_;
  Transformer transformer_;
  IoLayout io_layout_;
  Buffer arena_, io_;
  Plan plan_;
  std::vector<int32_t> positions_;
  std::vector<float> logits_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_GENERATE_CLASSIFIER_H_
