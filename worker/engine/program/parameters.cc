#include "worker/engine/program/parameters.h"

#include <utility>

namespace shoal::engine {
namespace {

constexpr int64_t kAlignment = 32;  // elements: 64 bytes of bf16

int64_t RoundUp(int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

ParameterLayout::ParameterLayout(std::vector<Parameter> parameters, const ParameterGroups& groups)
    : parameters_(std::move(parameters)) {
  for (Parameter& parameter : parameters_) {
    const bool matrix = parameter.shape.rank == 2;
    parameter.decay = groups.decay_all || matrix;
    parameter.muon = groups.muon && matrix && parameter.name.starts_with("blocks.");
  }
  int64_t end = 0;
  const auto place = [&](const auto& belongs) {
    ParameterRange range{end, 0};
    for (Parameter& parameter : parameters_) {
      if (!belongs(parameter)) continue;
      parameter.offset = end;
      end += RoundUp(parameter.elements());
      count_ += parameter.elements();
    }
    range.elements = end - range.offset;
    return range;
  };
  decay_ = place([](const Parameter& p) { return p.decay && !p.muon; });
  no_decay_ = place([](const Parameter& p) { return !p.decay; });
  muon_ = place([](const Parameter& p) { return p.muon; });
}

const Parameter* ParameterLayout::Find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

}  // namespace shoal::engine
