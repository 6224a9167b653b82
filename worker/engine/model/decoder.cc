#include "worker/engine/model/decoder.h"
#include "core/base/strings.h"

#include <cmath>
#include <utility>

namespace shoal::engine {
namespace {

shoal_activation ActivationOf(const std::string& name) {
  if (name == "relu") return SHOAL_ACTIVATION_RELU;
  return name == "gelu_erf" ? SHOAL_ACTIVATION_GELU_ERF : SHOAL_ACTIVATION_GELU_TANH;
}

std::string Block(int64_t i) { return StrCat("blocks.", i, "."); }

}  // namespace

Decoder::Decoder(const v1::ModelSpec& spec, int64_t vocab_size)
    : spec_(spec), vocab_size_(vocab_size), activation_(ActivationOf(spec.activation())) {}

int64_t Decoder::FeedForwardWidth() const {
  return spec_.d_ff() > 0 ? spec_.d_ff() : 4 * int64_t{spec_.d_model()};
}

Tensor Decoder::Hidden(Recorder& r, const Tensor& tokens, const Tensor& positions,
                       const AttentionContext& context) const {
  const auto& dropout = spec_.dropout();
  const double eps = spec_.norm_eps();
  Tensor x = r.Embedding(tokens, "tok_emb", positions, "pos_emb", dropout.embedding());
  for (int64_t i = 0; i < layers(); ++i) {
    const std::string block = Block(i);
    Tensor h = r.Norm(x, block + "norm1", eps);
    h = r.Linear(h, block + "attn.qkv");
    if (context.k_caches.empty()) {
      h = r.Attention(h, context.offsets, spec_.n_heads(), dropout.attention());
    } else {
      const size_t layer = static_cast<size_t>(i);
      h = r.AttentionCached(h, context.k_caches[layer], context.v_caches[layer], spec_.n_heads());
    }
    h = r.Linear(h, block + "attn.out");
    x = r.Add(x, h, dropout.attention_output());

    h = r.Norm(x, block + "norm2", eps);
    h = r.Linear(h, block + "ffn.up");
    h = r.Activation(h, activation_);
    h = r.Linear(h, block + "ffn.down");
    x = r.Add(x, h, dropout.feed_forward());
  }
  return r.Norm(x, "norm", eps);
}

Tensor Decoder::Logits(Recorder& r, const Tensor& hidden, Dtype dtype) const {
  return r.Head(hidden, spec_.tied_head() ? "tok_emb" : "lm_head.weight", dtype);
}

std::vector<Parameter> Decoder::Parameters() const {
  using Kind = Initialization::Kind;
  const int64_t d = width(), f = FeedForwardWidth();
  const double std = spec_.init_std();
  const double scale = 1.0 / std::sqrt(2.0 * static_cast<double>(layers()));
  const double residual_std = spec_.residual_init() == "scaled" ? std * scale : std;
  std::vector<Parameter> list;
  auto matrix = [&](std::string name, int64_t rows, int64_t columns, double init_std) {
    list.push_back({std::move(name), Shape::Matrix(rows, columns), {Kind::kNormal, init_std}});
  };
  auto vector = [&](std::string name, int64_t n, double value) {
    list.push_back({std::move(name), Shape::Vector(n), {Kind::kConstant, value}});
  };
  auto linear = [&](const std::string& name, int64_t rows, int64_t columns, double init_std) {
    matrix(name + ".weight", rows, columns, init_std);
    if (spec_.bias()) vector(name + ".bias", rows, 0);
  };
  auto norm = [&](const std::string& name) {
    vector(name + ".weight", d, 1);
    if (spec_.bias()) vector(name + ".bias", d, 0);
  };
  matrix("tok_emb", vocab_size_, d, std);
  matrix("pos_emb", positions(), d, std);
  for (int64_t i = 0; i < layers(); ++i) {
    const std::string block = Block(i);
    norm(block + "norm1");
    linear(block + "attn.qkv", 3 * d, d, std);
    linear(block + "attn.out", d, d, residual_std);
    norm(block + "norm2");
    linear(block + "ffn.up", f, d, std);
    linear(block + "ffn.down", d, f, residual_std);
  }
  norm("norm");
  if (!spec_.tied_head()) matrix("lm_head.weight", vocab_size_, d, std);
  return list;
}

}  // namespace shoal::engine
