#include "core/spec/fields.h"

#include <algorithm>

#include "core/base/strings.h"

namespace shoal::spec {

const v1::FieldRule& RuleOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::rule);
}

std::vector<const FieldDescriptor*> FieldsByNumber(const Descriptor& message) {
  std::vector<const FieldDescriptor*> fields;
  fields.reserve(static_cast<size_t>(message.field_count()));
  for (int i = 0; i < message.field_count(); ++i) fields.push_back(message.field(i));
  std::sort(fields.begin(), fields.end(),
            [](const auto* a, const auto* b) { return a->number() < b->number(); });
  return fields;
}

std::string ChildPath(std::string_view parent, std::string_view name) {
  return parent.empty() ? std::string(name) : StrCat(parent, ".", name);
}

namespace {

// Levenshtein's distance where neighbours that changed places count once; never more than
// `limit`+1.
size_t EditDistance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// Paths of all fields called `name` below `message`; lists and maps are not entered.
void FindByName(const Descriptor& message, std::string_view name, const std::string& prefix,
                std::vector<std::string>& found) {
  for (const FieldDescriptor* field : FieldsByNumber(message)) {
    const std::string path = ChildPath(prefix, field->name());
    if (field->name() == name) found.push_back(path);
    if (field->message_type() != nullptr && !field->is_repeated()) {
      FindByName(*field->message_type(), name, path, found);
    }
  }
}

}  // namespace

std::optional<std::string> Nearest(std::string_view name,
                                   const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > 64) return std::nullopt;
  const size_t limit = std::clamp<size_t>(name.size() / 3, 1, 3);
  size_t best = limit + 1;
  std::optional<std::string> nearest;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(name, candidate, limit);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  if (nearest) return nearest;
  for (const std::string& candidate : candidates) {  // "layers" for "n_layers"
    if (name.size() >= 3 && candidate.find(name) != std::string::npos) return candidate;
  }
  return std::nullopt;
}

std::string UnknownField(const Descriptor& message, std::string_view name, const Descriptor* root) {
  std::vector<std::string> names;
  for (const FieldDescriptor* field : FieldsByNumber(message)) names.push_back(field->name());
  // What a stranger typed is shown, but not without end.
  const std::string shown(name.substr(0, 64));
  std::vector<std::string> elsewhere;
  if (root != nullptr) FindByName(*root, name, "", elsewhere);
  if (const auto nearest = Nearest(name, names)) {
    return StrCat("unknown field '", shown, "'; did you mean '", *nearest, "'?");
  }
  if (elsewhere.size() == 1 && elsewhere[0] == name) {
    return StrCat("unknown field '", shown, "' here; it stands at the top, beside this group");
  }
  if (!elsewhere.empty()) {
    return StrCat("unknown field '", shown, "' here; did you mean '", StrJoin(elsewhere, "' or '"),
                  "'?");
  }
  return StrCat("unknown field '", shown, "'; known here: ", StrJoin(names, ", "));
}

absl::StatusOr<std::vector<const FieldDescriptor*>> ResolvePath(const Descriptor& root,
                                                                std::string_view path) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* at = &root;
  std::string walked;
  for (std::string_view part : StrSplit(path, '.')) {
    if (at == nullptr) {
      return absl::InvalidArgumentError(StrCat("'", walked, "' has no fields of its own"));
    }
    const FieldDescriptor* field = at->FindFieldByName(std::string(part));
    if (field == nullptr) return absl::InvalidArgumentError(UnknownField(*at, part, &root));
    fields.push_back(field);
    walked = ChildPath(walked, part);
    at = field->is_repeated() ? nullptr : field->message_type();
  }
  return fields;
}

std::string TypeName(const FieldDescriptor& field) {
  if (field.is_map()) return "map";
  std::string name;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      name = "group";
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      name = "text";
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      name = "true or false";
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      name = "name";
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      name = "number";
      break;
    default:
      name = "integer";
      break;
  }
  return field.is_repeated() ? StrCat("list of ", name == "group" ? "groups" : name) : name;
}

std::string RangeText(const v1::FieldRule& rule) {
  std::vector<std::string> bounds;
  if (rule.has_min()) {
    bounds.push_back(StrCat(rule.exclusive_min() ? "> " : ">= ", NumberText(rule.min())));
  }
  if (rule.has_max()) bounds.push_back(StrCat("<= ", NumberText(rule.max())));
  return StrJoin(bounds, " and ");
}

}  // namespace shoal::spec
