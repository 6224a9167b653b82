#include "coordinator/rpc/check.h"

#include <cmath>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/ids.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

constexpr int kMaxReportItems = 4096;
constexpr int kProtocolVersion = 1;
constexpr size_t kMaxName = 128;

// Collects violations: "path: what is wrong".
class Violations {
 public:
  void Expect(bool condition, std::string_view path, std::string_view what) {
    if (!condition) found_.push_back(StrCat(path, ": ", what));
  }
  template <typename IdType>
  void ExpectId(const std::string& text, std::string_view path) {
    const auto id = IdType::Parse(text);
    if (!id.ok()) found_.push_back(StrCat(path, ": ", id.status().message()));
  }
  void ExpectDigest(const std::string& text, std::string_view path) {
    const auto digest = Digest::FromHex(text);
    Expect(digest.ok() && digest->Hex() == text, path, "must be 64 lower-case hexadecimal digits");
  }
  void ExpectKey(const v1::AttemptKey& key, const std::string& path) {
    ExpectId<JobId>(key.job_id(), path + ".job_id");
    Expect(key.attempt_number() > 0, path + ".attempt_number", "must be at least 1");
  }
  absl::Status status() const {
    return found_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(StrJoin(found_, "\n"));
  }

 private:
  std::vector<std::string> found_;
};

bool Duration(const google::protobuf::Duration& duration) {
  return duration.seconds() >= 0 && duration.seconds() < 1000000000 && duration.nanos() >= 0 &&
         duration.nanos() < 1000000000;
}

// Messages are stored as they are; text must at least be of sensible size.
void ExpectItem(const v1::ReportItem& item, const std::string& path, Violations& violations) {
  if (item.has_points()) {
    violations.Expect(!item.points().series().empty() && item.points().series().size() <= kMaxName,
                      path + ".points.series", "must be 1 to 128 characters");
    for (const v1::MetricPoint& point : item.points().points()) {
      if (point.step() >= 0) continue;
      violations.Expect(false, path + ".points.points.step",
                        StrCat("must not be negative, is ", point.step()));
      break;
    }
  } else if (item.has_checkpoint()) {
    const v1::Checkpoint& checkpoint = item.checkpoint();
    violations.Expect(checkpoint.kind() == v1::CHECKPOINT_KIND_RESUMABLE ||
                          checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS,
                      path + ".checkpoint.kind", "must be RESUMABLE or WEIGHTS");
    violations.Expect(checkpoint.step() >= 0, path + ".checkpoint.step", "must not be negative");
    violations.ExpectDigest(checkpoint.artifact().sha256(), path + ".checkpoint.artifact.sha256");
  } else if (item.has_started()) {
    violations.Expect(item.started().resumed_from_step() >= 0, path + ".started.resumed_from_step",
                      "must not be negative");
  } else if (item.has_finished()) {
    const v1::AttemptState state = item.finished().state();
    violations.Expect(
        state == v1::ATTEMPT_STATE_SUCCEEDED || state == v1::ATTEMPT_STATE_FAILED ||
            state == v1::ATTEMPT_STATE_CANCELLED || state == v1::ATTEMPT_STATE_PREEMPTED,
        path + ".finished.state", "must be SUCCEEDED, FAILED, CANCELLED or PREEMPTED");
  }
}

}  // namespace

absl::Status Check(const v1::RegisterRequest& request) {
  Violations violations;
  violations.Expect(!request.worker_name().empty() && request.worker_name().size() <= kMaxName,
                    "worker_name", "must be 1 to 128 characters");
  violations.Expect(!request.instance_id().empty() && request.instance_id().size() <= kMaxName,
                    "instance_id", "must be 1 to 128 characters");
  violations.Expect(request.slots() >= 1 && request.slots() <= 100000, "slots",
                    StrCat("must be 1 to 100000, is ", request.slots()));
  violations.Expect(
      request.protocol_version() == kProtocolVersion, "protocol_version",
      StrCat("is ", request.protocol_version(), ", this coordinator speaks ", kProtocolVersion,
             "; upgrade the ",
             request.protocol_version() < kProtocolVersion ? "worker" : "coordinator"));
  return violations.status();
}

absl::Status Check(const v1::SynchronizeRequest& request) {
  Violations violations;
  violations.ExpectId<WorkerId>(request.worker_id(), "worker_id");
  violations.Expect(Duration(request.max_wait()), "max_wait", "must not be negative");
  for (int i = 0; i < request.held_size(); ++i)
    violations.ExpectKey(request.held(i).key(), StrCat("held[", i, "].key"));
  return violations.status();
}

absl::Status Check(const v1::ReportRequest& request) {
  Violations violations;
  violations.ExpectId<WorkerId>(request.worker_id(), "worker_id");
  violations.ExpectKey(request.key(), "key");
  violations.Expect(request.first_sequence() >= 1 && request.first_sequence() < (int64_t{1} << 62),
                    "first_sequence", "counts from 1");
  violations.Expect(request.items_size() <= kMaxReportItems, "items",
                    StrCat("at most ", kMaxReportItems, ", are ", request.items_size()));
  for (int i = 0; i < request.items_size(); ++i) {
    ExpectItem(request.items(i), StrCat("items[", i, "]"), violations);
    violations.Expect(!request.items(i).has_finished() || i + 1 == request.items_size(),
                      StrCat("items[", i, "]"), "`finished` must be the last item");
  }
  return violations.status();
}

absl::Status Check(const v1::ServeOpen& open) {
  Violations violations;
  violations.ExpectId<WorkerId>(open.worker_id(), "open.worker_id");
  violations.ExpectKey(open.key(), "open.key");
  return violations.status();
}

absl::Status Check(const v1::GenerateRequest& request) {
  Violations violations;
  const v1::SamplingParams& sampling = request.sampling();
  violations.Expect(request.prompt_case() != v1::GenerateRequest::PROMPT_NOT_SET, "prompt",
                    "give text or a conversation");
  violations.Expect(sampling.max_tokens() >= 0 && sampling.max_tokens() <= 1000000,
                    "sampling.max_tokens",
                    StrCat("must be 0 to 1000000, is ", sampling.max_tokens()));
  violations.Expect(sampling.temperature() >= 0 && sampling.temperature() <= 100,
                    "sampling.temperature",
                    StrCat("must be 0 to 100, is ", sampling.temperature()));
  violations.Expect(sampling.top_k() >= 0, "sampling.top_k", "must not be negative");
  violations.Expect(sampling.top_p() >= 0 && sampling.top_p() <= 1, "sampling.top_p",
                    "must be 0 to 1");
  violations.Expect(sampling.min_p() >= 0 && sampling.min_p() <= 1, "sampling.min_p",
                    "must be 0 to 1");
  violations.Expect(sampling.repetition_penalty() >= 0 && sampling.repetition_penalty() <= 100,
                    "sampling.repetition_penalty", "must be 0 to 100");
  violations.Expect(sampling.stop_size() <= 64, "sampling.stop", "at most 64 texts");
  violations.Expect(request.checkpoint_step() >= 0, "checkpoint_step", "must not be negative");
  return violations.status();
}

absl::Status Check(const v1::ArtifactRef& artifact) {
  Violations violations;
  violations.ExpectDigest(artifact.sha256(), "expected.sha256");
  violations.Expect(artifact.size_bytes() >= 0, "expected.size_bytes", "must not be negative");
  return violations.status();
}

}  // namespace shoal::rpc
