// Names of a sweep's runs: what differs, in short. Internal to core/spec, but for ShortTag.
//
//   tiny-L4   tiny-L4-lr0.001-s2   quickstart-small-s1
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/spec/axis.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// Makes names that are unique in the sweep and at most 64 bytes long, in the order of the calls.
class TrialNamer {
 public:
  explicit TrialNamer(const v1::SweepSpec& sweep);

  // `repeat` from 1; 0: a sweep without repeats.
  std::string Name(int32_t index, const Setting& setting, int32_t repeat);

 private:
  std::string base_;
  std::set<std::string> used_;
};

}  // namespace shoal::spec
