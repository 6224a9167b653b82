#include "cli/lab/datasets.h"

#include "cli/lab/embedded.h"
#include "cli/lab/submit.h"
#include "cli/lab/upload.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/spec/dataset_id.h"
#include "core/spec/run_rules.h"

namespace shoal::cli {
namespace {

constexpr int kKeptProblems = 100;

std::string DatasetFile(const std::string& data_dir, const v1::DataBinding& file) {
  return JoinPath(data_dir,
                  StrCat("prepared/datasets/", file.sha256(), "/", BaseName(file.file_name())));
}

v1::DatasetPart PartOf(const data::PartCounts& counts) {
  v1::DatasetPart part;
  part.set_examples(counts.examples);
  part.set_bytes(counts.bytes);
  part.set_unique_examples(counts.unique_examples);
  for (const auto& [group, count] : counts.groups) (*part.mutable_label_counts())[group] = count;
  for (const int64_t count : counts.length_counts) part.add_length_counts(count);
  part.set_length_min(counts.length_min);
  part.set_length_median(counts.length_median);
  part.set_length_p99(counts.length_p99);
  part.set_length_max(counts.length_max);
  return part;
}

// Whether the file is there with its digest.
bool IsHere(const std::string& path, const v1::DataBinding& file) {
  if (!RealFileSystem().Exists(path)) return false;
  const absl::StatusOr<Digest> digest = Sha256OfFile(path);
  return digest.ok() && digest->Hex() == file.sha256();
}

absl::Status Download(Lab& lab, const v1::DataBinding& file, const std::string& path) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(DirName(path), 0700));
  SHOAL_ASSIGN_OR_RETURN(const TempDir folder, TempDir::Make(DirName(path), "fetch-"));
  const std::string temporary = folder.File("part");
  Sha256 digest;
  {
    SHOAL_ASSIGN_OR_RETURN(const auto out, files.OpenAppend(temporary));
    grpc::ClientContext context;
    SetDeadline(context, absl::Minutes(30));
    v1::GetArtifactRequest request;
    request.set_sha256(file.sha256());
    const auto reader = lab.artifacts().Get(&context, request);
    v1::GetArtifactResponse piece;
    while (reader->Read(&piece)) {
      digest.Update(piece.data());
      SHOAL_RETURN_IF_ERROR(out->Append(piece.data()));
    }
    SHOAL_RETURN_IF_ERROR(FromGrpc(reader->Finish()));
    SHOAL_RETURN_IF_ERROR(out->Sync());
  }
  if (digest.Finish().Hex() != file.sha256()) {
    return absl::DataLossError(StrCat("what the lab sent is not ", file.sha256()));
  }
  return files.Rename(temporary, path);
}

// Names the file by its digest and moves it to its place.
absl::StatusOr<PreparedFile> Settle(const std::string& data_dir, v1::BindingRole role,
                                    const std::string& path) {
  RealFileSystem files;
  PreparedFile file;
  SHOAL_ASSIGN_OR_RETURN(const Digest digest, Sha256OfFile(path));
  SHOAL_ASSIGN_OR_RETURN(const int64_t size, files.FileSize(path));
  file.binding.set_role(role);
  file.binding.set_sha256(digest.Hex());
  file.binding.set_size_bytes(size);
  file.binding.set_file_name(BaseName(path));
  file.path = DatasetFile(data_dir, file.binding);
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(DirName(file.path), 0700));
  SHOAL_RETURN_IF_ERROR(files.Rename(path, file.path));
  return file;
}

}  // namespace

absl::StatusOr<std::string> FetchFile(Lab& lab, const v1::DataBinding& file) {
  std::string path = DatasetFile(lab.options().data_dir, file);
  if (!IsHere(path, file)) SHOAL_RETURN_IF_ERROR(Download(lab, file, path), file.file_name());
  return path;
}

absl::Status CheckDatasetName(const std::string& name) {
  const std::string what =
      name.size() > 64 ? "must have at most 64 characters" : spec::NameProblem(name);
  return what.empty() ? absl::OkStatus()
                      : absl::InvalidArgumentError(StrCat("the name of a data set ", what));
}

