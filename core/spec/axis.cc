#include "core/spec/axis.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/run_rules.h"
#include "core/spec/search_space.h"

namespace shoal::spec {
namespace {

bool Sets(const Axis& axis, const std::string& path) {
  if (axis.path == path) return true;
  return std::any_of(axis.choices.begin(), axis.choices.end(), [&](const Choice& choice) {
    return std::any_of(choice.overrides.begin(), choice.overrides.end(),
                       [&](const Override& o) { return o.path == path; });
  });
}

// Axes by their dependence: those that conditions look at come first. Fewer than there are: the
// others look at each other in a circle.
std::vector<size_t> OrderByConditions(const std::vector<Axis>& axes) {
  std::vector<size_t> order;
  std::vector<bool> placed(axes.size());
  const auto ready = [&](const Axis& axis) {
    for (const Condition& condition : axis.when) {
      for (size_t i = 0; i < axes.size(); ++i) {
        if (!placed[i] && Sets(axes[i], condition.path)) return false;
      }
    }
    return true;
  };
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < axes.size(); ++i) {
      if (placed[i] || !ready(axes[i])) continue;
      placed[i] = more = true;
      order.push_back(i);
    }
  }
  return order;
}

// Reads a sweep's description into axes, collecting violations.
class AxisReader {
 public:
  AxisReader(const v1::SweepSpec& sweep, const Positions* positions, Violations& violations)
      : sweep_(sweep), positions_(positions), violations_(violations) {}

  std::vector<Axis> Read() {
    AddVariants();
    for (const std::string& path : SpacePaths(sweep_)) AddPath(path);
    for (Axis& axis : axes_) {
      if (!axis.path.empty()) ReadConditions(axis);
    }
    CheckForCircles();
    return std::move(axes_);
  }

 private:
  void Add(const std::string& path, std::string_view what) {
    violations_.AddAt(positions_, path, what);
  }

  bool AddOverride(const std::string& at, const std::string& path, std::string value,
                   Choice& choice) {
    auto problem = VariableProblem(path);
    if (!problem) problem = CheckOverride(path, value);
    if (problem) {
      Add(at, *problem);
      return false;
    }
    std::string position;
    if (positions_ != nullptr) {
      if (const auto it = positions_->find(at); it != positions_->end()) position = it->second;
    }
    choice.overrides.push_back(
        {.path = path, .value = std::move(value), .position = std::move(position)});
    return true;
  }

  void AddVariants() {
    if (sweep_.variants_size() == 0) return;
    Axis axis;
    std::set<std::string> names;
    for (int i = 0; i < sweep_.variants_size(); ++i) {
      const v1::VariantSpec& variant = sweep_.variants(i);
      const std::string at = StrCat("variants[", i, "]");
      Choice choice{.name = variant.name(), .overrides = {}};
      if (!choice.name.empty()) {
        if (auto what = NameProblem(choice.name); !what.empty()) Add(StrCat(at, ".name"), what);
        if (!names.insert(choice.name).second) {
          Add(StrCat(at, ".name"), StrCat("'", choice.name, "' is given twice"));
        }
      }
      // map: alphabetical, whatever the hash order of this process
      for (const auto& [path, value] :
           std::map<std::string, std::string>(variant.set().begin(), variant.set().end())) {
        AddOverride(StrCat(at, ".set.", path), path, value, choice);
        if (sweep_.space().contains(path)) {
          Add(StrCat(at, ".set.", path), "is also in `space`; a path is varied in one place");
        }
      }
      if (variant.set().empty()) Add(at, "sets nothing");
      axis.choices.push_back(std::move(choice));
    }
    axes_.push_back(std::move(axis));
  }

  void AddPath(const std::string& path) {
    const std::string at = StrCat("space.", path);
    const v1::AxisSpec& spec = sweep_.space().at(path);
    if (auto problem = VariableProblem(path)) return Add(at, *problem);
    Axis axis{.path = path, .choices = {}, .range = {}, .when = {}};
    const bool range = spec.has_min() || spec.has_max();
    if (range && spec.values_size() > 0) {
      return Add(at, "give either `values` or a range (`min` and `max`), not both");
    }
    if (!range && (spec.scale() == "log" || spec.count() > 0 || spec.step() > 0)) {
      return Add(at, "scale, count and step belong to a range; give `min` and `max`");
    }
    if (range ? !ReadRange(at, spec, axis) : !ReadValues(at, spec, axis)) return;
    if (axis.choices.size() == 1 && !axis.range) axis.choices.front().constant = true;
    axes_.push_back(std::move(axis));
  }

