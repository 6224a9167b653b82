// The parameters of one model on one device: f32 master values and, for a bf16 program, the copy
// that matrix products read. Trainer, evaluator and generator share one object.
//
// Values are dense f32 on the host, in the order of layout().parameters, by canonical name
// ("blocks.0.attn.qkv.weight").
#ifndef SHOAL_WORKER_ENGINE_MODEL_WEIGHTS_H_
#define SHOAL_WORKER_ENGINE_MODEL_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/program/parameters.h"

namespace shoal::engine {

// Thread-compatible; use from the device's thread only.
class Weights {
 public:
  // Zero-filled. `act` is what matrix products read: kF32, kBf16, or kF64 (reference only).
  static absl::StatusOr<std::shared_ptr<Weights>> Create(Device& device, ParameterLayout layout,
                                                         Dtype act);

  // Draws every parameter from its initialisation with Philox keyed by (seed, parameter index).
  absl::Status Initialize(uint64_t seed);

  // One parameter's values. Errors: NotFound, InvalidArgument (wrong element count).
  absl::Status Set(std::string_view name, std::span<const float> values);
  absl::StatusOr<std::vector<float>> Get(std::string_view name) const;

  const ParameterLayout& layout() const { return layout_; }
  Dtype act() const { return act_; }
  const Buffer& master() const { return master_; }
  const Buffer& copy() const { return copy_; }  // empty unless act is kBf16

 private:
  Weights(ParameterLayout layout, Dtype act) : layout_(std::move(layout)), act_(act) {}
  absl::Status Upload(const Parameter& parameter, std::span<const float> values);

  ParameterLayout layout_;
  Dtype act_;
  Buffer master_;
  Buffer copy_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_MODEL_WEIGHTS_H_
