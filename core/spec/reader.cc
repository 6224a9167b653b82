// YAML and `--set` -> message: the reading half of the walker.
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/print.h"
#include "core/spec/spec.h"
#include "core/spec/violations.h"
#include "core/spec/yaml_tree.h"

namespace shoal::spec {
namespace {

std::string_view KindName(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "empty";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a group of fields";
    case YamlNode::Kind::kRefused:
      return "refused";
  }
  return "";
}

// Walks a YAML tree and a message's descriptor side by side. What is wrong is left unset.
class Reader {
 public:
  Reader(std::string_view file, const Descriptor& root, Positions* positions,
         Violations& violations)
      : file_(file), root_(root), positions_(positions), violations_(violations) {}

  void ReadGroup(const YamlNode& node, Message& message, const std::string& path) {
    if (node.kind == YamlNode::Kind::kNull) return;  // `model:` with everything commented out
    if (node.kind != YamlNode::Kind::kMap) {
      Add(node, path, StrCat("expected a group of fields, is ", KindName(node)));
      return;
    }
    for (const YamlNode::Entry& entry : node.entries) {
      if (entry.value.kind == YamlNode::Kind::kRefused) continue;
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(entry.key);
      if (field == nullptr) {
        violations_.Add(At(entry.line, entry.column), path,
                        UnknownField(*message.GetDescriptor(), entry.key, &root_));
        // A misspelt group leaves all of its fields unread.
        if (path.empty() && entry.value.kind == YamlNode::Kind::kMap) violations_.Doubt("");
        continue;
      }
      ReadField(entry, message, *field, ChildPath(path, entry.key));
    }
  }

 private:
  std::string At(int line, int column) const {
    return file_.starts_with("--") ? file_ : StrCat(file_, ":", line, ":", column);
  }
  void Add(const YamlNode& node, const std::string& path, std::string_view what) {
    violations_.Add(At(node.line, node.column), path, what);
  }
  void Remember(const YamlNode& node, const std::string& path) {
    if (positions_ != nullptr) (*positions_)[path] = At(node.line, node.column);
  }

  void ReadField(const YamlNode::Entry& entry, Message& message, const FieldDescriptor& field,
                 const std::string& path) {
    if (positions_ != nullptr) (*positions_)[path] = At(entry.line, entry.column);
    if (field.is_map()) {
      ReadMap(entry.value, message, field, path);
    } else if (field.is_repeated()) {
      ReadList(entry.value, message, field, path);
    } else if (field.message_type() != nullptr) {
      ReadGroup(entry.value, *message.GetReflection()->MutableMessage(&message, &field), path);
    } else {
      ReadScalar(entry.value, message, field, path);
    }
  }

  // Also reads one element of a list. Returns whether it was kept.
  bool ReadScalar(const YamlNode& node, Message& message, const FieldDescriptor& field,
                  const std::string& path) {
    if (node.kind != YamlNode::Kind::kScalar) {
      Add(node, path, StrCat("expected ", ElementType(field), ", is ", KindName(node)));
      return false;
    }
    if (auto problem = SetScalar(message, field, node.text, node.quoted)) {
      Add(node, path, *problem);
      return false;
    }
    const auto* reflection = message.GetReflection();
    const int last = field.is_repeated() ? reflection->FieldSize(message, &field) - 1 : -1;
    if (auto problem = CheckValue(message, field, last)) {
      field.is_repeated() ? reflection->RemoveLast(&message, &field)
                          : reflection->ClearField(&message, &field);
      Add(node, path, *problem);
      return false;
    }
    Remember(node, path);
    return true;
  }

  static std::string ElementType(const FieldDescriptor& field) {
    std::string type = TypeName(field);
    if (type.starts_with("list of ")) type = type.substr(8);
    return type == "integer" ? "an integer" : type == "number" ? "a number" : type;
  }

  void ReadList(const YamlNode& node, Message& message, const FieldDescriptor& field,
                const std::string& path) {
    if (node.kind != YamlNode::Kind::kList) {
      Add(node, path, StrCat("expected a list ([a, b]), is ", KindName(node)));
      return;
    }
    for (size_t i = 0; i < node.items.size(); ++i) {
      const std::string item = StrCat(path, "[", i, "]");
      if (node.items[i].kind == YamlNode::Kind::kRefused) continue;
      if (field.message_type() != nullptr) {
        Remember(node.items[i], item);
        ReadGroup(node.items[i], *message.GetReflection()->AddMessage(&message, &field), item);
      } else {
        ReadScalar(node.items[i], message, field, item);
      }
    }
    if (auto problem = CheckValue(message, field)) Add(node, path, *problem);
  }

