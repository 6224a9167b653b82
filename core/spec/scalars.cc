// The scalar half of fields.h: reading, checking and printing single values.
#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/utf8.h"

namespace shoal::spec {
namespace {

std::string Shown(std::string_view text) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return StrCat("'", text, "'");
  size_t cut = ValidUtf8Prefix(text.substr(0, kLongest));
  return StrCat("'", text.substr(0, cut), "...'");
}

enum class Parsed { kOk, kMalformed, kOutOfRange };

// The whole text as one number, with an optional '+'. No white space, no thousands separators.
template <typename T>
Parsed ParseNumber(std::string_view text, T& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) return Parsed::kOutOfRange;
  return error == std::errc() && stop == end ? Parsed::kOk : Parsed::kMalformed;
}

// "1e4" and "4.0" are numbers, but an integer was asked for: say how it is written.
std::string NotAnInteger(std::string_view text) {
  std::string what = StrCat("expected an integer, is ", Shown(text));
  double number = 0;
  if (ParseNumber(text, number) == Parsed::kOk && std::trunc(number) == number &&
      std::abs(number) < 1e15) {
    StrAppend(what, "; write ", static_cast<int64_t>(number));
  }
  return what;
}

bool HasLeadingZero(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

template <typename T>
std::optional<std::string> ReadInteger(std::string_view text, T& value) {
  if (HasLeadingZero(text)) {
    return StrCat("expected an integer, is ", Shown(text), "; write it without leading zeros");
  }
  switch (ParseNumber(text, value)) {
    case Parsed::kOk:
      return std::nullopt;
    case Parsed::kOutOfRange:
      return StrCat("must be between ", std::numeric_limits<T>::min(), " and ",
                    std::numeric_limits<T>::max(), ", is ", Shown(text));
    default:
      break;
  }
  int64_t negative = 0;
  if (std::is_unsigned_v<T> && ParseNumber(text, negative) == Parsed::kOk) {
    return StrCat("must be >= 0, is ", negative);
  }
  return NotAnInteger(text);
}

std::optional<std::string> ReadDouble(std::string_view text, double& value) {
  const Parsed parsed = ParseNumber(text, value);
  if (parsed == Parsed::kOutOfRange) return StrCat("too large or too small, is ", Shown(text));
  if (parsed == Parsed::kMalformed) {
    if (text == ".inf" || text == "-.inf" || text == ".nan" || text == ".NaN") {
      return StrCat("must be a finite number, is ", text);
    }
    return StrCat("expected a number, is ", Shown(text));
  }
  if (!std::isfinite(value)) return StrCat("must be a finite number, is ", text);
  return std::nullopt;
}

std::optional<std::string> ReadBool(std::string_view text, bool& value) {
  value = text == "true";
  if (value || text == "false") return std::nullopt;
  return StrCat("expected true or false, is ", Shown(text));
}

// Reads `text` as the C++ type T of a field and stores it through reflection.
template <typename T, typename Read, typename Set, typename Add>
std::optional<std::string> Store(Message& message, const FieldDescriptor& field,
                                 std::string_view text, Read read, Set set, Add add) {
  T value{};
  if (auto problem = read(text, value)) return problem;
  const auto* reflection = message.GetReflection();
  if (field.is_repeated()) {
    (reflection->*add)(&message, &field, value);
  } else {
    (reflection->*set)(&message, &field, value);
  }
  return std::nullopt;
}

std::optional<std::string> StoreEnum(Message& message, const FieldDescriptor& field,
                                     std::string_view text) {
  const auto* value = field.enum_type()->FindValueByName(std::string(text));
  if (value == nullptr) {
    std::vector<std::string> names;
    for (int i = 0; i < field.enum_type()->value_count(); ++i) {
      names.push_back(field.enum_type()->value(i)->name());
    }
    return StrCat("must be one of ", StrJoin(names, ", "), "; is ", Shown(text));
  }
  const auto* reflection = message.GetReflection();
  field.is_repeated() ? reflection->AddEnum(&message, &field, value)
                      : reflection->SetEnum(&message, &field, value);
  return std::nullopt;
}

std::optional<std::string> CheckText(const std::string& text, const v1::FieldRule& rule) {
  if (ValidUtf8Prefix(text) != text.size()) return "is not UTF-8";
  if (text.find('\0') != std::string::npos) return "holds a NUL character";
  if (rule.one_of_size() > 0) {
    const std::vector<std::string> allowed(rule.one_of().begin(), rule.one_of().end());
    if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
      std::string what = StrCat("must be one of ", StrJoin(allowed, ", "), "; is ", Shown(text));
      if (auto nearest = Nearest(text, allowed)) StrAppend(what, "; did you mean ", *nearest, "?");
      return what;
    }
  }
  const auto length = static_cast<double>(text.size());
  if (rule.has_min() && length < rule.min()) {
    return StrCat("must have at least ", NumberText(rule.min()), " bytes, has ", text.size());
  }
  if (rule.has_max() && length > rule.max()) {
    return StrCat("must have at most ", NumberText(rule.max()), " bytes, has ", text.size());
  }
  return std::nullopt;
}

std::optional<std::string> CheckNumber(double value, const v1::FieldRule& rule,
                                       const std::string& shown) {
  if (!std::isfinite(value)) return StrCat("must be a finite number, is ", shown);
  const bool low =
      rule.has_min() && (rule.exclusive_min() ? !(value > rule.min()) : value < rule.min());
  const bool high = rule.has_max() && value > rule.max();
  if (!low && !high) return std::nullopt;
  std::string what = StrCat("must be ", RangeText(rule));
  if (!rule.unit().empty()) StrAppend(what, " ", rule.unit());
  return StrCat(what, ", is ", shown);
}

