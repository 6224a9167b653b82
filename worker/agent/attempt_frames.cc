// What an attempt's reading thread does: from the runner's frames to the spool.
#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "worker/agent/attempt.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kRetryPause = absl::Seconds(1);

}  // namespace

void Attempt::ReadFrames() {
  v1::AgentFrame frame;
  while (true) {
    const absl::StatusOr<bool> received = runner_->channel().Receive(frame);
    if (!received.ok() || !*received) {
      if (!received.ok())
        LogWarning("runner's frames end", {"attempt", Name()},
                   {"status", received.status().ToString()});
      break;
    }
    {
      MutexLock lock(mutex_);
      handling_ = true;
    }
    OnFrame(frame);
    MutexLock lock(mutex_);
    handling_ = false;
    last_frame_ = context_.clock.Boottime();
  }
  MutexLock lock(mutex_);
  reading_ended_ = true;
  changed_.SignalAll();
}

void Attempt::OnFrame(v1::AgentFrame& frame) {
  v1::ReportItem item;
  switch (frame.frame_case()) {
    case v1::AgentFrame::kProgress: {
      MutexLock lock(mutex_);
      step_ = frame.progress().step();
      phase_ = frame.progress().phase();
      return;
    }
    case v1::AgentFrame::kMetrics:
      for (v1::SeriesPoints& series : *frame.mutable_metrics()->mutable_series()) {
        item.mutable_points()->Swap(&series);
        Append(item);
      }
      return;
    case v1::AgentFrame::kLog:
      item.mutable_log()->Swap(frame.mutable_log());
      Append(item);
      return;
    case v1::AgentFrame::kSample:
      item.mutable_sample()->Swap(frame.mutable_sample());
      Append(item);
      return;
    case v1::AgentFrame::kCheckpointSaved:
      return OnCheckpoint(frame.checkpoint_saved());
    case v1::AgentFrame::kModelReady:
      return OnModelReady();
    case v1::AgentFrame::kResponse: {
      ServeRelay* relay = nullptr;
      {
        MutexLock lock(mutex_);
        relay = relay_.get();  // goes only after this thread
      }
      if (relay != nullptr) relay->Answer(frame.response());
      return;
    }
    case v1::AgentFrame::kFinished: {
      MutexLock lock(mutex_);
      finished_ = frame.finished();
      step_ = std::max(step_, frame.finished().step());
      return;
    }
    default:
      LogWarning("unexpected frame", {"attempt", Name()},
                 {"case", static_cast<int>(frame.frame_case())});
  }
}

// The file moves into the cache (a resume on this worker then needs no download) and is held there
// until it is uploaded.
void Attempt::OnCheckpoint(const v1::CheckpointSaved& saved) {
  absl::StatusOr<ArtifactCache::Pin> file = context_.cache.Adopt(saved.path(), saved.sha256());
  if (!file.ok()) {
    const absl::Status status =
        Annotate(file.status(), "keeping the checkpoint of step ", saved.step());
    v1::ReportItem item;
    item.mutable_log()->set_wall_time_us(absl::ToUnixMicros(context_.clock.Now()));
    item.mutable_log()->set_level("error");
    item.mutable_log()->set_text(std::string(status.message()));
    Append(item);
    MutexLock lock(mutex_);
    lost_checkpoint_ = status;
    return;
  }
  sender_->Keep(*std::move(file));
  v1::ReportItem item;
  v1::Checkpoint& checkpoint = *item.mutable_checkpoint();
  checkpoint.set_kind(saved.kind());
  checkpoint.set_step(saved.step());
  checkpoint.set_held_out_loss(saved.held_out_loss());
  checkpoint.set_attempt_number(key().attempt_number());
  checkpoint.mutable_artifact()->set_sha256(saved.sha256());
  checkpoint.mutable_artifact()->set_size_bytes(saved.size_bytes());
  checkpoint.mutable_artifact()->set_media_type("application/x-safetensors");
  Append(item);
}

void Attempt::OnModelReady() {
  if (assignment_.kind() != v1::JOB_KIND_SERVE) return;
  auto relay =
      std::make_unique<ServeRelay>(context_.client, context_.clock, key(), context_.identity,
                                   [this](const v1::RunnerFrame& frame) { SendDown(frame); });
  MutexLock lock(mutex_);
  relay_ = std::move(relay);
}

bool Attempt::Append(const v1::ReportItem& item) {
  bool told = false;
  while (true) {
    const absl::Status status = spool_->Append(item, kRetryPause).status();
    if (status.ok()) return true;
    if (absl::IsAborted(status)) return false;
    if (!std::exchange(told, true)) {
      LogWarning("runner waits for the spool", {"attempt", Name()}, {"status", status.ToString()});
    }
    MutexLock lock(mutex_);
    if (ending_ == Ending::kDropped) return false;
    if (!absl::IsDeadlineExceeded(status)) changed_.WaitFor(mutex_, kRetryPause);
  }
}

// A runner that cannot be told is dead or hung; both are noticed elsewhere.
void Attempt::SendDown(const v1::RunnerFrame& frame) {
  const absl::Status sent = runner_->channel().Send(frame);
  if (!sent.ok()) LogWarning("frame not sent", {"attempt", Name()}, {"status", sent.ToString()});
}

}  // namespace shoal::agent
