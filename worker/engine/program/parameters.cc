#include "worker/engine/program/parameters.h"

#include <utility>

namespace shoal::engine {
namespace {

constexpr int64_t kAlignment = 32;  // elements: 64 bytes of bf16

int64_t RoundUp(int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

ParameterLayout::ParameterLayout(std::vector<Parameter> parameters, bool decay_all)
    : parameters_(std::move(parameters)) {
  int64_t end = 0;
  for (bool decaying : {true, false}) {
    ParameterRange& range = decaying ? decay_ : no_decay_;
    range.offset = end;
    for (Parameter& parameter : parameters_) {
      parameter.decay = decay_all || parameter.shape.rank == 2;
      if (parameter.decay != decaying) continue;
      parameter.offset = end;
      end += RoundUp(parameter.elements());
      count_ += parameter.elements();
    }
    range.elements = end - range.offset;
  }
}

const Parameter* ParameterLayout::Find(std::string_view name) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

}  // namespace shoal::engine
