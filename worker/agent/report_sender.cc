#include "worker/agent/report_sender.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

constexpr size_t kMaxItems = 4096;
constexpr int64_t kMaxBytes =
    (int64_t{4} << 20) - (int64_t{64} << 10);  // room for the request around the items
constexpr absl::Duration kGather = absl::Milliseconds(250);  // between reports
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);
constexpr absl::Duration kWait = absl::Milliseconds(250);

}  // namespace

ReportSender::ReportSender(CoordinatorClient& client, const Clock& clock, Spool& spool,
                           v1::AttemptKey key, std::function<Identity()> identity,
                           std::function<void(const std::string&)> on_stale)
    : client_(client),
      clock_(clock),
      spool_(spool),
      key_(std::move(key)),
      identity_(std::move(identity)),
      on_stale_(std::move(on_stale)),
      thread_([this] { Main(); }) {}

ReportSender::~ReportSender() { Stop(); }

void ReportSender::Keep(ArtifactCache::Pin file) {
  MutexLock lock(mutex_);
  const std::string sha256 = file.sha256();
  kept_[sha256] = std::move(file);
}

void ReportSender::Hurry() {
  MutexLock lock(mutex_);
  hurry_ = true;
  changed_.SignalAll();
}

bool ReportSender::WaitUntilDone(absl::Duration timeout) {
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(mutex_);
  while (!done_ && !stopping_) {
    if (!changed_.WaitUntil(mutex_, deadline)) break;
  }
  return done_;
}

void ReportSender::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  spool_.Close();
  if (thread_.joinable()) thread_.join();
}

bool ReportSender::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

void ReportSender::Pause(absl::Duration duration) {
  const auto deadline = CondVar::Deadline(duration);
  MutexLock lock(mutex_);
  while (!stopping_ && !hurry_) {
    if (!changed_.WaitUntil(mutex_, deadline)) return;
  }
}

void ReportSender::Main() {
  absl::Duration backoff = kFirstBackoff;
  while (!stopping()) {
    switch (SendOnce()) {
      case Outcome::kDone:
        return;
      case Outcome::kOk:
        backoff = kFirstBackoff;
        Pause(kGather);
        break;
      case Outcome::kRetry: {
        {
          MutexLock lock(mutex_);
          hurry_ = false;
        }
        Pause(backoff);
        backoff = std::min(backoff * 2, kLongestBackoff);
      }
    }
  }
}

ReportSender::Outcome ReportSender::SendOnce() {
  {
    MutexLock lock(mutex_);
    hurry_ = false;
  }
  absl::StatusOr<Spool::Batch> batch = spool_.Read(one_by_one_ ? 1 : kMaxItems, kMaxBytes, kWait);
  if (!batch.ok()) {
    // What was reported is lost on this disk: the attempt's story cannot be told any more.
    GiveUp(StrCat("its spool cannot be read: ", batch.status().message()));
    return Outcome::kDone;
  }
  if (batch->items.empty()) return Outcome::kOk;
  // Up to the first checkpoint whose file is not there yet, so that what came before it is not held
  // up.
  size_t count = 0;
  const auto needs_upload = [&](size_t i) {
    return batch->items[i].has_checkpoint() &&
           !replaced_.contains(batch->first_sequence + static_cast<int64_t>(i)) &&
           !uploaded_.contains(batch->items[i].checkpoint().artifact().sha256());
  };
  while (count < batch->items.size() && !needs_upload(count)) ++count;
  if (count == 0) {
    const Outcome outcome = Upload(batch->items[0], batch->first_sequence);
    if (outcome != Outcome::kOk) return outcome;
    count = 1;
  }
  const bool more = count < batch->items.size();
  batch->items.resize(count);
  const Outcome outcome = Send(*std::move(batch));
  if (outcome == Outcome::kOk && more) Hurry();
  return outcome;
}

ReportSender::Outcome ReportSender::Upload(v1::ReportItem& item, int64_t sequence) {
  const v1::Checkpoint& checkpoint = item.checkpoint();
  const std::string& sha256 = checkpoint.artifact().sha256();
  std::string path;
  {
    MutexLock lock(mutex_);
    const auto kept = kept_.find(sha256);
    if (kept != kept_.end()) path = kept->second.path();
  }
  const absl::Status status = path.empty() ? absl::NotFoundError("its file is not kept any more")
                                           : client_.Upload(path, checkpoint.artifact());
  if (status.ok()) {
    uploaded_.insert(sha256);
    away_.clear();
    return Outcome::kOk;
  }
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsDataLoss(status)) {
    LogError("checkpoint lost", {"job", key_.job_id()}, {"attempt", key_.attempt_number()},
             {"step", checkpoint.step()}, {"status", status.ToString()});
    replaced_[sequence] = StrCat("the checkpoint of step ", checkpoint.step(),
                                 " could not be kept: ", status.message());
    lost_checkpoint_ = true;
    return Outcome::kOk;
  }
  if (status.message() != AbslView(away_) && !absl::IsCancelled(status)) {
    away_ = std::string(status.message());
    LogWarning("checkpoint not uploaded, trying on", {"job", key_.job_id()},
               {"step", checkpoint.step()}, {"status", status.ToString()});
  }
  return Outcome::kRetry;
}

