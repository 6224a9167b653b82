#include "core/spec/settings.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/base/digest.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace shoal::spec {
namespace {

constexpr int64_t kManyRuns = 1'000'000'000;
// Tries to find a setting that no earlier trial has, for each setting that a finite space has.
constexpr int64_t kDrawsPerSetting = 64;
constexpr int64_t kMostDraws = 1'000'000;  // of one trial

Setting Active(const std::vector<const Choice*>& chosen, const std::vector<bool>& active) {
  Setting setting;
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (active[i]) setting.push_back(*chosen[i]);
  }
  return setting;
}

// The choices of combination `index`: the last axis varies fastest.
std::vector<const Choice*> ChoicesOf(int64_t index, const std::vector<Axis>& axes) {
  std::vector<const Choice*> chosen(axes.size());
  for (size_t i = axes.size(); i-- > 0;) {
    const auto size = static_cast<int64_t>(axes[i].choices.size());
    chosen[i] = &axes[i].choices[static_cast<size_t>(index % size)];
    index /= size;
  }
  return chosen;
}

// Axes are told apart by their key, so that each has a stream of its own whatever others there are.
uint64_t StreamKey(uint64_t seed, const Axis& axis) {
  const Digest digest = Sha256Of(axis.path.empty() ? "variants" : StrCat("space.", axis.path));
  uint64_t hash = 0;
  for (size_t i = 0; i < 8; ++i) hash |= uint64_t{digest.bytes()[i]} << (8 * i);
  return seed ^ hash;
}

// What sets a setting apart, as text.
std::string KeyOf(const Setting& setting) {
  std::string key;
  for (const Choice& choice : setting) {
    StrAppend(key, choice.name, "\n");
    for (const Override& o : choice.overrides) StrAppend(key, o.path, "=", o.value, "\n");
  }
  return key;
}

// Draws settings. Draw `round` of trial t is a pure function of (sweep seed, path, t, round).
class Drawer {
 public:
  Drawer(const v1::SweepSpec& sweep, const std::vector<Axis>& axes, const Positions* positions)
      : axes_(axes), active_(sweep, axes) {
    for (const Axis& axis : axes) {
      keys_.push_back(StreamKey(sweep.has_seed() ? sweep.seed() : 1, axis));
      std::string position;
      if (positions != nullptr) {
        const auto it = positions->find(StrCat("space.", axis.path));
        if (it != positions->end()) position = it->second;
      }
      drawn_.push_back({.name = {}, .overrides = {{axis.path, "", std::move(position)}}});
    }
  }

  Setting Draw(int64_t trial, int64_t round) {
    std::vector<const Choice*> chosen(axes_.size());
    for (size_t i = 0; i < axes_.size(); ++i) {
      const Axis& axis = axes_[i];
      Random random(keys_[i], PurposeOf(Purpose::kSearch),
                    static_cast<uint64_t>(trial) | static_cast<uint64_t>(round) << 32);
      if (axis.range) {
        drawn_[i].overrides.front().value = axis.range->Draw(random);
        chosen[i] = &drawn_[i];
      } else {
        chosen[i] = &axis.choices[random.Below(axis.choices.size())];
      }
    }
    return Active(chosen, active_.Of(chosen));
  }

 private:
  const std::vector<Axis>& axes_;
  const ActiveAxes active_;
  std::vector<uint64_t> keys_;
  std::vector<Choice> drawn_;  // the value of a range, one for each axis
};

}  // namespace

int64_t GridSize(const std::vector<Axis>& axes) {
  int64_t size = 1;
  for (const Axis& axis : axes) {
    size *= static_cast<int64_t>(axis.choices.size());
    if (size > kManyRuns) return size;  // far past the cap; do not overflow
  }
  return size;
}

std::vector<Setting> GridSettings(const v1::SweepSpec& sweep, const std::vector<Axis>& axes) {
  const ActiveAxes active(sweep, axes);
  std::vector<Setting> settings;
  const int64_t size = GridSize(axes);
  for (int64_t index = 0; index < size; ++index) {
    const std::vector<const Choice*> chosen = ChoicesOf(index, axes);
    const std::vector<bool> varies = active.Of(chosen);
    bool first = true;  // of the combinations that differ only where nothing varies
    for (size_t i = 0; i < axes.size(); ++i) {
      first = first && (varies[i] || chosen[i] == &axes[i].choices.front());
    }
    if (first) settings.push_back(Active(chosen, varies));
  }
  return settings;
}

std::vector<Setting> RandomSettings(const v1::SweepSpec& sweep, const std::vector<Axis>& axes,
                                    const Positions* positions, Violations& violations) {
  int64_t settings_at_most = 1;
  for (const Axis& axis : axes) {
    settings_at_most *=
        axis.range ? axis.range->Size(kMostDraws) : static_cast<int64_t>(axis.choices.size());
    settings_at_most = std::min(settings_at_most, kMostDraws);
  }
  const int64_t most_draws = std::min(kMostDraws, settings_at_most * kDrawsPerSetting);
  Drawer drawer(sweep, axes, positions);
  std::vector<Setting> settings;
  std::set<std::string> seen;
  for (int64_t trial = 0; trial < sweep.trials(); ++trial) {
    int64_t round = 0;
    Setting setting = drawer.Draw(trial, round);
    while (!seen.insert(KeyOf(setting)).second) {
      if (++round == most_draws) {
        violations.AddAt(positions, "trials",
                         StrCat("is ", sweep.trials(), ", and the space has only ", trial,
                                " different settings; lower it, widen the space, or leave out "
                                "`strategy: random` to train them all"));
        return settings;
      }
      setting = drawer.Draw(trial, round);
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

}  // namespace shoal::spec
