// `--vary PATH=VALUES` -> an axis of a sweep's space.
#include <charconv>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/override.h"
#include "core/spec/range.h"
#include "core/spec/search_space.h"
#include "core/spec/violations.h"

namespace shoal::spec {
namespace {

bool ReadNumber(std::string_view text, double& value) {
  text = StripSpace(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadCount(std::string_view text, int32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 1;
}

// "1e-4..1e-2:log:5". Returns what is wrong, or nothing.
std::optional<std::string> ReadRange(std::string_view text, v1::AxisSpec& axis) {
  const std::vector<std::string_view> parts = StrSplit(text, ':');
  const size_t dots = parts[0].find("..");
  double min = 0, max = 0, step = 0;
  int32_t count = 0;
  if (!ReadNumber(parts[0].substr(0, dots), min) || !ReadNumber(parts[0].substr(dots + 2), max)) {
    return StrCat("expected MIN..MAX, is '", parts[0].substr(0, 80), "'");
  }
  axis.set_min(min);
  axis.set_max(max);
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = StripSpace(parts[i]);
    if (part == "log" || part == "linear") {
      axis.set_scale(std::string(part));
    } else if (part.starts_with("step=") && ReadNumber(part.substr(5), step)) {
      axis.set_step(step);
    } else if (ReadCount(part, count)) {
      axis.set_count(count);
    } else {
      return StrCat("expected log, step=NUMBER or how many points after MIN..MAX, is '",
                    part.substr(0, 80), "'");
    }
  }
  return std::nullopt;
}

}  // namespace

absl::Status ApplyVary(v1::SweepSpec& sweep, std::string_view vary, Positions* positions) {
  Violations violations;
  const size_t equals = vary.find('=');
  const std::string path(StripSpace(vary.substr(0, equals)));
  if (equals == std::string_view::npos || path.empty()) {
    violations.Add(
        "--vary", "",
        StrCat("expected PATH=VALUE,VALUE or PATH=MIN..MAX, is '", vary.substr(0, 80), "'"));
    return violations.ToStatus();
  }
  if (auto problem = VariableProblem(path)) {
    violations.Add("--vary", path, *problem);
    return violations.ToStatus();
  }
  const std::string_view text = vary.substr(equals + 1);
  v1::AxisSpec axis;
  if (IsNumber(path) && text.find("..") != std::string_view::npos &&
      text.find(',') == std::string_view::npos) {
    auto problem = ReadRange(text, axis);
    if (!problem) problem = Range::Problem(path, axis);
    if (problem) violations.Add("--vary", path, *problem);
  } else {
    for (std::string_view part : StrSplit(text, ',')) {
      std::string value(StripSpace(part));
      if (auto problem = CheckOverride(path, value)) violations.Add("--vary", path, *problem);
      axis.add_values(value);
    }
  }
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  (*sweep.mutable_space())[path] = axis;
  if (positions != nullptr) positions->insert_or_assign(StrCat("space.", path), "--vary");
  return absl::OkStatus();
}

}  // namespace shoal::spec
