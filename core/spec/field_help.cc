#include "core/spec/field_help.h"

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {
namespace {

FieldHelp HelpOf(const FieldDescriptor& field, const std::string& path) {
  const v1::FieldRule& rule = RuleOf(field);
  FieldHelp help;
  help.path = path;
  help.type = TypeName(field);
  help.default_value = rule.default_value();
  if (rule.one_of_size() > 0) {
    help.range = StrCat("one of: ", StrJoin(rule.one_of(), ", "));
  } else if (const std::string range = RangeText(rule); !range.empty()) {
    const bool list = field.is_repeated();
    const bool text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    help.range = list ? StrCat(range, " entries") : text ? StrCat(range, " bytes") : range;
  }
  help.unit = rule.unit();
  help.help = rule.help();
  help.identity = !rule.not_identity();
  return help;
}

void Collect(const Descriptor& message, const std::string& parent, std::vector<FieldHelp>& out) {
  for (const FieldDescriptor* field : FieldsByNumber(message)) {
    const std::string path = ChildPath(parent, field->name());
    if (field->message_type() != nullptr && !field->is_repeated()) {
      Collect(*field->message_type(), path, out);
    } else {
      out.push_back(HelpOf(*field, path));
    }
  }
}

}  // namespace

absl::StatusOr<FieldHelp> DescribeField(const Descriptor& root, std::string_view path) {
  auto fields = ResolvePath(root, path);
  if (!fields.ok()) return absl::NotFoundError(fields.status().message());
  return HelpOf(*fields->back(), std::string(path));
}

absl::StatusOr<FieldHelp> DescribeField(std::string_view path) {
  return DescribeField(*v1::RunSpec::descriptor(), path);
}

std::vector<FieldHelp> ListFields(const Descriptor& root) {
  std::vector<FieldHelp> fields;
  Collect(root, "", fields);
  return fields;
}

std::vector<FieldHelp> ListFields() { return ListFields(*v1::RunSpec::descriptor()); }

std::string FormatFieldHelp(const FieldHelp& help) {
  std::string text = StrCat(help.path, "  ", help.type);
  const bool leaf = help.type != "group" && help.type != "map" && !help.type.starts_with("list");
  if (leaf) StrAppend(text, ", default ", help.default_value.empty() ? "\"\"" : help.default_value);
  if (!help.unit.empty()) StrAppend(text, " ", help.unit);
  if (!help.range.empty()) StrAppend(text, ", ", help.range);
  return StrCat(text, "\n  ", help.help, "\n");
}

}  // namespace shoal::spec