// Puts what can be told in place of what cannot.
void ReportSender::Amend(Spool::Batch& batch) {
  for (size_t i = 0; i < batch.items.size(); ++i) {
    v1::ReportItem& item = batch.items[i];
    const auto replaced = replaced_.find(batch.first_sequence + static_cast<int64_t>(i));
    if (replaced != replaced_.end()) {
      v1::LogLine line;
      line.set_wall_time_us(absl::ToUnixMicros(clock_.Now()));
      line.set_level("error");
      line.set_text(replaced->second);
      *item.mutable_log() = line;
    }
    if (lost_checkpoint_ && item.has_finished() &&
        item.finished().state() == v1::ATTEMPT_STATE_SUCCEEDED) {
      item.mutable_finished()->set_state(v1::ATTEMPT_STATE_FAILED);
      item.mutable_finished()->set_failure_class(v1::FAILURE_CLASS_INFRASTRUCTURE);
      item.mutable_finished()->set_message("a checkpoint was lost on its way; see the log");
    }
  }
}

ReportSender::Outcome ReportSender::Send(Spool::Batch batch) {
  Amend(batch);
  v1::ReportRequest request;
  const Identity identity = identity_();
  request.set_worker_id(identity.worker_id);
  request.set_instance_id(identity.instance_id);
  *request.mutable_key() = key_;
  request.set_first_sequence(batch.first_sequence);
  for (v1::ReportItem& item : batch.items) *request.add_items() = item;
  const absl::StatusOr<v1::ReportResponse> answer = client_.Report(request);
  if (!answer.ok()) return OnRefused(answer.status(), batch);
  away_.clear();
  one_by_one_ = false;
  const absl::Status known = spool_.Acknowledge(answer->acknowledged());
  const int64_t last = batch.first_sequence + static_cast<int64_t>(batch.items.size()) - 1;
  if (!known.ok() || answer->acknowledged() < batch.first_sequence - 1) {
    GiveUp(StrCat("the coordinator knows items up to ", answer->acknowledged(), ", we told ",
                  batch.first_sequence, " to ", last));
    return Outcome::kDone;
  }
  {
    MutexLock lock(mutex_);
    for (const v1::ReportItem& item : batch.items) {
      if (item.has_checkpoint()) kept_.erase(item.checkpoint().artifact().sha256());
    }
    done_ = answer->acknowledged() >= last && batch.items.back().has_finished();
    changed_.SignalAll();
    if (done_) return Outcome::kDone;
  }
  return Outcome::kOk;
}

ReportSender::Outcome ReportSender::OnRefused(const absl::Status& status,
                                              const Spool::Batch& batch) {
  if (absl::IsAborted(status) || absl::IsNotFound(status)) {
    GiveUp(std::string(status.message()));
    return Outcome::kDone;
  }
  if (status.message() != AbslView(away_) && !absl::IsCancelled(status)) {
    away_ = std::string(status.message());
    LogWarning("report not delivered, trying on", {"job", key_.job_id()},
               {"attempt", key_.attempt_number()}, {"first_item", batch.first_sequence},
               {"status", status.ToString()});
  }
  if (absl::IsFailedPrecondition(status)) uploaded_.clear();  // an artifact is not there (any more)
  if (absl::IsInvalidArgument(status) || absl::IsOutOfRange(status)) {
    if (batch.items.size() == 1 && !batch.items[0].has_finished()) {
      replaced_[batch.first_sequence] =
          StrCat("an item of this log was refused: ", status.message());
      lost_checkpoint_ = lost_checkpoint_ || batch.items[0].has_checkpoint();
    } else if (batch.items.size() == 1) {
      GiveUp(std::string(status.message()));
      return Outcome::kDone;
    }
    one_by_one_ = true;
  }
  return Outcome::kRetry;
}

void ReportSender::GiveUp(const std::string& reason) {
  on_stale_(reason);
  MutexLock lock(mutex_);
  done_ = true;
  kept_.clear();
  changed_.SignalAll();
}

}  // namespace shoal::agent