  bool ReadValues(const std::string& at, const v1::AxisSpec& spec, Axis& axis) {
    if (spec.values_size() == 0) Add(at, "has no values; e.g. [1, 2, 4], or {min: 1, max: 8}");
    std::set<std::string> seen;
    for (int i = 0; i < spec.values_size(); ++i) {
      const std::string item = StrCat(at, ".values[", i, "]");
      Choice choice;
      if (!AddOverride(item, axis.path, spec.values(i), choice)) continue;
      const std::string& value = choice.overrides.back().value;
      if (!seen.insert(value).second)
        Add(item, StrCat("'", value, "' is given twice; --repeats 2 trains a setting twice"));
      axis.choices.push_back(std::move(choice));
    }
    return !axis.choices.empty();
  }

  bool ReadRange(const std::string& at, const v1::AxisSpec& spec, Axis& axis) {
    if (auto problem = Range::Problem(axis.path, spec)) {
      Add(at, *problem);
      return false;
    }
    axis.range.emplace(axis.path, spec);
    if (sweep_.strategy() == "random" && spec.min() < spec.max()) return true;
    const std::vector<std::string> points = axis.range->Grid(kMaxTrials);
    if (points.empty()) {
      Add(at,
          IsInteger(axis.path) && spec.scale() != "log"
              ? StrCat("has more than ", kMaxTrials,
                       " values; a grid needs `count`, the number of points, or a `step` (--vary ",
                       axis.path, "=", NumberText(spec.min()), "..", NumberText(spec.max()),
                       ":step=...)")
              : StrCat("a grid needs `count`, the number of points of the range (--vary ",
                       axis.path, "=", NumberText(spec.min()), "..", NumberText(spec.max()),
                       spec.scale() == "log" ? ":log:5" : ":5",
                       "); --trials 20 draws values at random"));
      return false;
    }
    if (const size_t distinct = std::set<std::string>(points.begin(), points.end()).size();
        distinct < points.size()) {
      Add(at, StrCat("count ", points.size(), " gives only ", distinct,
                     " different values; make the range wider or count smaller"));
      return false;
    }
    for (const std::string& point : points) {
      Choice choice;
      AddOverride(at, axis.path, point, choice);
      axis.choices.push_back(std::move(choice));
    }
    axis.range.reset();
    return true;
  }

  void ReadConditions(Axis& axis) {
    const auto& when = sweep_.space().at(axis.path).when();
    for (const auto& [path, text] : std::map<std::string, std::string>(when.begin(), when.end())) {
      const std::string at = StrCat("space.", axis.path, ".when.", path);
      std::string value = text;
      auto problem = VariableProblem(path);
      if (!problem) problem = CheckOverride(path, value);
      if (!problem && path == axis.path) problem = "a path cannot depend on itself";
      if (!problem && !IsVaried(path)) {
        problem = "is not varied; a condition looks at paths of `space` or `variants`";
      }
      if (problem) {
        Add(at, *problem);
      } else {
        axis.when.push_back({path, std::move(value)});
      }
    }
  }

  // By what was asked: an axis that is wrong in itself is not said to be missing.
  bool IsVaried(const std::string& path) const {
    return sweep_.space().contains(path) ||
           std::any_of(sweep_.variants().begin(), sweep_.variants().end(),
                       [&](const v1::VariantSpec& v) { return v.set().contains(path); });
  }

  void CheckForCircles() {
    const std::vector<size_t> order = OrderByConditions(axes_);
    for (size_t i = 0; i < axes_.size(); ++i) {
      if (std::find(order.begin(), order.end(), i) != order.end()) continue;
      Add(StrCat("space.", axes_[i].path, ".when"),
          "the conditions depend on each other in a circle");
    }
  }

  const v1::SweepSpec& sweep_;
  const Positions* const positions_;
  Violations& violations_;
  std::vector<Axis> axes_;
};

}  // namespace

std::vector<std::string> SpacePaths(const v1::SweepSpec& sweep) {
  std::vector<std::string> paths;
  for (const auto& [path, axis] : sweep.space()) paths.push_back(path);
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a == "seed", a) < std::pair(b == "seed", b);
  });
  return paths;
}

std::vector<Axis> ReadAxes(const v1::SweepSpec& sweep, const Positions* positions,
                           Violations& violations) {
  return AxisReader(sweep, positions, violations).Read();
}

ActiveAxes::ActiveAxes(const v1::SweepSpec& sweep, const std::vector<Axis>& axes)
    : axes_(axes), base_(sweep.base()), order_(OrderByConditions(axes)) {
  FillDefaults(base_);
}

std::vector<bool> ActiveAxes::Of(const std::vector<const Choice*>& chosen) const {
  std::vector<bool> active(axes_.size());
  std::map<std::string_view, std::string_view> values;  // that active axes set
  for (const size_t i : order_) {
    active[i] =
        std::all_of(axes_[i].when.begin(), axes_[i].when.end(), [&](const Condition& condition) {
          const auto it = values.find(condition.path);
          return it == values.end() ? ValueOf(base_, condition.path) == condition.value
                                    : it->second == condition.value;
        });
    if (!active[i]) continue;
    for (const Override& o : chosen[i]->overrides) values.emplace(o.path, o.value);
  }
  return active;
}

}  // namespace shoal::spec
