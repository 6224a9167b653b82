#include "core/spec/search_space.h"

#include <algorithm>
#include <memory>
#include <set>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/run_rules.h"
#include "core/spec/violations.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxTrialsListed = 20;

struct Tag {
  std::string_view path, tag;
};
constexpr Tag kTags[] = {
    {"model.n_layers", "L"},       {"model.d_model", "d"},
    {"model.n_heads", "h"},        {"model.d_ff", "ff"},
    {"model.max_seq", "ctx"},      {"model.vocab_size", "v"},
    {"tokenizer.vocab_size", "v"}, {"seed", "s"},
    {"train.optimizer.lr", "lr"},  {"train.batch.size", "b"},
    {"train.steps", "t"},
};

// One override: a field of RunSpec and its value, checked.
struct Override {
  std::string path;
  std::string value;     // in its canonical spelling: "0.001" for "1e-3"
  std::string position;  // where it was written
};

// One dimension of the grid; the variants are one, and every path of the space.
struct Choice {
  std::string name;  // given name of a variant, else empty
  std::vector<Override> overrides;
};
using Axis = std::vector<Choice>;

std::string PositionOf(const Positions* positions, const std::string& path) {
  if (positions == nullptr) return "";
  const auto it = positions->find(path);
  return it == positions->end() ? "" : it->second;
}

// Checks `path` as something that can be varied. Returns what is wrong, or nothing.
std::optional<std::string> CheckVariable(const std::string& path) {
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), path);
  if (!fields.ok()) return std::string(fields.status().message());
  const FieldDescriptor& field = *fields->back();
  if (field.is_repeated() || field.message_type() != nullptr) {
    return StrCat("is a ", TypeName(field), "; only single values can be varied");
  }
  if (path == "name") return "cannot be varied; runs are named by what differs";
  return std::nullopt;
}

// Checks a value against its field. On success `value` is in canonical spelling.
std::optional<std::string> CheckOverride(const std::string& path, std::string& value) {
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), path);
  const FieldDescriptor& field = *fields->back();
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(field.containing_type());
  const std::unique_ptr<Message> scratch(prototype->New());
  if (auto problem = SetScalar(*scratch, field, value, false)) return problem;
  if (auto problem = CheckValue(*scratch, field)) return problem;
  value = ScalarText(*scratch, field);
  return std::nullopt;
}

// Sets a checked override.
void Apply(const Override& override, v1::RunSpec& spec) {
  Message* holder = &spec;
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), override.path);
  for (size_t i = 0; i + 1 < fields->size(); ++i) {
    holder = holder->GetReflection()->MutableMessage(holder, (*fields)[i]);
  }
  SetScalar(*holder, *fields->back(), override.value, false);
}

// The paths of the space in their order: alphabetical, `seed` last.
std::vector<std::string> SpacePaths(const v1::SweepSpec& sweep) {
  std::vector<std::string> paths;
  for (const auto& [path, axis] : sweep.space()) paths.push_back(path);
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a == "seed", a) < std::pair(b == "seed", b);
  });
  return paths;
}

// Reads the sweep's description into axes, collecting violations.
class AxisBuilder {
 public:
  AxisBuilder(const Positions* positions, Violations& violations)
      : positions_(positions), violations_(violations) {}

