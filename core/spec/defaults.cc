// Filling in published defaults.
#include "core/base/check.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/spec.h"

namespace shoal::spec {

void FillDefaults(Message& message) {
  const auto* reflection = message.GetReflection();
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    if (field->is_map()) continue;
    if (field->message_type() != nullptr) {
      if (!field->is_repeated()) FillDefaults(*reflection->MutableMessage(&message, field));
      continue;
    }
    if (field->is_repeated() || !field->has_presence() || reflection->HasField(message, field) ||
        RuleOf(*field).required()) {
      continue;
    }
    const auto problem = SetScalar(message, *field, RuleOf(*field).default_value(), false);
    SHOAL_CHECK(!problem.has_value(), field->full_name(), " has a bad default: ", *problem);
  }
}

}  // namespace shoal::spec
