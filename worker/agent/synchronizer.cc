#include "worker/agent/synchronizer.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(50);
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);
constexpr absl::Duration kIdleWait = absl::Seconds(10);  // long poll without attempts
constexpr absl::Duration kRunningWait =
    absl::Seconds(1);  // with attempts: so that their steps are live
constexpr absl::Duration kStopPause =
    absl::Milliseconds(250);  // orders to stop come again until they are done
constexpr absl::Duration kCallSlack =
    absl::Seconds(5);  // an answer takes at most so long beyond max_wait
constexpr absl::Duration kTellTimeout =
    absl::Seconds(2);  // to tell the coordinator that we are leaving
constexpr absl::Duration kLongestMargin = absl::Seconds(5);

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

// A runner is killed this much before its lease ends.
absl::Duration Margin(absl::Duration lease) { return std::min(lease / 10, kLongestMargin); }

Ending EndingOf(v1::StopOrder::Kind kind) {
  switch (kind) {
    case v1::StopOrder::KIND_CANCEL:
      return Ending::kCancelled;
    case v1::StopOrder::KIND_PREEMPT:
      return Ending::kPreempted;
    default:
      return Ending::kDropped;
  }
}

}  // namespace

Synchronizer::Synchronizer(AttemptContext context, v1::RegisterRequest registration)
    : context_(std::move(context)), registration_(std::move(registration)), next_call_(kIdleWait) {
  context_.identity = [this] { return Who(); };
  context_.changed = [this] { Wake(); };
}

Synchronizer::~Synchronizer() { Stop(); }

void Synchronizer::Begin() {
  thread_ = std::jthread([this] { Main(); });
}

Identity Synchronizer::Who() const {
  MutexLock lock(mutex_);
  return {worker_id_, registration_.instance_id()};
}

void Synchronizer::Wake() {
  {
    MutexLock lock(mutex_);
    changed_ = true;
    cond_.SignalAll();
  }
  context_.client.WakeSynchronize();
}

void Synchronizer::Drain(const std::string& reason) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(draining_, true)) return;
    drain_reason_ = reason;
    for (const auto& [key, attempt] : attempts_) attempt->End(Ending::kPreempted, reason);
  }
  Wake();
}

bool Synchronizer::WaitUntilIdle(absl::Duration timeout) {
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(mutex_);
  while (!attempts_.empty() && ended_.ok()) {
    if (!cond_.WaitUntil(mutex_, deadline)) return false;
  }
  // A courtesy: who draws up plans should know that we are gone. Not worth waiting for long.
  const auto courtesy = std::min(deadline, CondVar::Deadline(kTellTimeout));
  while (!told_gone_ && ended_.ok()) {
    if (!cond_.WaitUntil(mutex_, courtesy)) break;
  }
  return true;
}

absl::Status Synchronizer::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

void Synchronizer::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    cond_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
  std::map<Key, std::unique_ptr<Attempt>> attempts;
  {
    MutexLock lock(mutex_);
    attempts.swap(attempts_);
  }
  // All at once first, so that none waits for another's end.
  for (const auto& [key, attempt] : attempts)
    attempt->End(Ending::kDropped, "the worker is stopping");
}

void Synchronizer::Pause(absl::Duration duration, bool until_changed) {
  const auto deadline = CondVar::Deadline(duration);
  MutexLock lock(mutex_);
  while (!stopping_ && !(until_changed && changed_)) {
    if (!cond_.WaitUntil(mutex_, deadline)) return;
  }
}

void Synchronizer::Main() {
  absl::Duration backoff = kFirstBackoff;
  std::string away;  // what was last logged about not getting through
  bool known = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      changed_ = false;
    }
    Reap();
    const absl::Status status = known ? SynchronizeOnce() : Register();
    if (status.ok()) {
      if (!away.empty()) LogInfo("coordinator is back", {"worker", registration_.worker_name()});
      known = true;
      away.clear();
      backoff = kFirstBackoff;
      continue;
    }
    if (absl::IsCancelled(status)) continue;  // woken
    if (known && absl::IsNotFound(status)) {
      known = false;
      LogInfo("coordinator does not know us, registering again",
              {"worker", registration_.worker_name()});
      continue;
    }
    if (absl::IsAborted(status) || absl::IsUnauthenticated(status)) {
      LogInfo("worker ends by itself", {"worker", registration_.worker_name()},
              {"code", absl::StatusCodeToString(status.code())});  // its owner is told why
      MutexLock lock(mutex_);
      ended_ = status;
      for (const auto& [key, attempt] : attempts_)
        attempt->End(Ending::kDropped, std::string(status.message()));
      cond_.SignalAll();
      return;
    }
    if (away.empty()) {
      away = status.ToString();
      LogWarning("coordinator is away, trying on",
                 {"coordinator", context_.options.coordinator.ToString()}, {"status", away});
    }
    Pause(backoff, /*until_changed=*/false);
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

