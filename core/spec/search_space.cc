#include "core/spec/search_space.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/axis.h"
#include "core/spec/run_rules.h"
#include "core/spec/settings.h"
#include "core/spec/trial_names.h"
#include "core/spec/violations.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxTrialsListed = 20;
// Combinations of a grid that are looked at; conditions leave fewer settings.
constexpr int64_t kMostCombinations = 1'000'000;

// What Validate says of the trials. The same sentence about several trials is said once.
class TrialViolations {
 public:
  void Add(const Trial& trial, const std::string& line) {
    Said& said = said_[line];
    if (said.count++ == 0) {
      said.first = StrCat("trial ", trial.index, " (", trial.name, ")");
      order_.push_back(line);
    }
  }
  void Report(size_t trials, Violations& violations) const {
    for (size_t i = 0; i < std::min(order_.size(), kMaxTrialsListed); ++i) {
      const Said& said = said_.at(order_[i]);
      const std::string who = said.count == trials ? ""
                              : said.count == 1
                                  ? said.first
                                  : StrCat(said.first, " and ", said.count - 1, " more");
      violations.Add(who, "", order_[i]);
    }
    if (order_.size() > kMaxTrialsListed) {
      violations.Add(
          "", "",
          StrCat("and ", order_.size() - kMaxTrialsListed, " more violations of single runs"));
    }
  }

 private:
  struct Said {
    size_t count = 0;
    std::string first;
  };
  std::map<std::string, Said> said_;
  std::vector<std::string> order_;
};

// The trial's own positions: its base's, and those of what was overridden.
Positions TrialPositions(const Positions& all, const Setting& setting) {
  Positions own;
  for (auto it = all.lower_bound("base."); it != all.end() && it->first.starts_with("base.");
       ++it) {
    own.emplace(it->first.substr(5), it->second);
  }
  for (const Choice& choice : setting) {
    for (const Override& o : choice.overrides) {
      if (!o.position.empty()) own.insert_or_assign(o.path, o.position);
    }
  }
  return own;
}

int32_t RepeatsOf(const v1::SweepSpec& sweep) { return sweep.has_repeats() ? sweep.repeats() : 1; }

// Makes trials of settings, and collects what is wrong with them.
class TrialMaker {
 public:
  TrialMaker(const v1::SweepSpec& sweep, const Positions* positions)
      : sweep_(sweep), positions_(positions), namer_(sweep) {}

  void Add(const Setting& setting) {
    v1::RunSpec spec = sweep_.base();
    std::vector<std::string> differing;
    for (const Choice& choice : setting) {
      for (const Override& o : choice.overrides) {
        Apply(o, spec);
        if (!choice.constant) differing.push_back(StrCat(o.path, "=", o.value));
      }
    }
    FillDefaults(spec);
    const int32_t repeats = RepeatsOf(sweep_);
    const std::vector<uint64_t> seeds = RepeatSeeds(spec.seed(), repeats);
    for (int32_t repeat = 1; repeat <= repeats; ++repeat) {
      Trial& trial = trials_.emplace_back();
      trial.index = static_cast<int32_t>(trials_.size()) - 1;
      trial.spec = spec;
      trial.differing = differing;
      if (repeats > 1) {
        trial.spec.set_seed(seeds[static_cast<size_t>(repeat) - 1]);
        trial.differing.push_back(StrCat("seed=", trial.spec.seed()));
      }
      trial.name = namer_.Name(trial.index, setting, repeats > 1 ? repeat : 0);
      trial.spec.set_name(trial.name);
      Check(trial, setting);
    }
  }

  std::vector<Trial> Finish(Violations& violations) {
    said_.Report(trials_.size(), violations);
    return std::move(trials_);
  }

 private:
  void Check(const Trial& trial, const Setting& setting) {
    Violations own;
    const Positions at = positions_ == nullptr ? Positions() : TrialPositions(*positions_, setting);
    CheckRun(trial.spec, &at, own);
    for (const std::string& line : own.lines()) said_.Add(trial, line);
    const auto [first, is_new] = first_.emplace(TrialKey(trial), trials_.size() - 1);
    if (is_new) return;
    const Trial& same = trials_[first->second];
    said_.Add(trial, StrCat("is the same run as trial ", same.index, " (", same.name,
                            "); leave one of them out"));
  }

  const v1::SweepSpec& sweep_;
  const Positions* const positions_;
  TrialNamer namer_;
  TrialViolations said_;
  std::vector<Trial> trials_;
  std::map<std::string, size_t> first_;  // by TrialKey
};

