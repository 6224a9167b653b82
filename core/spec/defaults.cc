// Filling in published defaults.
#include "core/base/check.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/spec.h"

namespace shoal::spec {
namespace {

// The one default that is another field's value: a job computes with as many threads as it takes
// slots, unless both are given.
void PairSlotsAndThreads(v1::ResourceSpec& resources) {
  if (resources.has_slots() && !resources.has_threads()) resources.set_threads(resources.slots());
  if (resources.has_threads() && !resources.has_slots()) resources.set_slots(resources.threads());
}

}  // namespace

void FillDefaults(Message& message) {
  if (message.GetDescriptor() == v1::ResourceSpec::descriptor()) {
    PairSlotsAndThreads(static_cast<v1::ResourceSpec&>(message));
  }
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
