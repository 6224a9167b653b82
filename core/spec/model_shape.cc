#include "core/spec/model_shape.h"

#include "core/spec/spec.h"

namespace shoal::spec {

bool ModelShape::slides(int64_t layer) const {
  return window > 0 && !IsEveryNth(layer, full_every);
}

ModelShape ShapeOf(const v1::ModelSpec& model, int64_t vocab_size, int64_t labels) {
  v1::ModelSpec m = model;
  FillDefaults(m);
  ModelShape shape;
  shape.layers = m.n_layers();
  shape.d_model = m.d_model();
  shape.heads = m.n_heads();
  shape.kv_heads = m.n_kv_heads() > 0 ? m.n_kv_heads() : m.n_heads();
  shape.head_dim = m.head_dim() > 0 ? m.head_dim() : m.d_model() / m.n_heads();
  shape.d_ff = m.d_ff() > 0 ? m.d_ff() : 4 * int64_t{m.d_model()};
  shape.positions = m.max_seq();
  shape.vocab = vocab_size;
  shape.segments = m.segments();
  shape.causal = m.kind() != "encoder";
  if (shape.causal) {
    shape.window = m.sliding().window();
    shape.full_every = m.sliding().full_every();
  }
  shape.bias = m.bias();
  shape.norm_bias = m.bias() && m.norm() != "rmsnorm";
  shape.tied_head = m.tied_head();
  shape.learned_positions = m.position() == "learned";
  shape.embedding_norm = m.embedding_norm();
  shape.post_norm = m.norm_placement() == "post";
  shape.parallel_block = m.block() == "parallel";
  shape.gated = m.feed_forward() == "glu";
  shape.saves_pre_activation = m.activation() != "relu";
  shape.head = m.head() == "mlm"          ? Head::kMlm
               : m.head() == "classifier" ? Head::kClassifier
                                          : Head::kLm;
  if (shape.head == Head::kClassifier) {
    shape.labels = m.n_labels() > 0 ? m.n_labels() : labels;
    shape.cls_pooler = m.pooler() == "cls";
  }
  return shape;
}

}  // namespace shoal::spec
