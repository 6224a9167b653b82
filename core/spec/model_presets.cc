#include "core/spec/model_presets.h"

#include "core/base/strings.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

struct Shape {
  int32_t layers, width, heads, d_ff, vocab, positions;
};
struct Names {
  std::string name, alias, what;
};

// GPT-2's form, unless `edit` says otherwise.
template <typename Edit>
ModelPreset Make(Names names, const Shape& shape, int32_t batch, int32_t seq, Edit edit) {
  v1::RunSpec spec;
  v1::ModelSpec& model = *spec.mutable_model();
  model.set_n_layers(shape.layers);
  model.set_d_model(shape.width);
  model.set_n_heads(shape.heads);
  model.set_d_ff(shape.d_ff);
  model.set_vocab_size(shape.vocab);
  model.set_max_seq(shape.positions);
  edit(model);
  FillDefaults(spec);
  return {std::move(names.name),
          std::move(names.alias),
          std::move(names.what),
          spec.model(),
          batch,
          seq};
}

// Radford et al. 2019.
void Gpt2(v1::ModelSpec& model) { model.set_residual_init("scaled"); }

// The sizes of TinyLLM (Kandala et al. 2024): heads of 64, four times the width, 1,024 positions.
ModelPreset TinyLlm(Names names, int32_t layers, int32_t width, int32_t batch, int32_t seq) {
  return Make(std::move(names), {layers, width, width / 64, 4 * width, 50257, 1024}, batch, seq,
              Gpt2);
}

// Devlin et al. 2018, at 128 positions.
void Bert(v1::ModelSpec& model) {
  model.set_kind("encoder");
  model.set_head("mlm");
  model.set_norm_placement("post");
  model.set_norm_eps(1e-12);
  model.set_embedding_norm(true);
  model.set_segments(2);
  model.set_activation("gelu_erf");
}

// Touvron et al. 2023.
void Llama(v1::ModelSpec& model) {
  model.set_norm("rmsnorm");
  model.set_position("rope");
  model.set_feed_forward("glu");
  model.set_activation("silu");
  model.set_bias(false);
}

void BabyLlama(v1::ModelSpec& model) {
  Llama(model);
  model.set_tied_head(false);
}

void LlamaTiny(v1::ModelSpec& model) {
  Llama(model);
  model.set_n_kv_heads(2);
}

void SmolLm3(v1::ModelSpec& model) {
  Llama(model);
  model.set_norm_eps(1e-6);
  model.set_n_kv_heads(4);
  model.mutable_rope()->set_theta(5e6);
  model.mutable_rope()->set_skip_every(4);
}

// Cohere2's form: parallel blocks, three sliding layers and a full one without positions.
void TinyAya(v1::ModelSpec& model) {
  Llama(model);
  model.set_norm("layernorm");
  model.set_block("parallel");
  model.set_n_kv_heads(4);
  model.mutable_rope()->set_theta(5e4);
  model.mutable_rope()->set_layout("interleaved");
  model.mutable_rope()->set_skip_every(4);
  model.mutable_sliding()->set_window(4096);
  model.mutable_sliding()->set_full_every(4);
}

std::vector<ModelPreset> MakeAll() {
  const auto relu = [](v1::ModelSpec& model) { model.set_activation("relu"); };
  return {
      Make({"llama-tiny", "", "Llama's form, 976,000 parameters, as recipe llama-tiny"},
           {4, 128, 4, 336, 2048, 128}, 32, 32, LlamaTiny),
      Make({"tiny", "", "1 million parameters, as recipe tiny"}, {4, 128, 4, 512, 2048, 128}, 32,
           32, Gpt2),
      Make({"guppy", "", "GuppyLM, 8.7 million"}, {6, 384, 6, 768, 4096, 128}, 32, 128, relu),
      TinyLlm({"gpt2-d6", "gpt30", "TinyLLM's GPT-2, 30.3 million"}, 6, 384, 8, 256),
      Make({"bert1", "", "BERT of one layer, masked tokens, 31.3 million"},
           {1, 768, 12, 3072, 30522, 128}, 32, 128, Bert),
      Make({"gpt45", "", "GPT-2's form, 44.8 million"}, {6, 512, 8, 2048, 50257, 256}, 8, 256,
           Gpt2),
      TinyLlm({"gpt2-d8", "gpt51", "TinyLLM's GPT-2, 51.5 million"}, 8, 512, 8, 256),
      Make({"babyllama", "", "BabyLlama, 58.3 million"}, {16, 512, 8, 1024, 16000, 256}, 8, 256,
           BabyLlama),
      Make({"bert6", "", "BERT of six layers, masked tokens, 66.7 million"},
           {6, 768, 12, 3072, 30522, 128}, 32, 128, Bert),
      TinyLlm({"gpt2-d10", "gpt82", "TinyLLM's GPT-2, 82.1 million"}, 10, 640, 4, 256),
      TinyLlm({"gpt2-d11", "gpt101", "TinyLLM's GPT-2, 101.6 million"}, 11, 704, 4, 256),
      TinyLlm({"gpt124", "gpt2-d12", "GPT-2 small, 124 million"}, 12, 768, 4, 256),
      Make({"smollm3", "", "SmolLM3, 3.1 billion: 49 GB in training"},
           {36, 2048, 16, 11008, 128256, 65536}, 1, 128, SmolLm3),
      Make({"tiny-aya", "", "Cohere's Tiny Aya, 3.3 billion: 54 GB in training"},
           {36, 2048, 16, 11008, 262144, 8192}, 1, 128, TinyAya),
  };
}

}  // namespace

const std::vector<ModelPreset>& ModelPresets() {
  static const auto* presets = new std::vector<ModelPreset>(MakeAll());
  return *presets;
}

absl::StatusOr<ModelPreset> FindModelPreset(std::string_view name) {
  std::string names;
  for (const ModelPreset& preset : ModelPresets()) {
    if (preset.name == name || (!name.empty() && preset.alias == name)) return preset;
    StrAppend(names, names.empty() ? "" : ", ", preset.name);
  }
  return absl::InvalidArgumentError(StrCat("no model is called '", name, "'; there are ", names));
}

}  // namespace shoal::spec
