#include "worker/engine/model/transformer.h"

#include "core/base/strings.h"

namespace shoal::engine {
namespace {

shoal_activation ActivationOf(const std::string& name) {
  if (name == "relu") return SHOAL_ACTIVATION_RELU;
  if (name == "silu") return SHOAL_ACTIVATION_SILU;
  return name == "gelu_erf" ? SHOAL_ACTIVATION_GELU_ERF : SHOAL_ACTIVATION_GELU_TANH;
}

std::string Block(int64_t i) { return StrCat("blocks.", i, "."); }

// "Every so manieth layer": of 4, the layers 3, 7, ...; of 0, none.
bool IsEveryNth(int64_t layer, int64_t n) { return n > 0 && layer % n == n - 1; }

}  // namespace

Transformer::Transformer(const v1::ModelSpec& spec, int64_t vocab_size, int64_t labels)
    : spec_(spec),
      vocab_size_(vocab_size),
      labels_(labels),
      kv_heads_(spec.n_kv_heads() > 0 ? spec.n_kv_heads() : spec.n_heads()),
      head_dim_(spec.head_dim() > 0 ? spec.head_dim() : spec.d_model() / spec.n_heads()),
      inner_(spec.d_ff() > 0 ? spec.d_ff() : 4 * int64_t{spec.d_model()}),
      gated_(spec.feed_forward() == "glu"),
      activation_(ActivationOf(spec.activation())),
      norm_{spec.norm() == "rmsnorm" ? NormKind::kRms : NormKind::kLayer, spec.norm_eps()} {}

// ---- forward -----------------------------------------------------------------------------------

Tensor Transformer::Hidden(Recorder& r, const ModelInputs& inputs, Taps* taps) const {
  const bool post = spec_.norm_placement() == "post";
  const bool parallel = spec_.block() == "parallel";
  Tensor x = Embed(r, inputs);
  if (taps != nullptr) taps->hidden.push_back(x);
  for (int64_t i = 0; i < layers(); ++i) {
    x = post       ? PostNormBlock(r, i, x, inputs, taps)
        : parallel ? ParallelBlock(r, i, x, inputs, taps)
                   : SequentialBlock(r, i, x, inputs, taps);
    if (taps != nullptr) taps->hidden.push_back(x);
  }
  return post ? r.Cast(x, r.act()) : r.Norm(x, "norm", norm_);
}

Tensor Transformer::Embed(Recorder& r, const ModelInputs& inputs) const {
  const double dropout = spec_.dropout().embedding();
  Recorder::EmbeddingTables tables = {.tokens = "tok_emb"};
  if (spec_.position() == "learned") tables.positions = "pos_emb";
  if (has_segments()) tables.segments = "seg_emb";
  if (!spec_.embedding_norm()) {
    return r.Embedding(inputs.tokens, inputs.positions, inputs.segments, tables, dropout);
  }
  Tensor x = r.Embedding(inputs.tokens, inputs.positions, inputs.segments, tables, 0);
  x = r.Norm(x, "emb_norm", norm_, r.stat());
  return r.Dropout(x, dropout);
}

// x + attention(norm(x)); x + feed-forward(norm(x)).
Tensor Transformer::SequentialBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in,
                                    Taps* taps) const {
  Tensor h = r.Norm(x, Block(i) + "norm1", norm_);
  x = r.Add(x, Attend(r, i, h, in, taps), spec_.dropout().attention_output());
  h = r.Norm(x, Block(i) + "norm2", norm_);
  return r.Add(x, FeedForward(r, i, h), spec_.dropout().feed_forward());
}

// x + attention(norm(x)) + feed-forward(norm(x)).
Tensor Transformer::ParallelBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in,
                                  Taps* taps) const {
  const Tensor h = r.Norm(x, Block(i) + "norm1", norm_);
  x = r.Add(x, Attend(r, i, h, in, taps), spec_.dropout().attention_output());
  return r.Add(x, FeedForward(r, i, h), spec_.dropout().feed_forward());
}