  // A map field is a list of {key, value} entries to reflection. Keys are unique in the tree.
  void ReadMap(const YamlNode& node, Message& message, const FieldDescriptor& field,
               const std::string& path) {
    if (node.kind == YamlNode::Kind::kNull) return;
    if (node.kind != YamlNode::Kind::kMap) {
      Add(node, path, StrCat("expected a map of names to values, is ", KindName(node)));
      return;
    }
    const FieldDescriptor& key = *field.message_type()->map_key();
    const FieldDescriptor& value = *field.message_type()->map_value();
    const auto* reflection = message.GetReflection();
    for (const YamlNode::Entry& entry : node.entries) {
      if (entry.value.kind == YamlNode::Kind::kRefused) continue;
      const std::string item = ChildPath(path, entry.key);
      if (positions_ != nullptr) (*positions_)[item] = At(entry.line, entry.column);
      Message& pair = *reflection->AddMessage(&message, &field);
      bool kept = true;
      if (auto problem = SetScalar(pair, key, entry.key, false)) {
        violations_.Add(At(entry.line, entry.column), item, *problem);
        kept = false;
      } else if (value.message_type() != nullptr) {
        ReadEntry(entry.value, *pair.GetReflection()->MutableMessage(&pair, &value), item);
      } else {
        kept = ReadScalar(entry.value, pair, value, item);
      }
      if (!kept) reflection->RemoveLast(&message, &field);
    }
  }

  // An entry whose group begins with a list may be written as that list, or as one value of it:
  //   model.n_layers: [2, 4]   for   model.n_layers: {values: [2, 4]}
  void ReadEntry(const YamlNode& node, Message& group, const std::string& path) {
    const FieldDescriptor& first = *FieldsByNumber(*group.GetDescriptor()).front();
    const bool short_form = first.is_repeated() && first.message_type() == nullptr;
    const std::string list = ChildPath(path, first.name());
    if (short_form && node.kind == YamlNode::Kind::kList) {
      ReadList(node, group, first, list);
    } else if (short_form && node.kind == YamlNode::Kind::kScalar) {
      ReadScalar(node, group, first, StrCat(list, "[0]"));
    } else {
      ReadGroup(node, group, path);
    }
  }

  const std::string file_;
  const Descriptor& root_;
  Positions* const positions_;
  Violations& violations_;
};

void ReadTree(const YamlNode& tree, std::string_view file, Message& message, Positions* positions,
              Violations& violations) {
  Reader(file, *message.GetDescriptor(), positions, violations).ReadGroup(tree, message, "");
}

void AddSetError(std::string_view path, std::string_view what, Violations& violations) {
  violations.Add("--set", path, what);
}

// Sets the last field of a resolved path, in a message of the type that holds it. Returns whether
// nothing was wrong.
bool ReadAssigned(Message& holder, const FieldDescriptor& field, const std::string& path,
                  std::string_view text, Positions& positions, Violations& violations) {
  const bool is_list = field.is_repeated() && StripSpace(text).starts_with('[');
  YamlNode value;
  if (is_list) {
    Violations problems;
    value = ParseYamlTree(text, "--set", problems);
    if (!problems.empty()) {
      AddSetError(path, "expected a list ([a, b])", violations);
      return false;
    }
  } else {
    const bool is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    value.kind = YamlNode::Kind::kScalar;
    value.text = std::string(is_text ? text : StripSpace(text));
    if (field.is_repeated()) {
      YamlNode list;
      list.kind = YamlNode::Kind::kList;
      list.items.push_back(std::move(value));
      value = std::move(list);
    }
  }
  // The tree of one field, read by the same walker; violations then carry the whole path.
  YamlNode group;
  group.kind = YamlNode::Kind::kMap;
  group.entries.push_back({.key = field.name(), .line = 0, .column = 0, .value = std::move(value)});
  const size_t before = violations.lines().size();
  Reader reader("--set", *holder.GetDescriptor(), &positions, violations);
  const size_t cut = path.find_last_of('.');
  reader.ReadGroup(group, holder, cut == std::string::npos ? "" : path.substr(0, cut));
  return violations.lines().size() == before;
}

// ApplySet, with what is wrong added.
void Assign(Message& message, std::string_view assignment, Positions* positions,
            Violations& violations) {
  const size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return AddSetError("", StrCat("expected PATH=VALUE, is '", assignment.substr(0, 80), "'"),
                       violations);
  }
  const std::string path(StripSpace(assignment.substr(0, equals)));
  const std::string_view text = assignment.substr(equals + 1);
  auto fields = ResolvePath(*message.GetDescriptor(), path);
  if (!fields.ok()) {
    if (const size_t dot = path.find_last_of('.'); dot != std::string::npos)
      violations.Doubt(path.substr(0, dot));  // which of its fields was meant?
    return AddSetError(path, StdView(fields.status().message()), violations);
  }
  const FieldDescriptor& field = *fields->back();
  if (field.message_type() != nullptr) {
    const bool group = !field.is_repeated() && field.message_type()->field_count() > 0;
    return AddSetError(path,
                       group ? StrCat("is a group; set one of its fields, such as ", path, ".",
                                      field.message_type()->field(0)->name())
                             : StrCat("is a ", TypeName(field), "; write it in the file"),
                       violations);
  }