absl::StatusOr<v1::Dataset> GetDataset(Lab& lab, const std::string& name) {
  v1::GetDatasetRequest request;
  request.set_name(name);
  return Call(lab.service(), &v1::LabService::Stub::GetDataset, request);
}

absl::StatusOr<LocalDataset> FetchDataset(Lab& lab, const std::string& name) {
  LocalDataset local;
  SHOAL_ASSIGN_OR_RETURN(local.dataset, GetDataset(lab, name));
  for (const v1::DataBinding& file : local.dataset.files()) {
    std::string& path =
        file.role() == v1::BINDING_ROLE_TRAIN ? local.train_path : local.held_out_path;
    SHOAL_ASSIGN_OR_RETURN(path, FetchFile(lab, file), "data set ", name);
  }
  return local;
}

absl::StatusOr<TempDir> MakeDatasetFolder(const std::string& data_dir) {
  SHOAL_RETURN_IF_ERROR(CheckDataDir(data_dir));
  const std::string parent = JoinPath(data_dir, "prepared");
  SHOAL_RETURN_IF_ERROR(RealFileSystem().MakeDirs(parent, 0700));
  return TempDir::Make(parent, "dataset-");
}

absl::StatusOr<StoredDataset> StoreDataset(Lab& lab, v1::Dataset dataset,
                                           const data::BuiltDataset& built,
                                           const std::string& command_line) {
  const std::string& data_dir = lab.options().data_dir;
  std::vector<PreparedFile> files(1);
  SHOAL_ASSIGN_OR_RETURN(files[0], Settle(data_dir, v1::BINDING_ROLE_TRAIN, built.train_path));
  if (!built.held_out_path.empty()) {
    SHOAL_ASSIGN_OR_RETURN(files.emplace_back(),
                           Settle(data_dir, v1::BINDING_ROLE_HELD_OUT, built.held_out_path));
  }
  for (const PreparedFile& file : files) *dataset.add_files() = file.binding;
  SHOAL_ASSIGN_OR_RETURN(*dataset.mutable_dataset_id(), spec::DatasetId(dataset.files()));
  dataset.set_kind(std::string(data::KindName(built.kind)));
  *dataset.mutable_train() = PartOf(built.train);
  *dataset.mutable_held_out() = PartOf(built.held_out);
  for (const std::string& label : built.labels) dataset.add_labels(label);
  dataset.set_command(command_line);

  StoredDataset stored;
  const absl::StatusOr<v1::Dataset> present = GetDataset(lab, dataset.name());
  stored.unchanged = present.ok() && present->name() == dataset.name() &&
                     present->dataset_id() == dataset.dataset_id();
  SHOAL_RETURN_IF_ERROR(Upload(lab, files));
  v1::CreateDatasetRequest request;
  request.set_request_id(NewRequestId());
  *request.mutable_dataset() = std::move(dataset);
  *request.mutable_submitter() = ThisSubmitter(command_line);
  SHOAL_ASSIGN_OR_RETURN(stored.dataset,
                         Call(lab.service(), &v1::LabService::Stub::CreateDataset, request));
  return stored;
}

v1::ImportReport ToProto(const data::ImportReport& report) {
  v1::ImportReport proto;
  proto.set_records(report.records);
  proto.set_examples(report.examples);
  proto.set_malformed(report.malformed);
  proto.set_empty(report.empty);
  proto.set_repaired_utf8_bytes(report.repaired_utf8_bytes);
  for (const data::LineProblem& problem : report.problems) {
    if (proto.problems_size() == kKeptProblems) break;
    v1::RecordProblem* one = proto.add_problems();
    one->set_file(problem.file);
    one->set_line(problem.line);
    one->set_reason(problem.reason);
  }
  return proto;
}

v1::ImportReport ReportOf(const data::BuiltDataset& built) {
  v1::ImportReport report;
  report.set_records(built.train.examples + built.held_out.examples);
  report.set_examples(report.records());
  return report;
}

}  // namespace shoal::cli