  void AddVariants(const v1::SweepSpec& sweep, std::vector<Axis>& axes) {
    if (sweep.variants_size() == 0) return;
    Axis axis;
    std::set<std::string> names;
    for (int i = 0; i < sweep.variants_size(); ++i) {
      const v1::VariantSpec& variant = sweep.variants(i);
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
        if (sweep.space().contains(path)) {
          Add(StrCat(at, ".set.", path), "is also in `space`; a path is varied in one place");
        }
      }
      if (variant.set().empty()) Add(at, "sets nothing");
      axis.push_back(std::move(choice));
    }
    axes.push_back(std::move(axis));
  }

  void AddSpace(const v1::SweepSpec& sweep, std::vector<Axis>& axes) {
    for (const std::string& path : SpacePaths(sweep)) {
      const std::string at = StrCat("space.", path);
      const v1::AxisSpec& values = sweep.space().at(path);
      if (auto problem = CheckVariable(path)) {
        Add(at, *problem);
        continue;
      }
      if (values.values_size() == 0) Add(at, "has no values; e.g. {values: [1, 2, 4]}");
      Axis axis;
      std::set<std::string> seen;
      for (int i = 0; i < values.values_size(); ++i) {
        const std::string item = StrCat(at, ".values[", i, "]");
        Choice choice;
        if (!AddOverride(item, path, values.values(i), choice)) continue;
        const std::string& value = choice.overrides.back().value;
        if (!seen.insert(value).second) Add(item, StrCat("'", value, "' is given twice"));
        axis.push_back(std::move(choice));
      }
      axes.push_back(std::move(axis));
    }
  }

 private:
  void Add(const std::string& path, std::string_view what) {
    violations_.AddAt(positions_, path, what);
  }

  bool AddOverride(const std::string& at, const std::string& path, std::string value,
                   Choice& choice) {
    auto problem = CheckVariable(path);
    if (!problem) problem = CheckOverride(path, value);
    if (problem) {
      Add(at, *problem);
      return false;
    }
    choice.overrides.push_back(
        {.path = path, .value = std::move(value), .position = PositionOf(positions_, at)});
    return true;
  }

  const Positions* const positions_;
  Violations& violations_;
};

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

std::string CleanName(std::string_view text) {
  std::string name;
  for (char c : text) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
    name.push_back(kept ? c : '_');
  }
  return name;
}

// Makes trial names: base, a tag per choice, unique and short enough.
class Namer {
 public:
  explicit Namer(const v1::SweepSpec& sweep)
      : base_(CleanName(sweep.base().has_name() ? sweep.base().name()
                        : sweep.has_name()      ? sweep.name()
                                                : "sweep")) {}

  std::string Name(int32_t index, const std::vector<const Choice*>& choices) {
    std::string name = base_;
    for (const Choice* choice : choices) {
      if (!choice->name.empty()) {
        StrAppend(name, "-", choice->name);
        continue;
      }
      for (const Override& o : choice->overrides) StrAppend(name, "-", ShortTag(o.path, o.value));
    }
    if (name.size() <= kMaxNameBytes && used_.insert(name).second) return name;
    const std::string number = StrCat("-t", index);
    name = name.substr(0, kMaxNameBytes - number.size()) + number;
    while (!used_.insert(name).second) name.append("x");
    return name;
  }

 private:
  std::string base_;
  std::set<std::string> used_;
};

// The trial's own positions: its base's, and those of what was overridden.
Positions TrialPositions(const Positions& all, const std::vector<const Choice*>& choices) {
  Positions own;
  for (auto it = all.lower_bound("base."); it != all.end() && it->first.starts_with("base.");
       ++it) {
    own.emplace(it->first.substr(5), it->second);
  }
  for (const Choice* choice : choices) {
    for (const Override& o : choice->overrides) {
      if (!o.position.empty()) own.insert_or_assign(o.path, o.position);
    }
  }
  return own;
}

