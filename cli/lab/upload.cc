#include "cli/lab/upload.h"

#include <set>

#include "core/base/file.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

constexpr int64_t kChunkBytes = 1 << 20;

absl::Status Put(Lab& lab, const PreparedFile& file) {
  grpc::ClientContext context;
  SetDeadline(context, absl::Minutes(30));
  v1::PutArtifactResponse response;
  const auto writer = lab.artifacts().Put(&context, &response);
  v1::PutArtifactRequest request;
  request.mutable_expected()->set_sha256(file.binding.sha256());
  request.mutable_expected()->set_size_bytes(file.binding.size_bytes());
  request.mutable_expected()->set_media_type("application/octet-stream");
  bool open = writer->Write(request);
  RealFileSystem files;
  for (int64_t at = 0; open && at < file.binding.size_bytes(); at += kChunkBytes) {
    SHOAL_ASSIGN_OR_RETURN(*request.mutable_data(), files.ReadRange(file.path, at, kChunkBytes));
    open = writer->Write(request);
  }
  writer->WritesDone();
  return FromGrpc(writer->Finish());
}

}  // namespace

absl::Status Upload(Lab& lab, const std::vector<PreparedFile>& files) {
  v1::FindArtifactsRequest find;
  for (const PreparedFile& file : files) find.add_sha256(file.binding.sha256());
  SHOAL_ASSIGN_OR_RETURN(const v1::FindArtifactsResponse found,
                         Call(lab.artifacts(), &v1::ArtifactService::Stub::Find, find));
  const std::set<std::string> missing(found.missing().begin(), found.missing().end());
  std::set<std::string> sent;
  for (const PreparedFile& file : files) {
    if (missing.count(file.binding.sha256()) == 0 || !sent.insert(file.binding.sha256()).second)
      continue;
    SHOAL_RETURN_IF_ERROR(Put(lab, file), "sending ", file.path, " to the lab");
  }
  return absl::OkStatus();
}

}  // namespace shoal::cli
