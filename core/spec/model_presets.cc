#include "core/spec/model_presets.h"

#include "core/base/strings.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

struct Shape {
  int32_t layers, width, heads, d_ff, vocab, positions;
};

// The GPT-2 form, unless `edit` says otherwise.
ModelPreset Make(std::string name, std::string what, const Shape& shape, int32_t batch, int32_t seq,
                 void (*edit)(v1::ModelSpec&) = nullptr) {
  v1::RunSpec spec;
  v1::ModelSpec& model = *spec.mutable_model();
  model.set_n_layers(shape.layers);
  model.set_d_model(shape.width);
  model.set_n_heads(shape.heads);
  model.set_d_ff(shape.d_ff);
  model.set_vocab_size(shape.vocab);
  model.set_max_seq(shape.positions);
  model.set_residual_init("scaled");
  if (edit != nullptr) edit(model);
  FillDefaults(spec);
  return {std::move(name), std::move(what), spec.model(), batch, seq};
}

}  // namespace

const std::vector<ModelPreset>& ModelPresets() {
  static const auto* presets = new std::vector<ModelPreset>{
      Make("tiny", "1 million parameters, as recipe tiny", {4, 128, 4, 512, 2048, 128}, 32, 32),
      Make("guppy", "GuppyLM, 8.7 million", {6, 384, 6, 768, 4096, 128}, 32, 128,
           [](v1::ModelSpec& model) {
             model.set_activation("relu");
             model.set_residual_init("none");
           }),
      Make("gpt45", "GPT-2's form, 44.8 million", {6, 512, 8, 2048, 50257, 256}, 8, 256),
      Make("gpt124", "GPT-2 small, 124 million", {12, 768, 12, 3072, 50257, 1024}, 4, 256),
  };
  return *presets;
}

absl::StatusOr<ModelPreset> FindModelPreset(std::string_view name) {
  std::string names;
  for (const ModelPreset& preset : ModelPresets()) {
    if (preset.name == name) return preset;
    StrAppend(names, names.empty() ? "" : ", ", preset.name);
  }
  return absl::InvalidArgumentError(StrCat("no model is called '", name, "'; there are ", names));
}

}  // namespace shoal::spec