// norm(x + attention(x)); norm(x + feed-forward(x)). The stream stays in full precision.
Tensor Transformer::PostNormBlock(Recorder& r, int64_t i, Tensor x, const ModelInputs& in,
                                  Taps* taps) const {
  Tensor h = r.Cast(x, r.act());
  x = r.Add(x, Attend(r, i, h, in, taps), spec_.dropout().attention_output());
  x = r.Norm(x, Block(i) + "norm1", norm_, r.stat());
  h = r.Cast(x, r.act());
  x = r.Add(x, FeedForward(r, i, h), spec_.dropout().feed_forward());
  return r.Norm(x, Block(i) + "norm2", norm_, r.stat());
}

Tensor Transformer::Attend(Recorder& r, int64_t i, const Tensor& h, const ModelInputs& in,
                           Taps* taps) const {
  const AttentionForm form = AttentionOf(i);
  Tensor qkv = r.Linear(h, Block(i) + "attn.qkv");
  if (Rotates(i)) {
    const bool interleaved = spec_.rope().layout() == "interleaved";
    qkv = r.Rope(qkv, in.positions, form, spec_.rope().theta(), interleaved);
  }
  if (taps != nullptr) {
    taps->attention.push_back(r.AttentionProbabilities(qkv, in.offsets, form, positions()));
  }
  const size_t layer = static_cast<size_t>(i);
  const Tensor attended =
      in.k_caches.empty() ? r.Attention(qkv, in.offsets, form)
                          : r.AttentionCached(qkv, in.k_caches[layer], in.v_caches[layer], form);
  return r.Linear(attended, Block(i) + "attn.out");
}

Tensor Transformer::FeedForward(Recorder& r, int64_t i, const Tensor& h) const {
  const Tensor up = r.Linear(h, Block(i) + "ffn.up");
  const Tensor inner = gated_ ? r.Glu(up, activation_) : r.Activation(up, activation_);
  return r.Linear(inner, Block(i) + "ffn.down");
}

AttentionForm Transformer::AttentionOf(int64_t layer) const {
  AttentionForm form;
  form.heads = spec_.n_heads();
  form.kv_heads = kv_heads_;
  form.head_dim = head_dim_;
  form.dropout = spec_.dropout().attention();
  const auto& sliding = spec_.sliding();
  if (spec_.kind() == "encoder") {
    form.mask = SHOAL_MASK_FULL;
  } else if (sliding.window() > 0 && !IsEveryNth(layer, sliding.full_every())) {
    form.mask = SHOAL_MASK_SLIDING;
    form.window = sliding.window();
  }
  return form;
}

bool Transformer::Rotates(int64_t layer) const {
  return spec_.position() == "rope" && !IsEveryNth(layer, spec_.rope().skip_every());
}

// ---- heads -------------------------------------------------------------------------------------

Tensor Transformer::Logits(Recorder& r, const Tensor& hidden, Dtype dtype) const {
  const std::string weight = spec_.tied_head() ? "tok_emb" : "lm_head.weight";
  if (spec_.head() != "mlm") {
    return r.Head(r.Scale(hidden, spec_.logit_scale()), weight, "", dtype);
  }
  Tensor h = r.Activation(r.Linear(hidden, "mlm.dense"), activation_);
  h = r.Norm(r.Cast(h, r.stat()), "mlm.norm", norm_);
  return r.Head(h, weight, "mlm.bias", dtype);
}

Tensor Transformer::LabelLogits(Recorder& r, const Tensor& hidden, const ModelInputs& inputs,
                                const Tensor& rows, Dtype dtype) const {
  Tensor pooled;
  if (spec_.pooler() == "mean") {
    pooled = r.MeanPool(hidden, inputs.offsets);
  } else {
    pooled = r.Linear(r.GatherRows(hidden, rows), "pooler");
    pooled = r.Activation(pooled, SHOAL_ACTIVATION_TANH);
  }
  pooled = r.Dropout(pooled, spec_.dropout().classifier());
  return r.Head(pooled, "classifier.weight", "classifier.bias", dtype);
}

int64_t Transformer::PooledRow(int64_t begin, int64_t end) const {
  return spec_.kind() == "encoder" ? begin : end - 1;
}

}  // namespace shoal::engine
