// Message -> text: the printing half of the walker.
#include "core/spec/print.h"

#include <algorithm>
#include <cmath>

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/utf8.h"

namespace shoal::spec {
namespace {

// `text` in quotes, as JSON and YAML both read it. Bytes that are not UTF-8 become U+FFFD.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    const char c = text[0];
    if (length == 0) {
      out.append("\xEF\xBF\xBD");
    } else if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      constexpr char kHex[] = "0123456789abcdef";
      out.append("\\u00");
      out.append({kHex[(c >> 4) & 15], kHex[c & 15]});
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + "\"";
}

bool IsQuotedType(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
}

std::string JsonScalar(const Message& message, const FieldDescriptor& field, int index = -1) {
  std::string text = ScalarText(message, field, index);
  return IsQuotedType(field) ? Quoted(text) : text;
}

// The entries of a map field by key, so that equal maps print alike.
std::vector<const Message*> SortedEntries(const Message& message, const FieldDescriptor& field) {
  std::vector<const Message*> entries;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    entries.push_back(&message.GetReflection()->GetRepeatedMessage(message, &field, i));
  }
  const FieldDescriptor& key = *field.message_type()->map_key();
  std::sort(entries.begin(), entries.end(), [&key](const Message* a, const Message* b) {
    return ScalarText(*a, key) < ScalarText(*b, key);
  });
  return entries;
}

// ---- canonical ---------------------------------------------------------------------------------

class Canonical {
 public:
  explicit Canonical(std::string& out) : out_(out) {}

  // Appends the fields that count, as {..}; nothing and false when there are none.
  bool AppendGroup(const Message& message) {
    const size_t start = out_.size();
    bool any = false;
    out_.push_back('{');
    for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
      if (RuleOf(*field).not_identity() || IsDefault(message, *field)) continue;
      const size_t before = out_.size();
      if (any) out_.push_back(',');
      StrAppend(out_, Quoted(field->name()), ":");
      if (AppendField(message, *field)) {
        any = true;
      } else {
        out_.resize(before);
      }
    }
    out_.push_back('}');
    if (!any) out_.resize(start);
    return any;
  }

  const std::string& problem() const { return problem_; }

 private:
  bool AppendField(const Message& message, const FieldDescriptor& field) {
    const auto& reflection = *message.GetReflection();
    if (field.is_map()) return AppendMap(message, field);
    if (field.is_repeated()) {
      for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
        out_.push_back(i == 0 ? '[' : ',');
        if (field.message_type() == nullptr) {
          AppendScalar(message, field, i);
        } else if (!AppendGroup(reflection.GetRepeatedMessage(message, &field, i))) {
          out_.append("{}");  // an empty element still counts
        }
      }
      out_.push_back(']');
      return true;
    }
    if (field.message_type() != nullptr) return AppendGroup(reflection.GetMessage(message, &field));
    AppendScalar(message, field, -1);
    return true;
  }

  bool AppendMap(const Message& message, const FieldDescriptor& field) {
    const FieldDescriptor& value = *field.message_type()->map_value();
    bool first = true;
    for (const Message* entry : SortedEntries(message, field)) {
      out_.push_back(first ? '{' : ',');
      first = false;
      StrAppend(out_, Quoted(ScalarText(*entry, *field.message_type()->map_key())), ":");
      if (value.message_type() == nullptr) {
        AppendScalar(*entry, value, -1);
      } else if (!AppendGroup(entry->GetReflection()->GetMessage(*entry, &value))) {
        out_.append("{}");
      }
    }
    out_.push_back('}');
    return true;
  }

  void AppendScalar(const Message& message, const FieldDescriptor& field, int index) {
    const std::string text = ScalarText(message, field, index);
    if (IsQuotedType(field) && ValidUtf8Prefix(text) != text.size()) {
      problem_ = StrCat(field.name(), ": is not UTF-8");
    }
    if (!IsQuotedType(field) && text.find_first_of("ni") == 0) {
      problem_ = StrCat(field.name(), ": must be a finite number, is ", text);
    }
    out_.append(IsQuotedType(field) ? Quoted(text) : text);
  }

  std::string& out_;
  std::string problem_;
};

// ---- complete ----------------------------------------------------------------------------------

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                             : reflection.HasField(message, &field);
}

void AppendJson(const Message& message, int indent, std::string& out);

void AppendJsonValue(const Message& message, const FieldDescriptor& field, int index, int indent,
                     std::string& out) {
  if (field.message_type() == nullptr) {
    out.append(JsonScalar(message, field, index));
    return;
  }
  const auto& reflection = *message.GetReflection();
  AppendJson(index >= 0 ? reflection.GetRepeatedMessage(message, &field, index)
                        : reflection.GetMessage(message, &field),
             indent, out);
}

void AppendJsonList(const Message& message, const FieldDescriptor& field, int indent,
                    std::string& out) {
  const int size = message.GetReflection()->FieldSize(message, &field);
  out.push_back('[');
  for (int i = 0; i < size; ++i) {
    if (i > 0) out.append(", ");
    AppendJsonValue(message, field, i, indent, out);
  }
  out.push_back(']');
}

