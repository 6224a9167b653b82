// What the rules between fields share. Internal to core/spec.
#pragma once

#include <initializer_list>
#include <string_view>

#include "core/spec/spec.h"
#include "core/spec/violations.h"

namespace shoal::spec {

// Says something about a path. A rule first asks whether the fields it reads are clean: where one
// of them is wrong by itself, the rule has nothing to add.
class Rules {
 public:
  Rules(const Positions* positions, Violations& violations)
      : positions_(positions), violations_(violations) {}

  bool Clean(std::initializer_list<std::string_view> paths) const {
    for (std::string_view path : paths) {
      if (violations_.Mentions(path)) return false;
    }
    return true;
  }
  void Add(std::string_view path, std::string_view what) {
    violations_.AddAt(positions_, path, what);
  }

 private:
  const Positions* const positions_;
  Violations& violations_;
};

// The rules of the model's fields (model_rules.cc). `spec` is complete.
void CheckModelRules(const v1::RunSpec& spec, Rules& rules);

}  // namespace shoal::spec
