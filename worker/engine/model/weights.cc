#include "worker/engine/model/weights.h"

#include <bit>
#include <utility>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::engine {
namespace {

// Round to nearest, ties to even; NaN stays NaN.
uint16_t ToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Weights>> Weights::Create(Device& device, ParameterLayout layout,
                                                         Dtype act) {
  std::shared_ptr<Weights> weights(new Weights(std::move(layout), act));
  const int64_t elements = weights->layout_.flat_elements();
  SHOAL_ASSIGN_OR_RETURN(weights->master_, device.Allocate(elements * (act == Dtype::kF64 ? 8 : 4)),
                         "parameters");
  if (act == Dtype::kBf16) {
    SHOAL_ASSIGN_OR_RETURN(weights->copy_, device.Allocate(elements * 2), "bf16 parameters");
  }
  return weights;
}

absl::Status Weights::Initialize(uint64_t seed) {
  const std::vector<Parameter>& parameters = layout_.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Initialization& init = parameters[i].init;
    std::vector<float> values(static_cast<size_t>(parameters[i].elements()),
                              static_cast<float>(init.value));
    if (init.kind == Initialization::Kind::kNormal) {
      Random random(seed, PurposeOf(Purpose::kInit), i);
      for (float& value : values) value = random.Normal() * static_cast<float>(init.value);
    }
    SHOAL_RETURN_IF_ERROR(Upload(parameters[i], values));
  }
  return absl::OkStatus();
}

absl::Status Weights::Set(std::string_view name, std::span<const float> values) {
  const Parameter* parameter = layout_.Find(name);
  if (parameter == nullptr) return absl::NotFoundError(StrCat("no parameter named ", name));
  if (static_cast<int64_t>(values.size()) != parameter->elements()) {
    return absl::InvalidArgumentError(
        StrCat(name, " has ", parameter->elements(), " elements, given were ", values.size()));
  }
  return Upload(*parameter, values);
}

absl::Status Weights::Upload(const Parameter& parameter, std::span<const float> values) {
  if (act_ == Dtype::kF64) {
    const std::vector<double> wide(values.begin(), values.end());
    return master_.Write(parameter.offset * 8, wide.data(), parameter.elements() * 8);
  }
  SHOAL_RETURN_IF_ERROR(
      master_.Write(parameter.offset * 4, values.data(), parameter.elements() * 4));
  if (act_ != Dtype::kBf16) return absl::OkStatus();
  std::vector<uint16_t> rounded(values.size());
  for (size_t i = 0; i < values.size(); ++i) rounded[i] = ToBf16(values[i]);
  return copy_.Write(parameter.offset * 2, rounded.data(), parameter.elements() * 2);
}

absl::StatusOr<std::vector<float>> Weights::Get(std::string_view name) const {
  const Parameter* parameter = layout_.Find(name);
  if (parameter == nullptr) return absl::NotFoundError(StrCat("no parameter named ", name));
  std::vector<float> values(static_cast<size_t>(parameter->elements()));
  if (act_ == Dtype::kF64) {
    std::vector<double> wide(values.size());
    SHOAL_RETURN_IF_ERROR(
        master_.Read(parameter->offset * 8, wide.data(), parameter->elements() * 8));
    for (size_t i = 0; i < wide.size(); ++i) values[i] = static_cast<float>(wide[i]);
    return values;
  }
  SHOAL_RETURN_IF_ERROR(
      master_.Read(parameter->offset * 4, values.data(), parameter->elements() * 4));
  return values;
}

}  // namespace shoal::engine
