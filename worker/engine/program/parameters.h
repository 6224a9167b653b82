// The parameters of a model and their places in flat buffers.
//
// Parameters that decay come first, then those that do not, then the matrices that Muon trains;
// each group is contiguous, so that AdamW runs over two flat ranges and the gradient norm over one.
// Gradients, first and second moments and bf16 copies use the same element offsets in buffers of
// their own; Muon's matrices have no second moment. Offsets are multiples of 32
// elements (64 bytes in every dtype); the gaps hold zeros and stay zero.
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_PARAMETERS_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_PARAMETERS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/engine/program/tensor.h"

namespace shoal::engine {

struct Initialization {
  enum class Kind { kConstant, kNormal };
  Kind kind = Kind::kConstant;
  double value = 0;  // the constant, or the standard deviation
};

struct Parameter {
  std::string name;  // canonical: "blocks.0.attn.qkv.weight"
  Shape shape;
  Initialization init;
  std::vector<int64_t> parts{};  // rows of matrices one below the other: q, k and v. Empty: one
  bool decay = false;
  bool muon = false;
  int64_t offset = 0;  // in elements
  int64_t elements() const { return shape.elements(); }
};

// A contiguous range of the flat buffers.
struct ParameterRange {
  int64_t offset = 0;  // in elements
  int64_t elements = 0;
};

// Which optimizer trains what.
struct ParameterGroups {
  bool decay_all = false;  // every parameter decays; otherwise matrices (rank 2) only
  bool muon = false;       // the matrices of the blocks are Muon's
};

// Immutable once laid out.
class ParameterLayout {
 public:
  ParameterLayout() = default;
  // Keeps the order of `parameters` as their index (initialisation is keyed by it) and assigns
  // offsets.
  explicit ParameterLayout(std::vector<Parameter> parameters, const ParameterGroups& groups = {});

  const std::vector<Parameter>& parameters() const { return parameters_; }
  // Null when there is none of that name.
  const Parameter* Find(std::string_view name) const;
  int64_t count() const { return count_; }  // elements, without gaps: the model's size
  int64_t flat_elements() const { return adamw_elements() + muon_.elements; }  // with gaps
  int64_t adamw_elements() const { return decay_.elements + no_decay_.elements; }
  ParameterRange decay() const { return decay_; }        // AdamW's
  ParameterRange no_decay() const { return no_decay_; }  // AdamW's
  ParameterRange muon() const { return muon_; }

 private:
  std::vector<Parameter> parameters_;
  int64_t count_ = 0;
  ParameterRange decay_;
  ParameterRange no_decay_;
  ParameterRange muon_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_PARAMETERS_H_
