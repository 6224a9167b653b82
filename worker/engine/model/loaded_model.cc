#include "worker/engine/model/loaded_model.h"

#include <span>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/checkpoint/checkpoint.h"
#include "core/spec/spec.h"

namespace shoal::engine {

absl::StatusOr<LoadedModel> LoadModel(Device& device, const std::string& path, Dtype act) {
  using checkpoint::CheckpointReader;
  SHOAL_ASSIGN_OR_RETURN(CheckpointReader reader, CheckpointReader::Open(path));
  const checkpoint::Manifest& manifest = reader.manifest();
  LoadedModel model;
  model.spec = manifest.model;
  spec::FillDefaults(model.spec);
  model.vocab_size = manifest.vocab_size;
  model.labels = manifest.labels;
  model.tokenizer_digest = manifest.tokenizer_digest;
  model.step = manifest.step;
  if (model.vocab_size < 1 || (model.spec.head() == "classifier" && model.labels.empty())) {
    return absl::InvalidArgumentError(StrCat(path, " does not say which model it holds"));
  }
  ParameterLayout layout(model.transformer().Parameters());
  SHOAL_ASSIGN_OR_RETURN(model.weights, Weights::Create(device, std::move(layout), act));
  std::vector<float> values;
  for (const Parameter& parameter : model.weights->layout().parameters()) {
    values.resize(static_cast<size_t>(parameter.elements()));
    const auto& dims = parameter.shape.dims;
    const std::vector<int64_t> shape(dims.begin(), dims.begin() + parameter.shape.rank);
    SHOAL_RETURN_IF_ERROR(reader.Read(parameter.name, checkpoint::TensorType::kF32, shape,
                                      std::as_writable_bytes(std::span(values))));
    SHOAL_RETURN_IF_ERROR(model.weights->Set(parameter.name, values));
  }
  return model;
}

}  // namespace shoal::engine