double NumberOf(const Message& message, const FieldDescriptor& field, int index) {
  const auto& r = *message.GetReflection();
  const bool item = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return item ? r.GetRepeatedInt32(message, &field, index) : r.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return item ? r.GetRepeatedUInt32(message, &field, index) : r.GetUInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(item ? r.GetRepeatedInt64(message, &field, index)
                                      : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<double>(item ? r.GetRepeatedUInt64(message, &field, index)
                                      : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return item ? r.GetRepeatedFloat(message, &field, index) : r.GetFloat(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return item ? r.GetRepeatedDouble(message, &field, index) : r.GetDouble(message, &field);
    default:
      return 0;
  }
}

}  // namespace

std::optional<std::string> SetScalar(Message& message, const FieldDescriptor& field,
                                     std::string_view text, bool quoted) {
  using google::protobuf::Reflection;
  if (quoted && field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
      field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM) {
    return StrCat("expected ", TypeName(field), ", is text (", Shown(text),
                  "); write it without quotes");
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Store<int32_t>(message, field, text, ReadInteger<int32_t>, &Reflection::SetInt32,
                            &Reflection::AddInt32);
    case FieldDescriptor::CPPTYPE_INT64:
      return Store<int64_t>(message, field, text, ReadInteger<int64_t>, &Reflection::SetInt64,
                            &Reflection::AddInt64);
    case FieldDescriptor::CPPTYPE_UINT32:
      return Store<uint32_t>(message, field, text, ReadInteger<uint32_t>, &Reflection::SetUInt32,
                             &Reflection::AddUInt32);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Store<uint64_t>(message, field, text, ReadInteger<uint64_t>, &Reflection::SetUInt64,
                             &Reflection::AddUInt64);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Store<double>(message, field, text, ReadDouble, &Reflection::SetDouble,
                           &Reflection::AddDouble);
    case FieldDescriptor::CPPTYPE_BOOL:
      return Store<bool>(message, field, text, ReadBool, &Reflection::SetBool,
                         &Reflection::AddBool);
    case FieldDescriptor::CPPTYPE_STRING: {
      const auto* reflection = message.GetReflection();
      field.is_repeated() ? reflection->AddString(&message, &field, std::string(text))
                          : reflection->SetString(&message, &field, std::string(text));
      return std::nullopt;
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return StoreEnum(message, field, text);
    default:
      return StrCat("a ", TypeName(field), " cannot be written as one value");
  }
}

std::optional<std::string> CheckValue(const Message& message, const FieldDescriptor& field,
                                      int index) {
  const v1::FieldRule& rule = RuleOf(field);
  const auto& reflection = *message.GetReflection();
  if (field.is_repeated() && index < 0) {
    const int size = reflection.FieldSize(message, &field);
    if (!rule.has_max() || size <= rule.max()) return std::nullopt;
    return StrCat("must have at most ", NumberText(rule.max()), " entries, has ", size);
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      // `max` of a list bounds its length, not that of its entries.
      return CheckText(ScalarText(message, field, index),
                       field.is_repeated() ? v1::FieldRule::default_instance() : rule);
    case FieldDescriptor::CPPTYPE_BOOL:
    case FieldDescriptor::CPPTYPE_ENUM:
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return std::nullopt;
    default:
      return CheckNumber(NumberOf(message, field, index), rule, ScalarText(message, field, index));
  }
}

// As ECMAScript prints numbers, and RFC 8785 therefore canonical JSON: the fewest digits that read
// back to the same value, plain from 1e-6 up to 1e21, else with an exponent.
std::string NumberText(double value) {
  if (value == 0) return "0";  // also for -0
  char buffer[40];
  const auto result =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string text(buffer, result.ptr);  // "-1.25e-07"
  const size_t e = text.find('e');
  if (!std::isfinite(value) || e == std::string::npos) return text;
  const std::string sign = text[0] == '-' ? "-" : "";
  std::string digits = text.substr(sign.size(), e - sign.size());
  if (digits.size() > 1) digits.erase(1, 1);  // the point
  int exponent = 0;
  const size_t from = e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + from, text.data() + text.size(), exponent);
  const auto count = static_cast<int>(digits.size());

  if (exponent < -6 || exponent >= 21) {
    if (count > 1) digits.insert(1, ".");
    return StrCat(sign, digits, "e", exponent > 0 ? "+" : "", exponent);
  }
  if (exponent < 0) {
    return StrCat(sign, "0.", std::string(static_cast<size_t>(-exponent - 1), '0'), digits);
  }
  if (count <= exponent + 1) {
    return StrCat(sign, digits, std::string(static_cast<size_t>(exponent + 1 - count), '0'));
  }
  digits.insert(static_cast<size_t>(exponent + 1), ".");
  return sign + digits;
}

std::string ScalarText(const Message& message, const FieldDescriptor& field, int index) {
  const auto& r = *message.GetReflection();
  const bool item = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return item ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return (item ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return (item ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field))
          ->name();
    case FieldDescriptor::CPPTYPE_INT64:  // not through double: 2^53 + 1 must stay
      return StrCat(item ? r.GetRepeatedInt64(message, &field, index)
                         : r.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return StrCat(item ? r.GetRepeatedUInt64(message, &field, index)
                         : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
      return StrCat(static_cast<int64_t>(NumberOf(message, field, index)));
    default:
      return NumberText(NumberOf(message, field, index));
  }
}

bool IsDefault(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(message, &field) == 0;
  if (!reflection.HasField(message, &field)) return true;
  const std::string& published = RuleOf(field).default_value();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return ScalarText(message, field) == published;
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE || published.empty()) return false;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    double value = 0;
    return !ReadDouble(published, value) && value == reflection.GetDouble(message, &field);
  }
  return ScalarText(message, field) == published;
}

}  // namespace shoal::spec