int64_t GridSize(const std::vector<Axis>& axes) {
  int64_t size = 1;
  for (const Axis& axis : axes) {
    size *= static_cast<int64_t>(axis.size());
    if (size > 1'000'000'000) return size;  // far past the cap; do not overflow
  }
  return size;
}

// The choices of trial `index`: the last axis varies fastest.
std::vector<const Choice*> ChoicesOf(int64_t index, const std::vector<Axis>& axes) {
  std::vector<const Choice*> choices(axes.size());
  for (size_t i = axes.size(); i-- > 0;) {
    const auto size = static_cast<int64_t>(axes[i].size());
    choices[i] = &axes[i][static_cast<size_t>(index % size)];
    index /= size;
  }
  return choices;
}

std::vector<Trial> MakeTrials(const v1::SweepSpec& sweep, const std::vector<Axis>& axes,
                              const Positions* positions, Violations& violations) {
  const int64_t count = GridSize(axes);
  std::vector<Trial> trials;
  TrialViolations said;
  Namer namer(sweep);
  for (int64_t i = 0; i < count; ++i) {
    const auto choices = ChoicesOf(i, axes);
    Trial& trial = trials.emplace_back();
    trial.index = static_cast<int32_t>(i);
    trial.spec = sweep.base();
    for (const Choice* choice : choices) {
      for (const Override& o : choice->overrides) {
        Apply(o, trial.spec);
        trial.differing.push_back(StrCat(o.path, "=", o.value));
      }
    }
    trial.name = namer.Name(trial.index, choices);
    trial.spec.set_name(trial.name);
    FillDefaults(trial.spec);
    Violations own;
    const Positions at = positions == nullptr ? Positions() : TrialPositions(*positions, choices);
    CheckRun(trial.spec, &at, own);
    for (const std::string& line : own.lines()) said.Add(trial, line);
  }
  said.Report(trials.size(), violations);
  return trials;
}

}  // namespace

std::string ShortTag(std::string_view path, std::string_view value) {
  for (const Tag& tag : kTags) {
    if (tag.path == path) return CleanName(StrCat(tag.tag, value));
  }
  const std::string_view last = path.substr(path.find_last_of('.') + 1);
  const bool number = !value.empty() && (value[0] == '-' || (value[0] >= '0' && value[0] <= '9'));
  return CleanName(StrCat(last, number ? "" : "_", value));
}

std::vector<std::string> VariedPaths(const v1::SweepSpec& sweep) {
  std::set<std::string> in_variants;
  for (const v1::VariantSpec& variant : sweep.variants()) {
    for (const auto& [path, value] : variant.set()) in_variants.insert(path);
  }
  std::vector<std::string> paths(in_variants.begin(), in_variants.end());
  for (std::string& path : SpacePaths(sweep)) paths.push_back(std::move(path));
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
  std::vector<Axis> axes;
  AxisBuilder builder(positions, violations);
  builder.AddVariants(sweep, axes);
  builder.AddSpace(sweep, axes);
  if (sweep.space().empty() && sweep.variants_size() == 0) {
    violations.AddAt(positions, "space",
                     "varies nothing; give `space` or `variants`, or launch "
                     "the base as a run");
  }
  if (const int64_t count = GridSize(axes); count > kMaxTrials) {
    violations.AddAt(positions, "space",
                     StrCat("makes ", count > 1'000'000'000 ? "over 1000000000" : StrCat(count),
                            " runs; a sweep has at most ", kMaxTrials));
  }
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  std::vector<Trial> trials = MakeTrials(sweep, axes, positions, violations);
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  return trials;
}

absl::Status ApplyVary(v1::SweepSpec& sweep, std::string_view vary, Positions* positions) {
  Violations violations;
  const size_t equals = vary.find('=');
  const std::string path(StripSpace(vary.substr(0, equals)));
  if (equals == std::string_view::npos || path.empty()) {
    violations.Add("--vary", "",
                   StrCat("expected PATH=VALUE,VALUE, is '", vary.substr(0, 80), "'"));
    return violations.ToStatus();
  }
  if (auto problem = CheckVariable(path)) {
    violations.Add("--vary", path, *problem);
    return violations.ToStatus();
  }
  v1::AxisSpec axis;
  for (std::string_view part : StrSplit(vary.substr(equals + 1), ',')) {
    std::string value(StripSpace(part));
    if (auto problem = CheckOverride(path, value)) violations.Add("--vary", path, *problem);
    axis.add_values(value);
  }
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  (*sweep.mutable_space())[path] = axis;
  if (positions != nullptr) positions->insert_or_assign(StrCat("space.", path), "--vary");
  return absl::OkStatus();
}

}  // namespace shoal::spec