absl::Status Synchronizer::Register() {
  SHOAL_ASSIGN_OR_RETURN(const v1::RegisterResponse response,
                         context_.client.Register(registration_));
  {
    MutexLock lock(mutex_);
    worker_id_ = response.worker_id();
  }
  LogInfo("worker registered", {"worker", registration_.worker_name()},
          {"id", response.worker_id()},
          {"lease", absl::FormatDuration(FromProto(response.lease()))});
  if (std::exchange(first_registration_, false)) {
    // The coordinator has released what an earlier process of this name held: its remains are of no
    // use.
    const std::vector<std::string> old =
        context_.files.ListDir(context_.attempts_folder).value_or(std::vector<std::string>());
    for (const std::string& name : old) {
      context_.files.RemoveAll(JoinPath(context_.attempts_folder, name)).IgnoreError();
    }
  }
  return absl::OkStatus();
}

v1::SynchronizeRequest Synchronizer::Request() {
  v1::SynchronizeRequest request;
  MutexLock lock(mutex_);
  request.set_worker_id(worker_id_);
  request.set_instance_id(registration_.instance_id());
  int used = 0;
  for (const auto& [key, attempt] : attempts_) {
    *request.add_held() = attempt->Held();
    used += attempt->slots();
  }
  request.set_free_slots(std::max(0, registration_.slots() - used));
  request.set_draining(draining_);
  const bool told = attempts_.empty() ? told_gone_ : told_draining_;
  const bool waits = !changed_ && (!draining_ || told);
  const absl::Duration longest = std::min(next_call_, attempts_.empty() ? kIdleWait : kRunningWait);
  SetDuration(waits ? longest : absl::ZeroDuration(), request.mutable_max_wait());
  return request;
}

absl::Status Synchronizer::SynchronizeOnce() {
  const v1::SynchronizeRequest request = Request();
  const absl::Duration sent_at = context_.clock.Boottime();
  SHOAL_ASSIGN_OR_RETURN(
      const v1::SynchronizeResponse response,
      context_.client.Synchronize(request, FromProto(request.max_wait()) + kCallSlack));
  if (request.draining()) {
    MutexLock lock(mutex_);
    told_draining_ = true;
    told_gone_ = request.held().empty() && response.start().empty();
    cond_.SignalAll();
  }
  Apply(response, sent_at);
  return absl::OkStatus();
}

void Synchronizer::Apply(const v1::SynchronizeResponse& response, absl::Duration sent_at) {
  const absl::Duration lease = FromProto(response.lease());
  const absl::Duration lease_ends = sent_at + lease - Margin(lease);
  next_call_ = std::max(FromProto(response.next_call()), absl::Milliseconds(100));
  {
    MutexLock lock(mutex_);
    for (const v1::AttemptKey& key : response.renewed()) {
      const auto attempt = attempts_.find({key.job_id(), key.attempt_number()});
      if (attempt != attempts_.end()) attempt->second->Renew(lease_ends);
    }
    for (const v1::StopOrder& stop : response.stop()) {
      const auto attempt = attempts_.find({stop.key().job_id(), stop.key().attempt_number()});
      if (attempt != attempts_.end()) attempt->second->End(EndingOf(stop.kind()), stop.reason());
    }
  }
  for (const v1::Assignment& assignment : response.start()) Begin(assignment, lease_ends);
  if (response.stop_size() > 0) Pause(kStopPause, /*until_changed=*/true);
}

void Synchronizer::Begin(const v1::Assignment& assignment, absl::Duration lease_ends) {
  MutexLock lock(mutex_);
  const Key key(assignment.key().job_id(), assignment.key().attempt_number());
  if (stopping_ || attempts_.contains(key)) return;
  auto attempt = std::make_unique<Attempt>(context_, assignment, lease_ends);
  if (draining_) attempt->End(Ending::kPreempted, drain_reason_);
  attempts_.emplace(key, std::move(attempt));
}

void Synchronizer::Reap() {
  std::vector<std::unique_ptr<Attempt>>
      done;  // joined outside the lock, which their last steps take
  MutexLock lock(mutex_);
  for (auto it = attempts_.begin(); it != attempts_.end();) {
    if (it->second->done()) {
      done.push_back(std::move(it->second));
      it = attempts_.erase(it);
    } else {
      ++it;
    }
  }
  cond_.SignalAll();
}

}  // namespace shoal::agent
