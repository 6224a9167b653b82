#include "cli/lab/learned.h"

#include <string>
#include <string_view>

#include "cli/lab/datasets.h"
#include "core/base/status.h"
#include "core/data/dataset/record.h"
#include "core/spec/dataset_id.h"

namespace shoal::cli {
namespace {

constexpr size_t kHeadBytes = 4 << 20;
constexpr int kLookedAt = 20;  // lines

// The beginning of an artifact.
absl::StatusOr<std::string> ReadArtifactHead(Lab& lab, const std::string& sha256) {
  grpc::ClientContext context;
  SetDeadline(context, absl::Minutes(1));
  v1::GetArtifactRequest request;
  request.set_sha256(sha256);
  const auto reader = lab.artifacts().Get(&context, request);
  std::string head;
  v1::GetArtifactResponse piece;
  bool more = true;
  while (head.size() < kHeadBytes && (more = reader->Read(&piece))) head += piece.data();
  if (more) context.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!more) SHOAL_RETURN_IF_ERROR(FromGrpc(status));
  return head;
}

// Whether one of the first good lines is a conversation.
bool BeginsWithConversations(std::string_view text) {
  for (int i = 0; i < kLookedAt && !text.empty(); ++i) {
    const size_t end = text.find('\n');
    const absl::StatusOr<data::Record> record = data::ParseRecord(text.substr(0, end));
    if (record.ok() && data::ToExample(*record).chat) return true;
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return false;
}

}  // namespace

absl::StatusOr<bool> LearnedConversations(Lab& lab, const v1::Run& run) {
  if (!run.dataset().empty()) {
    const absl::StatusOr<v1::Dataset> dataset = GetDataset(lab, run.dataset());
    if (dataset.ok()) {
      return dataset->kind() == spec::kConversations || dataset->kind() == spec::kLabelled;
    }
  }
  v1::GetRunRequest request;
  request.set_run(run.run_id());
  SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail,
                         Call(lab.service(), &v1::LabService::Stub::GetRun, request));
  if (!detail.spec().data().persona().empty()) return true;
  for (const v1::DataBinding& binding : detail.bindings()) {
    if (binding.role() != v1::BINDING_ROLE_TRAIN) continue;
    if (std::string_view(binding.file_name()).ends_with(".txt")) return false;
    SHOAL_ASSIGN_OR_RETURN(const std::string head, ReadArtifactHead(lab, binding.sha256()));
    return BeginsWithConversations(head);
  }
  return true;
}

}  // namespace shoal::cli
