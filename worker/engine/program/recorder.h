// Records a program by running model code on symbolic tensors: every function appends one operation
// and returns the tensor it makes. The functions are named as in the textbook; shapes are those of
// plugins/abi/shoal_backend.h (N rows, D model width, V vocabulary, P positions).
//
//   Tensor h = r.Norm(x, "blocks.0.norm1", 1e-5);
//   h = r.Linear(h, "blocks.0.attn.qkv");
//
// Parameters are named; a layer `name` reads `name.weight`, and `name.bias` where the layout has
// one. A shape that does not fit is a bug of the model's code and ends the process.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_RECORDER_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_RECORDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "worker/engine/program/parameters.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// Largest extents of a program's runs.
struct Capacity {
  int64_t rows = 1;
  int64_t sequences = 1;
  int64_t selected = 1;
};

struct AdamWSettings {
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0, clip_norm = 0;
};

// Thread-compatible. `layout` and `io` must outlive the recorder.
class Recorder {
 public:
  Recorder(std::string name, Dtype act, const Capacity& capacity, const ParameterLayout& layout,
           IoLayout& io);

  const Capacity& capacity() const { return capacity_; }
  Dtype act() const { return program_.act; }
  Dtype stat() const { return program_.stat(); }

  // A tensor that the host writes or reads.
  Tensor Io(std::string_view name, Dtype dtype, const Shape& shape);
  // Keys or values of a layer: [P, D] act, number `index` of `count` equal caches.
  Tensor Cache(std::string_view name, int64_t index, int64_t positions, int64_t width);

  // table[tokens] + position_table[positions], then dropout: [N, D].
  Tensor Embedding(const Tensor& tokens, const std::string& table, const Tensor& positions,
                   const std::string& position_table, double dropout);
  // LayerNorm over each row; the result has the act dtype.
  Tensor Norm(const Tensor& x, const std::string& name, double eps);
  // x w^T + b.
  Tensor Linear(const Tensor& x, const std::string& name);
  // The output head: h w^T with `weight` by its full name. `dtype` of the logits.
  Tensor Head(const Tensor& h, const std::string& weight, Dtype dtype);
  Tensor Activation(const Tensor& x, shoal_activation activation);
  // The residual connection: x + dropout(branch).
  Tensor Add(const Tensor& x, const Tensor& branch, double dropout);
  // Causal attention within each sequence of a packed batch; offsets [S+1].
  Tensor Attention(const Tensor& qkv, const Tensor& offsets, int64_t heads, double dropout);
  // Causal attention of new rows of one sequence, which are appended to the caches.
  Tensor AttentionCached(const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                         int64_t heads);
  Tensor GatherRows(const Tensor& x, const Tensor& rows);
  // -log softmax(logits)[target] of each row: [N]; 0 where the target is -1.
  Tensor CrossEntropy(const Tensor& logits, const Tensor& targets);

  // Results for the host, named in the io layout.
  void Sum(const Tensor& x, std::string_view result);  // [1]
  // Makes a tensor that an operation wrote one that the host reads.
  void Return(const Tensor& x, std::string_view result);

  // The optimizer's program: the norm of all gradients, and AdamW over a range of the parameters.
  Tensor GlobalNorm(std::string_view result);
  void AdamW(const ParameterRange& range, const Tensor& norm, const AdamWSettings& settings,
             std::string label);

  // What was recorded.
  Program& program() { return program_; }
  Program Take() { return std::move(program_); }

 private:
  Op& Append(shoal_op_kind kind, std::string label);
  Tensor ParameterTensor(const std::string& name, Region region);
  Tensor OptionalBias(const std::string& name);
  Tensor Flat(Region region, const ParameterRange& range, Dtype dtype);
  uint32_t NextDropoutStream();
  std::string Rename(const Tensor& tensor, std::string_view suffix) const;

  const ParameterLayout& layout_;
  IoLayout& io_;
  Capacity capacity_;
  Program program_;
  uint32_t dropouts_ = 0;
};

// The tensor that matrix products read: bf16 copies live beside the master values.
inline Region MatmulRegion(Dtype act) {
  return act == Dtype::kBf16 ? Region::kCopy : Region::kMaster;
}

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_RECORDER_H_
