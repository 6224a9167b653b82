// Descriptors and their rules: paths, names, ranges, scalars as text. The walkers (reader.cc,
// validate.cc, print.cc, defaults.cc, field_help.cc) share what is here; nothing about a particular
// field is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "shoal/v1/field_options.pb.h"

namespace shoal::spec {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const v1::FieldRule& RuleOf(const FieldDescriptor& field);

// The fields of a message in order of their numbers.
std::vector<const FieldDescriptor*> FieldsByNumber(const Descriptor& message);

// "train" and "steps" -> "train.steps"; an empty parent is left out.
std::string ChildPath(std::string_view parent, std::string_view name);

// What is wrong with `name` as a field of `message`: "unknown field 'n_layer'; did you mean
// 'n_layers'?". `root` (may be null) is searched for a field of that name elsewhere.
std::string UnknownField(const Descriptor& message, std::string_view name, const Descriptor* root);

// "model.n_layers" -> the fields on the way. Errors: INVALID_ARGUMENT saying which part is unknown.
absl::StatusOr<std::vector<const FieldDescriptor*>> ResolvePath(const Descriptor& root,
                                                                std::string_view path);

// The candidate nearest to `name` in edit distance, when it is near enough to be meant.
std::optional<std::string> Nearest(std::string_view name,
                                   const std::vector<std::string>& candidates);

// "integer", "number", "text", "true or false", "list of text", "group".
std::string TypeName(const FieldDescriptor& field);
// "> 0 and <= 10"; empty without bounds. For text and lists it is the bound of the length.
std::string RangeText(const v1::FieldRule& rule);

// Sets a scalar (or appends to a list of them) from YAML text. `quoted`: it stood in quotes, so it
// is text. Returns what is wrong, or nothing; the message is then as before.
std::optional<std::string> SetScalar(Message& message, const FieldDescriptor& field,
                                     std::string_view text, bool quoted);

// What is wrong with the value of a set field against its rule, or nothing. `index` selects an
// element of a list, -1 the field (for a list: its length).
std::optional<std::string> CheckValue(const Message& message, const FieldDescriptor& field,
                                      int index = -1);

// A scalar as the shortest text that reads back to the same value; text as it is.
std::string ScalarText(const Message& message, const FieldDescriptor& field, int index = -1);
std::string NumberText(double value);

// Whether a scalar is unset or equals its published default.
bool IsDefault(const Message& message, const FieldDescriptor& field);

}  // namespace shoal::spec
