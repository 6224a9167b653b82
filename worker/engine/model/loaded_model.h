// A model as a checkpoint holds it, on a device: for inference, and to teach.
#ifndef SHOAL_WORKER_ENGINE_MODEL_LOADED_MODEL_H_
#define SHOAL_WORKER_ENGINE_MODEL_LOADED_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shoal/v1/model.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/model/weights.h"

namespace shoal::engine {

// What a WEIGHTS or RESUMABLE checkpoint holds.
struct LoadedModel {
  v1::ModelSpec spec;               // complete
  int64_t vocab_size = 0;           // rows of the token embedding
  std::vector<std::string> labels;  // of a classifier: the names of its classes
  std::string tokenizer_digest;
  int64_t step = 0;
  std::shared_ptr<Weights> weights;

  Transformer transformer() const {
    return Transformer(spec, vocab_size, static_cast<int64_t>(labels.size()));
  }
};

// `act`: what matrix products compute with, from the run's numerics class. Errors: as opening the
// file; InvalidArgument when its tensors are not those of its own manifest's model.
absl::StatusOr<LoadedModel> LoadModel(Device& device, const std::string& path, Dtype act);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_MODEL_LOADED_MODEL_H_
