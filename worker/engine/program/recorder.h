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

enum class NormKind { kLayer, kRms };
struct NormForm {
  NormKind kind = NormKind::kLayer;
  double eps = 1e-5;
};

// One attention layer: H heads of width C, sharing G key and value heads.
struct AttentionForm {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
  shoal_mask mask = SHOAL_MASK_CAUSAL;
  int64_t window = 0;  // SLIDING
  double dropout = 0;
  int64_t qkv_width() const { return (heads + 2 * kv_heads) * head_dim; }
};

struct AdamWSettings {
  double beta1 = 0.9, beta2 = 0.95, eps = 1e-8, weight_decay = 0, clip_norm = 0;
};

struct MuonSettings {
  double momentum = 0.95, weight_decay = 0, clip_norm = 0;
  double lr_multiplier = 1;  // of the schedule's rate
  int iterations = 5;
};

// How much a loss is, in the terms of SHOAL_OP_DISTILLATION_LOSS.
struct DistillationSettings {
  double temperature = 1, weight = 0.5;
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

  struct EmbeddingTables {
    std::string tokens{};
    std::string positions{}, segments{};  // empty: none
  };
  // The sum of the tables' rows, then dropout: [N, D].
  Tensor Embedding(const Tensor& tokens, const Tensor& positions, const Tensor& segments,
                   const EmbeddingTables& tables, double dropout);
  // Normalises each row. The result has the act dtype, or `result`.
  Tensor Norm(const Tensor& x, const std::string& name, const NormForm& form);
  Tensor Norm(const Tensor& x, const std::string& name, const NormForm& form, Dtype result);
  // x w^T + b.
  Tensor Linear(const Tensor& x, const std::string& name);
  // An output head: h w^T + b with `weight` and `bias` by their full names; an empty bias is none.
  // `dtype` of the logits.
  Tensor Head(const Tensor& h, const std::string& weight, const std::string& bias, Dtype dtype);
  Tensor Activation(const Tensor& x, shoal_activation activation);
  // act(gate) * up, of [gate | up]: [N, 2F] -> [N, F].
  Tensor Glu(const Tensor& gate_up, shoal_activation activation);
  // The residual connection: x + dropout(branch).
  Tensor Add(const Tensor& x, const Tensor& branch, double dropout);
  // Nothing is recorded where nothing changes: no dropout, the same dtype, a factor of 1.
  Tensor Dropout(const Tensor& x, double dropout);
  Tensor Cast(const Tensor& x, Dtype dtype);
  Tensor Scale(const Tensor& x, double factor);
  // Turns queries and keys by their positions.
  Tensor Rope(const Tensor& qkv, const Tensor& positions, const AttentionForm& form, double theta,
              bool interleaved);
  // Attention within each sequence of a packed batch; offsets [S+1].
  Tensor Attention(const Tensor& qkv, const Tensor& offsets, const AttentionForm& form);
  // What its softmax gives, for people to look at: [N, H P] with P = `positions`.
  Tensor AttentionProbabilities(const Tensor& qkv, const Tensor& offsets, const AttentionForm& form,
                                int64_t positions);
  // Attention of new rows of one sequence, which are appended to the caches.
  Tensor AttentionCached(const Tensor& qkv, const Tensor& k_cache, const Tensor& v_cache,
                         const AttentionForm& form);
  Tensor GatherRows(const Tensor& x, const Tensor& rows);
  // Mean over the rows of each sequence: [R, D], R = sequences.
  Tensor MeanPool(const Tensor& x, const Tensor& offsets);
  // -log softmax(logits)[target] of each row: [N]; 0 where the target is -1.
  Tensor CrossEntropy(const Tensor& logits, const Tensor& targets, double label_smoothing);
  // Cross-entropy and the divergence from the teachers' `probabilities` [N, V].
  Tensor DistillationLoss(const Tensor& logits, const Tensor& targets, const Tensor& probabilities,
                          const DistillationSettings& settings, double label_smoothing);
  // sum (+)= weight * x; p (+)= weight * softmax(x / temperature). For teachers' predictions.
  void AddScaled(const Tensor& x, double weight, const Tensor& sum, bool first);
  void AddSoftmax(const Tensor& logits, double temperature, double weight, const Tensor& sum,
                  bool first);

  // Results for the host, named in the io layout.
  void Sum(const Tensor& x, std::string_view result);  // [1]
  // Makes a tensor that an operation wrote one that the host reads.
  void Return(const Tensor& x, std::string_view result);

  // The optimizer's program: the norm of all gradients, and AdamW over a range of the parameters.
  Tensor GlobalNorm(std::string_view result);
  void AdamW(const ParameterRange& range, const Tensor& norm, const AdamWSettings& settings,
             std::string label);
  // Muon on every matrix of the layout's muon range, each part of it by itself.
  void Muon(const Tensor& norm, const MuonSettings& settings);
  // The average of all parameters, into the regions of the average.
  void MovingAverage(double decay);

  // What was recorded.
  Program& program() { return program_; }
  Program Take() { return std::move(program_); }

 private:
  Op& Append(shoal_op_kind kind, std::string label);
  Tensor ParameterTensor(const std::string& name, Region region);
  Tensor OptionalBias(const std::string& name);
  Tensor NewSlot(Region region, std::string_view name, int64_t offset, const Shape& shape,
                 Dtype dtype);
  static void SetAttention(Op& op, const AttentionForm& form);
  void AppendMuon(const Parameter& parameter, int64_t first_row, int64_t rows, const Tensor& norm,
                  const MuonSettings& settings);
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
