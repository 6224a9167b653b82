#include "cli/output/asked_spec.h"

#include "core/spec/fields.h"
#include "core/spec/print.h"

namespace shoal::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// False when nothing is left.
bool ClearDefaults(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  bool any = false;
  for (const FieldDescriptor* field : spec::FieldsByNumber(*message.GetDescriptor())) {
    const bool group =
        !field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    const bool stays = group ? reflection.HasField(message, field) &&
                                   ClearDefaults(*reflection.MutableMessage(&message, field))
                             : !spec::IsDefault(message, *field);
    if (!stays) reflection.ClearField(&message, field);
    any |= stays;
  }
  return any;
}

}  // namespace

std::string AskedSpec(const v1::RunSpec& spec) {
  v1::RunSpec asked = spec;
  return ClearDefaults(asked) ? spec::ToYaml(asked) : "";
}

}  // namespace shoal::cli