// What the strategy asks of the other fields.
void CheckStrategy(const v1::SweepSpec& sweep, const Positions* positions, Violations& violations) {
  const bool random = sweep.strategy() == "random";
  const bool varies = !sweep.space().empty() || sweep.variants_size() > 0;
  if (random && sweep.trials() < 1 && !violations.Mentions("trials")) {
    violations.AddAt(positions, "trials",
                     "strategy random needs to know how many settings to draw, e.g. trials: 20");
  }
  if (!random && sweep.trials() > 0 && !violations.Mentions("strategy")) {
    violations.AddAt(positions, "trials",
                     "belongs to `strategy: random`; a grid has every combination");
  }
  if (RepeatsOf(sweep) > 1 && sweep.space().contains("seed")) {
    violations.AddAt(positions, "space.seed",
                     "is varied by `repeats` already; leave one of the two out");
  }
  if (!varies && (random || RepeatsOf(sweep) <= 1)) {
    violations.AddAt(positions, "space",
                     "varies nothing; give `space`, `variants` or `repeats`, or launch the base "
                     "as a run");
  }
}

void CheckSize(int64_t runs, const Positions* positions, Violations& violations) {
  if (runs <= kMaxTrials) return;
  violations.AddAt(positions, "space",
                   StrCat("makes ", runs > 1'000'000'000 ? "over 1000000000" : StrCat(runs),
                          " runs; a sweep has at most ", kMaxTrials));
}

// Settings, unless there is something wrong.
std::vector<Setting> SettingsOf(const v1::SweepSpec& sweep, const Positions* positions,
                                Violations& violations) {
  const std::vector<Axis> axes = ReadAxes(sweep, positions, violations);
  const int64_t repeats = RepeatsOf(sweep);
  const bool random = sweep.strategy() == "random";
  const bool conditions =
      std::any_of(axes.begin(), axes.end(), [](const Axis& axis) { return !axis.when.empty(); });
  const int64_t combinations = random ? sweep.trials() : GridSize(axes);
  if (!conditions || combinations > kMostCombinations) {
    CheckSize(combinations * repeats, positions, violations);
  }
  if (!violations.empty()) return {};
  if (random) return RandomSettings(sweep, axes, positions, violations);
  std::vector<Setting> settings = GridSettings(sweep, axes);
  CheckSize(static_cast<int64_t>(settings.size()) * repeats, positions, violations);
  return settings;
}

bool IsConstant(const v1::AxisSpec& axis) {
  return axis.values_size() == 1 || (axis.has_min() && axis.min() == axis.max());
}

}  // namespace

std::vector<uint64_t> RepeatSeeds(uint64_t seed, int32_t repeats) {
  Random random(seed, PurposeOf(Purpose::kSearch, 1));
  std::vector<uint64_t> seeds = {seed};
  std::set<uint64_t> used = {seed};
  while (seeds.size() < static_cast<size_t>(repeats)) {
    const uint64_t next = random.Below(uint64_t{1} << 31);
    if (used.insert(next).second) seeds.push_back(next);
  }
  return seeds;
}

std::string TrialKey(const Trial& trial) {
  v1::RunSpec spec = trial.spec;
  spec.clear_name();
  return spec.SerializeAsString();
}

std::vector<std::string> VariedPaths(const v1::SweepSpec& sweep) {
  std::set<std::string> in_variants;
  for (const v1::VariantSpec& variant : sweep.variants()) {
    for (const auto& [path, value] : variant.set()) in_variants.insert(path);
  }
  std::vector<std::string> paths(in_variants.begin(), in_variants.end());
  for (std::string& path : SpacePaths(sweep)) {
    if (!IsConstant(sweep.space().at(path))) paths.push_back(std::move(path));
  }
  if (RepeatsOf(sweep) > 1) paths.push_back("seed");
  return paths;
}

absl::StatusOr<std::vector<Trial>> ExpandSweep(const v1::SweepSpec& sweep,
                                               const Positions* positions) {
  Violations violations;
  v1::SweepSpec outline = sweep;  // the base is checked with each trial's values in it
  outline.clear_base();
  CheckFields(outline, "", positions, violations);
  if (sweep.has_name() && !violations.Mentions("name")) {
    if (auto what = NameProblem(sweep.name()); !what.empty()) {
      violations.AddAt(positions, "name", what);
    }
  }
  CheckStrategy(sweep, positions, violations);
  const std::vector<Setting> settings = SettingsOf(sweep, positions, violations);
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  TrialMaker maker(sweep, positions);
  for (const Setting& setting : settings) maker.Add(setting);
  std::vector<Trial> trials = maker.Finish(violations);
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  return trials;
}

}  // namespace shoal::spec
