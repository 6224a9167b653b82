#include "cli/output/message_json.h"

#include <charconv>
#include <cmath>
#include <map>

#include "absl/strings/escaping.h"
#include "cli/output/json.h"
#include "core/base/strings.h"
#include "google/protobuf/util/json_util.h"

namespace shoal::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint64_t kExact = uint64_t{1} << 53;  // a double holds every integer up to here

template <typename Integer>
std::string Integer64(Integer value) {
  const uint64_t magnitude = value < 0 ? -static_cast<uint64_t>(value) : value;
  return magnitude <= kExact ? StrCat(value) : StrCat("\"", value, "\"");
}

// What JSON has no number for is text, which readers of proto3's mapping know.
template <typename Real>
std::string RealJson(Real value) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

// A field's value, or the element `index` of a list.
class Value {
 public:
  Value(const Message& message, const FieldDescriptor& field, int index = -1)
      : message_(message), field_(field), reflection_(*message.GetReflection()), index_(index) {}

  std::string Json() const {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return StrCat(Get(&R::GetInt32, &R::GetRepeatedInt32));
      case FieldDescriptor::CPPTYPE_UINT32:
        return StrCat(Get(&R::GetUInt32, &R::GetRepeatedUInt32));
      case FieldDescriptor::CPPTYPE_INT64:
        return Integer64(Get(&R::GetInt64, &R::GetRepeatedInt64));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Integer64(Get(&R::GetUInt64, &R::GetRepeatedUInt64));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return RealJson(Get(&R::GetDouble, &R::GetRepeatedDouble));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return RealJson(Get(&R::GetFloat, &R::GetRepeatedFloat));
      case FieldDescriptor::CPPTYPE_BOOL:
        return Get(&R::GetBool, &R::GetRepeatedBool) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumJson(Get(&R::GetEnumValue, &R::GetRepeatedEnumValue));
      case FieldDescriptor::CPPTYPE_STRING:
        return TextJson(Text());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return MessageJson(index_ < 0 ? reflection_.GetMessage(message_, &field_)
                                      : reflection_.GetRepeatedMessage(message_, &field_, index_));
    }
    return "null";
  }

  // As the key of a map, without quotes.
  std::string Key() const {
    return field_.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? Text() : Json();
  }

 private:
  using R = google::protobuf::Reflection;

  template <typename T>
  T Get(T (R::*one)(const Message&, const FieldDescriptor*) const,
        T (R::*many)(const Message&, const FieldDescriptor*, int) const) const {
    return index_ < 0 ? (reflection_.*one)(message_, &field_)
                      : (reflection_.*many)(message_, &field_, index_);
  }
  std::string Text() const {
    return index_ < 0 ? reflection_.GetString(message_, &field_)
                      : reflection_.GetRepeatedString(message_, &field_, index_);
  }
  std::string TextJson(const std::string& text) const {
    return field_.type() == FieldDescriptor::TYPE_BYTES
               ? StrCat("\"", absl::Base64Escape(text), "\"")
               : JsonText(text);
  }
  std::string EnumJson(int number) const {
    const auto* value = field_.enum_type()->FindValueByNumber(number);
    return value == nullptr ? StrCat(number) : JsonText(value->name());
  }

  const Message& message_;
  const FieldDescriptor& field_;
  const google::protobuf::Reflection& reflection_;
  const int index_;
};

std::string ListJson(const Message& message, const FieldDescriptor& field) {
  std::string out = "[";
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i)
    StrAppend(out, i > 0 ? "," : "", Value(message, field, i).Json());
  return out + "]";
}

std::string MapJson(const Message& message, const FieldDescriptor& field) {
  const FieldDescriptor& key = *field.message_type()->map_key();
  const FieldDescriptor& value = *field.message_type()->map_value();
  std::map<std::string, std::string> sorted;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    const Message& pair = message.GetReflection()->GetRepeatedMessage(message, &field, i);
    sorted[Value(pair, key).Key()] = Value(pair, value).Json();
  }
  std::string out = "{";
  for (const auto& [name, text] : sorted)
    StrAppend(out, out.size() > 1 ? "," : "", JsonText(name), ":", text);
  return out + "}";
}

}  // namespace

std::string MessageJson(const Message& message) {
  const auto& type = *message.GetDescriptor();
  if (type.full_name().starts_with("google.protobuf.")) {  // times and durations are text
    std::string json;
    const auto status = google::protobuf::util::MessageToJsonString(message, &json);
    return status.ok() ? json : "null";
  }
  std::string out = "{";
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.has_presence() && !message.GetReflection()->HasField(message, &field)) continue;
    StrAppend(out, out.size() > 1 ? "," : "", JsonText(field.name()), ":",
              field.is_map()        ? MapJson(message, field)
              : field.is_repeated() ? ListJson(message, field)
                                    : Value(message, field).Json());
  }
  return out + "}";
}

}  // namespace shoal::cli