  Message* holder = &message;
  for (size_t i = 0; i + 1 < fields->size(); ++i) {
    holder = holder->GetReflection()->MutableMessage(holder, (*fields)[i]);
  }
  const std::unique_ptr<Message> scratch(holder->New());
  Positions local;
  if (!ReadAssigned(*scratch, field, path, text, local, violations)) return;
  holder->GetReflection()->ClearField(holder, &field);
  holder->MergeFrom(*scratch);
  if (positions != nullptr) {
    for (auto& [set_path, where] : local) positions->insert_or_assign(set_path, where);
  }
}

}  // namespace

absl::Status ReadYaml(std::string_view yaml, std::string_view file_name, Message& message,
                      Positions* positions) {
  Violations violations;
  const YamlNode tree = ParseYamlTree(yaml, file_name, violations);
  ReadTree(tree, file_name, message, positions, violations);
  return violations.ToStatus();
}

absl::Status ReadCanonicalJson(std::string_view json, Message& message) {
  return ReadYaml(json, "canonical JSON", message);  // JSON is YAML
}

SpecFile ParseSpecText(std::string_view yaml, std::string_view file_name, Violations& violations) {
  const YamlNode tree = ParseYamlTree(yaml, file_name, violations);
  if (!violations.empty()) violations.Doubt("");  // of what does not parse, anything may be missing
  SpecFile file;
  for (const YamlNode::Entry& entry : tree.entries) {
    const std::string& key = entry.key;
    file.is_sweep |= key == "base" || key == "space" || key == "variants";
  }
  Message& message = file.is_sweep ? static_cast<Message&>(file.sweep) : file.run;
  ReadTree(tree, file_name, message, &file.positions, violations);
  return file;
}

absl::StatusOr<SpecFile> ParseSpecText(std::string_view yaml, std::string_view file_name) {
  Violations violations;
  SpecFile file = ParseSpecText(yaml, file_name, violations);
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  return file;
}

absl::StatusOr<SpecFile> ParseSpecFile(const std::string& path, Violations& violations) {
  RealFileSystem files;
  SHOAL_ASSIGN_OR_RETURN(const int64_t size, files.FileSize(path), "reading the spec ", path);
  if (size > static_cast<int64_t>(kMaxSpecBytes)) {
    return absl::InvalidArgumentError(
        StrCat(path, ": is ", size, " bytes; a spec has at most ", kMaxSpecBytes));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string text, files.ReadFile(path), "reading the spec ", path);
  return ParseSpecText(text, path, violations);
}

absl::StatusOr<SpecFile> ParseSpecFile(const std::string& path) {
  Violations violations;
  SHOAL_ASSIGN_OR_RETURN(SpecFile file, ParseSpecFile(path, violations));
  SHOAL_RETURN_IF_ERROR(violations.ToStatus());
  return file;
}

absl::Status ApplySet(Message& message, std::string_view assignment, Positions* positions) {
  Violations violations;
  Assign(message, assignment, positions, violations);
  return violations.ToStatus();
}

void ApplySet(SpecFile& file, std::string_view assignment, Violations& violations) {
  if (!file.is_sweep) return Assign(file.run, assignment, &file.positions, violations);
  Positions set;
  Assign(*file.sweep.mutable_base(), assignment, &set, violations);
  for (auto& [path, where] : set) file.positions.insert_or_assign(StrCat("base.", path), where);
}

absl::Status ApplySet(SpecFile& file, std::string_view assignment) {
  Violations violations;
  ApplySet(file, assignment, violations);
  return violations.ToStatus();
}

}  // namespace shoal::spec
