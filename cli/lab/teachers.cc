#include "cli/lab/teachers.h"

#include "cli/lab/datasets.h"
#include "core/base/status.h"
#include "core/spec/spec.h"

namespace shoal::cli {
namespace {

// What would be refused only when the student starts. `student` is complete.
absl::Status CheckTeacher(const v1::RunDetail& detail, const v1::ModelSpec& student) {
  v1::RunSpec complete = detail.spec();
  spec::FillDefaults(complete);
  const v1::ModelSpec& teacher = complete.model();
  const std::string& name = detail.run().name();
  if (teacher.head() != student.head()) {
    return absl::InvalidArgumentError(StrCat("run ", name, " has head ", teacher.head(),
                                             ", the student ", student.head(),
                                             ": a teacher answers what the student is asked"));
  }
  if (student.head() == "classifier" && teacher.pooler() == "cls" &&
      teacher.kind() != student.kind()) {
    return absl::InvalidArgumentError(
        StrCat("run ", name, " has kind ", teacher.kind(), ", the student ", student.kind(),
               ": with pooler cls they answer from different tokens"));
  }
  if (teacher.max_seq() < student.max_seq()) {
    return absl::InvalidArgumentError(StrCat("run ", name, " sees ", teacher.max_seq(),
                                             " tokens, the student ", student.max_seq(),
                                             ": lower model.max_seq, or take another teacher"));
  }
  return absl::OkStatus();
}

absl::StatusOr<PreparedFile> FetchTeacher(Lab& lab, const std::string& name,
                                          const v1::ModelSpec& student,
                                          const std::string& tokenizer_sha256) {
  v1::GetRunRequest get;
  get.set_run(name);
  SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail,
                         Call(lab.service(), &v1::LabService::Stub::GetRun, get));
  SHOAL_RETURN_IF_ERROR(CheckTeacher(detail, student));
  const v1::Checkpoint* weights = nullptr;
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    if (checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS) weights = &checkpoint;
  }
  if (weights == nullptr) {
    return absl::InvalidArgumentError(
        StrCat("run ", detail.run().name(),
               " has no final weights to learn from; wait until it is "
               "done: shoal wait ",
               detail.run().name()));
  }
  for (const v1::DataBinding& binding : detail.bindings()) {
    if (binding.role() != v1::BINDING_ROLE_TOKENIZER || binding.sha256() == tokenizer_sha256) {
      continue;
    }
    return absl::InvalidArgumentError(
        StrCat("run ", detail.run().name(),
               " was trained with another tokenizer: a student learns "
               "from its teacher's tokens, so give it the same data and tokenizer settings, or the "
               "same tokenizer.path"));
  }
  PreparedFile file;
  file.binding.set_role(v1::BINDING_ROLE_TEACHER);
  file.binding.set_sha256(weights->artifact().sha256());
  file.binding.set_size_bytes(weights->artifact().size_bytes());
  file.binding.set_file_name(StrCat(detail.run().name(), ".safetensors"));
  SHOAL_ASSIGN_OR_RETURN(file.path, FetchFile(lab, file.binding), "weights of ",
                         detail.run().name());
  return file;
}

}  // namespace

absl::StatusOr<std::vector<PreparedFile>> FetchTeachers(const v1::RunSpec& spec,
                                                        const LabOptions& options,
                                                        const std::string& tokenizer_sha256) {
  std::vector<PreparedFile> files;
  if (spec.train().distill().teachers().empty()) return files;
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(options));
  for (const std::string& name : spec.train().distill().teachers()) {
    SHOAL_ASSIGN_OR_RETURN(PreparedFile file,
                           FetchTeacher(lab, name, spec.model(), tokenizer_sha256),
                           "train.distill.teachers");
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace shoal::cli
