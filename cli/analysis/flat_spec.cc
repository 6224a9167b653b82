#include "cli/analysis/flat_spec.h"

#include "cli/output/json.h"
#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/spec.h"

namespace shoal::analysis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kDigestEnd = ".sha256";

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ||
         field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
}

void Walk(const Message& message, std::string_view parent, bool identity,
          std::vector<FlatField>& out) {
  for (const FieldDescriptor* field : spec::FieldsByNumber(*message.GetDescriptor())) {
    const std::string path = spec::ChildPath(parent, field->name());
    const bool counts = identity && !spec::RuleOf(*field).not_identity();
    if (!field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Walk(message.GetReflection()->GetMessage(message, field), path, counts, out);
      continue;
    }
    FlatField flat{path, "", false, counts, ""};
    if (field->is_repeated()) {
      const int count = message.GetReflection()->FieldSize(message, field);
      flat.text = "[";
      for (int i = 0; i < count; ++i) {
        const std::string one = spec::ScalarText(message, *field, i);
        StrAppend(flat.text, i > 0 ? "," : "", IsText(*field) ? cli::JsonText(one) : one);
      }
      flat.text += "]";
    } else {
      flat.text = spec::ScalarText(message, *field);
      flat.is_text = IsText(*field);
    }
    flat.shown = flat.text;
    out.push_back(std::move(flat));
  }
}

std::string FirstNotEmpty(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) return text;
  }
  return "";
}

// What a person calls the data of a binding.
std::string DataName(const v1::RunSpec& spec, const v1::DataBinding& binding) {
  switch (binding.role()) {
    case v1::BINDING_ROLE_TRAIN:
      return FirstNotEmpty({spec.data().dataset(), BaseName(spec.data().persona()),
                            BaseName(spec.data().train()), binding.file_name()});
    case v1::BINDING_ROLE_HELD_OUT:
      return FirstNotEmpty({spec.data().dataset(), BaseName(spec.data().persona()),
                            BaseName(spec.data().held_out()), binding.file_name()});
    case v1::BINDING_ROLE_TOKENIZER:
      return FirstNotEmpty({BaseName(spec.tokenizer().path()),
                            StrCat(spec.tokenizer().kind(), "-", spec.tokenizer().vocab_size())});
    default:
      return binding.file_name();
  }
}

std::string_view RolePath(v1::BindingRole role) {
  switch (role) {
    case v1::BINDING_ROLE_TRAIN:
      return "data.train";
    case v1::BINDING_ROLE_HELD_OUT:
      return "data.held_out";
    case v1::BINDING_ROLE_TOKENIZER:
      return "tokenizer";
    case v1::BINDING_ROLE_INIT_FROM:
      return "init_from";
    case v1::BINDING_ROLE_TEACHER:
      return "teacher";
    default:
      return "data.other";
  }
}

}  // namespace

std::vector<FlatField> Flatten(
    const v1::RunSpec& spec, const google::protobuf::RepeatedPtrField<v1::DataBinding>& bindings) {
  v1::RunSpec complete = spec;  // one of an older release lacks what has been added since
  spec::FillDefaults(complete);
  std::vector<FlatField> fields;
  Walk(complete, "", true, fields);
  for (const v1::DataBinding& binding : bindings) {
    fields.push_back({StrCat(RolePath(binding.role()), kDigestEnd), binding.sha256(), true, true,
                      DataName(complete, binding)});
  }
  return fields;
}

bool IsDigestPath(std::string_view path) { return path.ends_with(kDigestEnd); }

std::string SpokenPath(std::string_view path) {
  if (IsDigestPath(path)) path.remove_suffix(kDigestEnd.size());
  return std::string(path == RolePath(v1::BINDING_ROLE_TRAIN) ? "data" : path);
}

}  // namespace shoal::analysis
