#include "core/spec/override.h"

#include <memory>

#include "core/base/strings.h"
#include "core/spec/fields.h"

namespace shoal::spec {
namespace {

const FieldDescriptor& FieldOf(const std::string& path) {
  return *ResolvePath(*v1::RunSpec::descriptor(), path)->back();
}

}  // namespace

std::optional<std::string> VariableProblem(const std::string& path) {
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), path);
  if (!fields.ok()) return std::string(fields.status().message());
  const FieldDescriptor& field = *fields->back();
  if (field.is_repeated() || field.message_type() != nullptr) {
    return StrCat("is a ", TypeName(field), "; only single values can be varied");
  }
  if (path == "name") return "cannot be varied; runs are named by what differs";
  return std::nullopt;
}

bool IsInteger(const std::string& path) { return TypeName(FieldOf(path)) == "integer"; }

bool IsNumber(const std::string& path) {
  return IsInteger(path) || TypeName(FieldOf(path)) == "number";
}

std::optional<std::string> CheckOverride(const std::string& path, std::string& value) {
  const FieldDescriptor& field = FieldOf(path);
  const auto* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(field.containing_type());
  const std::unique_ptr<Message> scratch(prototype->New());
  if (auto problem = SetScalar(*scratch, field, value, false)) return problem;
  if (auto problem = CheckValue(*scratch, field)) return problem;
  value = ScalarText(*scratch, field);
  return std::nullopt;
}

void Apply(const Override& override, v1::RunSpec& spec) {
  Message* holder = &spec;
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), override.path);
  for (size_t i = 0; i + 1 < fields->size(); ++i) {
    holder = holder->GetReflection()->MutableMessage(holder, (*fields)[i]);
  }
  SetScalar(*holder, *fields->back(), override.value, false);
}

std::string ValueOf(const v1::RunSpec& spec, const std::string& path) {
  const Message* holder = &spec;
  const auto fields = ResolvePath(*v1::RunSpec::descriptor(), path);
  for (size_t i = 0; i + 1 < fields->size(); ++i) {
    holder = &holder->GetReflection()->GetMessage(*holder, (*fields)[i]);
  }
  return ScalarText(*holder, *fields->back());
}

}  // namespace shoal::spec
