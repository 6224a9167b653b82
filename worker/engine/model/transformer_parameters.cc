// The parameters that a transformer's form has: names, shapes, initialisation.
#include <cmath>
#include <utility>

#include "core/base/strings.h"
#include "worker/engine/model/transformer.h"

namespace shoal::engine {
namespace {

using Kind = Initialization::Kind;

class ParameterList {
 public:
  ParameterList(const v1::ModelSpec& spec) : spec_(spec) {}

  void Matrix(std::string name, int64_t rows, int64_t columns, double std) {
    list_.push_back({std::move(name), Shape::Matrix(rows, columns), {Kind::kNormal, std}});
  }
  void Vector(std::string name, int64_t n, double value) {
    list_.push_back({std::move(name), Shape::Vector(n), {Kind::kConstant, value}});
  }
  // `parts`: rows of the matrices that lie one below the other.
  void Linear(const std::string& name, std::vector<int64_t> parts, int64_t columns, double std,
              bool bias) {
    int64_t rows = 0;
    for (int64_t part : parts) rows += part;
    Matrix(name + ".weight", rows, columns, std);
    list_.back().parts = std::move(parts);
    if (bias) Vector(name + ".bias", rows, 0);
  }
  void Norm(const std::string& name, bool bias) {
    Vector(name + ".weight", spec_.d_model(), 1);
    if (bias) Vector(name + ".bias", spec_.d_model(), 0);
  }
  std::vector<Parameter> Take() { return std::move(list_); }

 private:
  const v1::ModelSpec& spec_;
  std::vector<Parameter> list_;
};

}  // namespace

std::vector<Parameter> Transformer::Parameters() const {
  const int64_t d = width(), q = spec_.n_heads() * head_dim_, kv = kv_width();
  const bool bias = spec_.bias(), norm_bias = bias && spec_.norm() == "layernorm";
  const double std = spec_.init_std();
  const double scale = 1.0 / std::sqrt(2.0 * static_cast<double>(layers()));
  const double residual_std = spec_.residual_init() == "scaled" ? std * scale : std;
  const bool parallel = spec_.block() == "parallel", post = spec_.norm_placement() == "post";

  ParameterList list(spec_);
  list.Matrix("tok_emb", vocab_size_, d, std);
  if (spec_.position() == "learned") list.Matrix("pos_emb", positions(), d, std);
  if (has_segments()) list.Matrix("seg_emb", spec_.segments(), d, std);
  if (spec_.embedding_norm()) list.Norm("emb_norm", norm_bias);
  for (int64_t i = 0; i < layers(); ++i) {
    const std::string block = StrCat("blocks.", i, ".");
    list.Norm(block + "norm1", norm_bias);
    list.Linear(block + "attn.qkv", {q, kv, kv}, d, std, bias);
    list.Linear(block + "attn.out", {d}, q, residual_std, bias);
    if (!parallel) list.Norm(block + "norm2", norm_bias);
    list.Linear(block + "ffn.up",
                gated_ ? std::vector<int64_t>{inner_, inner_} : std::vector<int64_t>{inner_}, d,
                std, bias);
    list.Linear(block + "ffn.down", {d}, inner_, residual_std, bias);
  }
  if (!post) list.Norm("norm", norm_bias);
  const std::string& head = spec_.head();
  if (head != "classifier" && !spec_.tied_head())
    list.Matrix("lm_head.weight", vocab_size_, d, std);
  if (head == "mlm") {
    list.Linear("mlm.dense", {d}, d, std, true);
    list.Norm("mlm.norm", norm_bias);
    list.Vector("mlm.bias", vocab_size_, 0);
  } else if (head == "classifier") {
    if (spec_.pooler() == "cls") list.Linear("pooler", {d}, d, std, true);
    list.Linear("classifier", {labels_}, d, std, true);
  }
  return list.Take();
}

}  // namespace shoal::engine
