// Checking messages: every field's own rule (the walk), then the rules that tie fields together.
#include "core/spec/run_rules.h"

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/search_space.h"
#include "core/spec/spec.h"
#include "core/spec/violations.h"

namespace shoal::spec {

void CheckFields(const Message& message, const std::string& path, const Positions* positions,
                 Violations& violations) {
  const auto& reflection = *message.GetReflection();
  if (reflection.GetUnknownFields(message).field_count() > 0) {
    violations.AddAt(
        positions, path,
        StrCat("holds field number ", reflection.GetUnknownFields(message).field(0).number(),
               ", which this version does not know"));
  }
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    const std::string child = ChildPath(path, field->name());
    const bool group = field->message_type() != nullptr;
    if (field->is_repeated()) {
      if (auto problem = CheckValue(message, *field)) violations.AddAt(positions, child, *problem);
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        const std::string item = StrCat(child, "[", i, "]");
        if (group) {
          CheckFields(reflection.GetRepeatedMessage(message, field, i), item, positions,
                      violations);
        } else if (auto problem = CheckValue(message, *field, i)) {
          violations.AddAt(positions, item, *problem);
        }
      }
    } else if (group) {
      if (reflection.HasField(message, field)) {
        CheckFields(reflection.GetMessage(message, field), child, positions, violations);
      }
    } else if (reflection.HasField(message, field)) {
      if (auto problem = CheckValue(message, *field)) violations.AddAt(positions, child, *problem);
    } else if (RuleOf(*field).required()) {
      violations.AddAt(positions, child, "must be given");
    }
  }
}

void CheckRun(const v1::RunSpec& spec, const Positions* positions, Violations& violations) {
  CheckFields(spec, "", positions, violations);
  v1::RunSpec complete = spec;
  FillDefaults(complete);
  CheckRunRules(complete, positions, violations);
}

void CheckSoundRules(const SpecFile& file, const std::vector<std::string>& varied,
                     Violations& violations) {
  // The names of a sweep's base as those of a run.
  const auto of_run = [&](std::string_view path) {
    constexpr std::string_view kBase = "base.";
    return std::string(file.is_sweep && path.starts_with(kBase) ? path.substr(kBase.size()) : path);
  };
  Violations found;
  for (const std::string& path : violations.paths()) found.Doubt(of_run(path));
  for (const std::string& path : varied) found.Doubt(path);
  for (const auto& [path, axis] : file.sweep.space()) found.Doubt(path);
  for (const v1::VariantSpec& variant : file.sweep.variants()) {
    for (const auto& [path, value] : variant.set()) found.Doubt(path);
  }
  Positions positions;
  for (const auto& [path, where] : file.positions) positions.insert_or_assign(of_run(path), where);
  v1::RunSpec complete = file.is_sweep ? file.sweep.base() : file.run;
  FillDefaults(complete);
  CheckRunRules(complete, &positions, found);
  for (const std::string& line : found.lines()) violations.Add("", "", line);
}

absl::Status Validate(const v1::RunSpec& spec, const Positions* positions) {
  Violations violations;
  CheckRun(spec, positions, violations);
  return violations.ToStatus();
}

absl::Status Validate(const v1::SweepSpec& spec, const Positions* positions) {
  return ExpandSweep(spec, positions).status();
}

}  // namespace shoal::spec