void AppendJsonMap(const Message& message, const FieldDescriptor& field, int indent,
                   std::string& out) {
  const std::string margin(static_cast<size_t>(indent) + 2, ' ');
  bool first = true;
  out.push_back('{');
  for (const Message* entry : SortedEntries(message, field)) {
    StrAppend(out, first ? "\n" : ",\n", margin,
              Quoted(ScalarText(*entry, *field.message_type()->map_key())), ": ");
    AppendJsonValue(*entry, *field.message_type()->map_value(), -1, indent + 2, out);
    first = false;
  }
  StrAppend(out, "\n", std::string(static_cast<size_t>(indent), ' '), "}");
}

void AppendJson(const Message& message, int indent, std::string& out) {
  const std::string margin(static_cast<size_t>(indent) + 2, ' ');
  bool first = true;
  out.push_back('{');
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    if (!IsSet(message, *field)) continue;
    StrAppend(out, first ? "\n" : ",\n", margin, Quoted(field->name()), ": ");
    first = false;
    if (field->is_map()) {
      AppendJsonMap(message, *field, indent + 2, out);
    } else if (field->is_repeated()) {
      AppendJsonList(message, *field, indent + 2, out);
    } else {
      AppendJsonValue(message, *field, -1, indent + 2, out);
    }
  }
  if (!first) StrAppend(out, "\n", std::string(static_cast<size_t>(indent), ' '));
  out.push_back('}');
}

// Text that YAML reads as itself needs no quotes.
std::string YamlText(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '/' || c == '-';
  };
  const bool starts = !text.empty() && text[0] != '-' && text[0] != '.' && plain(text[0]);
  const bool reserved = text == "null" || text == "Null" || text == "NULL";
  return starts && !reserved && std::all_of(text.begin(), text.end(), plain) ? text : Quoted(text);
}

std::string YamlScalar(const Message& message, const FieldDescriptor& field, int index = -1) {
  const std::string text = ScalarText(message, field, index);
  return IsQuotedType(field) ? YamlText(text) : text;
}

void AppendYaml(const Message& message, const std::string& margin, std::string& out);

void AppendYamlGroup(const Message& group, const std::string& margin, std::string& out) {
  std::string inner;
  AppendYaml(group, margin, inner);
  if (inner.empty()) {
    out.append(" {}\n");
  } else {
    StrAppend(out, "\n", inner);
  }
}

void AppendYamlField(const Message& message, const FieldDescriptor& field,
                     const std::string& margin, std::string& out) {
  const auto& reflection = *message.GetReflection();
  const std::string inner = margin + "  ";
  StrAppend(out, margin, field.name(), ":");
  if (field.is_map()) {
    out.push_back('\n');
    const FieldDescriptor& value = *field.message_type()->map_value();
    for (const Message* entry : SortedEntries(message, field)) {
      StrAppend(out, inner, YamlText(ScalarText(*entry, *field.message_type()->map_key())), ":");
      if (value.message_type() == nullptr) {
        StrAppend(out, " ", YamlScalar(*entry, value), "\n");
      } else {
        AppendYamlGroup(entry->GetReflection()->GetMessage(*entry, &value), inner + "  ", out);
      }
    }
  } else if (field.is_repeated() && field.message_type() == nullptr) {
    out.append(" [");
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      StrAppend(out, i > 0 ? ", " : "", YamlScalar(message, field, i));
    }
    out.append("]\n");
  } else if (field.is_repeated()) {
    out.push_back('\n');
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      std::string item;
      AppendYaml(reflection.GetRepeatedMessage(message, &field, i), inner + "  ", item);
      if (item.empty()) item = inner + "  {}\n";
      item[inner.size()] = '-';  // the first line's margin becomes "- "
      out.append(item);
    }
  } else if (field.message_type() != nullptr) {
    AppendYamlGroup(reflection.GetMessage(message, &field), inner, out);
  } else {
    StrAppend(out, " ", YamlScalar(message, field), "\n");
  }
}

void AppendYaml(const Message& message, const std::string& margin, std::string& out) {
  for (const FieldDescriptor* field : FieldsByNumber(*message.GetDescriptor())) {
    if (IsSet(message, *field)) AppendYamlField(message, *field, margin, out);
  }
}

}  // namespace

absl::StatusOr<std::string> CanonicalJson(const Message& message) {
  std::string out;
  Canonical canonical(out);
  if (!canonical.AppendGroup(message)) out = "{}";
  if (!canonical.problem().empty()) return absl::InvalidArgumentError(canonical.problem());
  return out;
}

std::string ToJson(const Message& message) {
  std::string out;
  AppendJson(message, 0, out);
  return out + "\n";
}

std::string ToYaml(const Message& message) {
  std::string out;
  AppendYaml(message, "", out);
  return out.empty() ? "{}\n" : out;
}

}  // namespace shoal::spec
