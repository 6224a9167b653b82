#include "worker/agent/attempt.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "google/protobuf/util/json_util.h"
#include "worker/agent/process_watch.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(50);
constexpr absl::Duration kLookAtUse = absl::Milliseconds(250);
constexpr absl::Duration kTakeRunner = absl::Seconds(90);
constexpr absl::Duration kExitTimeout =
    absl::Seconds(5);  // from the last frame to the process's end
constexpr absl::Duration kRetryPause = absl::Seconds(1);
constexpr double kIdleShare = 0.02;  // of one core: less is no work
constexpr int kBusySilence = 30;     // hang timeouts that a runner may work without a frame
constexpr int kKeptFailures = 10;
constexpr absl::Duration kIdleSlack = absl::Seconds(5);  // the coordinator ends idle models first

v1::AttemptFinished FailedToBegin(const absl::Status& status) {
  v1::AttemptFinished finished;
  finished.set_state(v1::ATTEMPT_STATE_FAILED);
  finished.set_failure_class(absl::IsInvalidArgument(status) ? v1::FAILURE_CLASS_INVALID_SPEC
                                                             : v1::FAILURE_CLASS_INFRASTRUCTURE);
  finished.set_message(std::string(status.message()));
  return finished;
}

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

}  // namespace

struct Attempt::Limits {
  absl::Duration started;       // boot time of Start
  absl::Duration last_look;     // at what the process uses
  absl::Duration silent_since;  // newest frame seen
  absl::Duration cpu_then;      // CPU time at silent_since
  Ending enforced = Ending::kNone;
  absl::Duration enforced_at;
  int stage = 0;  // of the ladder
};

Attempt::Attempt(const AttemptContext& context, v1::Assignment assignment,
                 absl::Duration lease_ends)
    : context_(context),
      assignment_(std::move(assignment)),
      folder_(JoinPath(context.attempts_folder, StrCat(assignment_.key().job_id(), "-",
                                                       assignment_.key().attempt_number()))),
      lease_ends_(lease_ends),
      step_(assignment_.resume_from().step()),
      phase_("fetching"),
      thread_([this] { Main(); }) {}

Attempt::~Attempt() {
  End(Ending::kDropped, "the worker is stopping");
  thread_.join();
}

v1::HeldAttempt Attempt::Held() const {
  MutexLock lock(mutex_);
  v1::HeldAttempt held;
  *held.mutable_key() = assignment_.key();
  held.set_state(state_);
  held.set_step(step_);
  held.set_phase(phase_);
  return held;
}

void Attempt::Renew(absl::Duration lease_ends) {
  MutexLock lock(mutex_);
  lease_ends_ = std::max(lease_ends_, lease_ends);
}

void Attempt::End(Ending ending, std::string reason) {
  MutexLock lock(mutex_);
  if (ending <= ending_) return;
  ending_ = ending;
  reason_ = std::move(reason);
  if (ending == Ending::kDropped && spool_ != nullptr) spool_->Close();
  changed_.SignalAll();
}

Ending Attempt::ending() const {
  MutexLock lock(mutex_);
  return ending_;
}

std::string Attempt::Name() const {
  return StrCat(assignment_.key().job_id(), " ", assignment_.key().attempt_number());
}

void Attempt::Main() {
  LogInfo("attempt begins", {"job", key().job_id()}, {"attempt", key().attempt_number()},
          {"run", assignment_.run_name()}, {"resume_from", assignment_.resume_from().step()});
  v1::AttemptFinished finished;
  if (const absl::Status status = SetUp(); !status.ok()) {
    finished = FailedToBegin(status);
    ReportWithoutSpool(finished);
  } else {
    const int64_t out_of_memory_kills = OutOfMemoryKills();
    absl::StatusOr<PreparedOrder> prepared = Prepare();
    if (prepared.ok()) {
      files_ = std::move(prepared->files);
      Run(*prepared);
      finished = Judge(Collect(out_of_memory_kills));
    } else if (ending() != Ending::kNone) {
      finished = Judge(Collect(out_of_memory_kills));
    } else {
      finished = FailedToBegin(prepared.status());
    }
    Report(finished);
  }
  const bool dropped = ending() == Ending::kDropped;
  LogInfo(dropped ? "attempt dropped" : "attempt ended", {"job", key().job_id()},
          {"attempt", key().attempt_number()}, {"state", v1::AttemptState_Name(finished.state())},
          {"step", finished.step()}, {"message", finished.message()});
  CleanUp(!dropped && finished.state() == v1::ATTEMPT_STATE_FAILED);
  done_ = true;
  context_.changed();
}

absl::Status Attempt::SetUp() {
  SHOAL_RETURN_IF_ERROR(context_.files.RemoveAll(folder_));
  SHOAL_RETURN_IF_ERROR(context_.files.MakeDirs(JoinPath(folder_, "work"), 0700));
  SpoolOptions options;
  options.capacity_bytes = context_.options.spool_bytes / std::max(1, context_.options.slots);
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<Spool> spool,
                         Spool::Open(context_.files, JoinPath(folder_, "spool"), options));
  {
    MutexLock lock(mutex_);
    spool_ = std::move(spool);
    if (ending_ == Ending::kDropped) spool_->Close();
  }
  sender_ = std::make_unique<ReportSender>(
      context_.client, context_.clock, *spool_, key(), context_.identity,
      [this](const std::string& reason) { End(Ending::kDropped, reason); });
  return absl::OkStatus();
}

absl::StatusOr<PreparedOrder> Attempt::Prepare() {
  const auto cancelled = [this] {
    MutexLock lock(mutex_);
    if (ending_ == Ending::kNone && context_.clock.Boottime() >= lease_ends_) {
      ending_ = Ending::kLeaseEnded;
      reason_ = "the lease ended while the coordinator was away";
    }
    return ending_ != Ending::kNone;
  };
  SHOAL_ASSIGN_OR_RETURN(PreparedOrder prepared,
                         PrepareOrder(context_, assignment_, JoinPath(folder_, "work"), cancelled));
  if (cancelled()) return absl::CancelledError("cancelled before it began");
  std::string json;
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  if (google::protobuf::util::MessageToJsonString(prepared.order, &json, print).ok()) {
    SHOAL_RETURN_IF_ERROR(context_.files.WriteFileAtomic(JoinPath(folder_, "order.json"), json));
  }
  SHOAL_ASSIGN_OR_RETURN(runner_, context_.runners.Take(kTakeRunner), "starting a runner");
  SHOAL_RETURN_IF_ERROR(runner_->MoveLog(JoinPath(folder_, "runner.log")));
  cores_ = context_.cores.Take(assignment_.slots());
  const absl::Status bound = cores_.Bind(runner_->pid());
  if (!bound.ok()) LogWarning("cores are not bound", {"status", bound.ToString()});
  return prepared;
}

void Attempt::Run(const PreparedOrder& prepared) {
  v1::ReportItem started;
  *started.mutable_started() = prepared.started;
  if (!Append(started)) return;
  v1::RunnerFrame start;
  *start.mutable_start() = prepared.order;
  SendDown(start);
  Limits limits;
  limits.started = limits.silent_since = context_.clock.Boottime();
  {
    MutexLock lock(mutex_);
    state_ = v1::ATTEMPT_STATE_RUNNING;
    phase_ = "starting";
    last_frame_ = limits.started;
  }
  sender_->Hurry();
  std::jthread reader([this] { ReadFrames(); });
  Conduct(limits);
  reader.join();
  std::unique_ptr<ServeRelay> relay;
  {
    MutexLock lock(mutex_);
    relay = std::move(relay_);
  }
}

// Until the runner's socket has ended.
void Attempt::Conduct(Limits& limits) {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (reading_ended_) return;
      changed_.WaitFor(mutex_, kTick);
      if (reading_ended_) return;
    }
    Watch(limits);
    Enforce(limits);
  }
}

void Attempt::Watch(Limits& limits) {
  const absl::Duration now = context_.clock.Boottime();
  absl::Duration lease_ends;
  std::optional<absl::Duration> idle;
  {
    MutexLock lock(mutex_);
    if (finished_.has_value()) return;  // it has said its last word
    lease_ends = lease_ends_;
    if (relay_ != nullptr) idle = relay_->IdleFor();
  }
  if (now >= lease_ends)
    End(Ending::kLeaseEnded,
        "the coordinator was away for longer than the lease; the runner was stopped");
  const int64_t time_limit = assignment_.spec().resources().time_limit_s();
  if (time_limit > 0 && now - limits.started >= absl::Seconds(time_limit)) {
    End(Ending::kTimeLimit,
        StrCat("the time limit of ", time_limit, " s (resources.time_limit_s) is over"));
  }
  const absl::Duration idle_timeout = FromProto(assignment_.idle_timeout());
  if (idle.has_value() && idle_timeout > absl::ZeroDuration() &&
      *idle >= idle_timeout + kIdleSlack) {
    End(Ending::kIdle, StrCat("nobody asked for ", absl::FormatDuration(idle_timeout)));
  }
  if (now - limits.last_look >= kLookAtUse) WatchUse(limits, now);
}

// Memory, and whether it lives: a runner that says nothing and computes nothing is hung; one that
// computes is given longer, since a single evaluation of a large model may take minutes.
void Attempt::WatchUse(Limits& limits, absl::Duration now) {
  limits.last_look = now;
  const int64_t limit_mib = assignment_.spec().resources().memory_mib();
  const int64_t resident = limit_mib > 0 ? ResidentBytes(runner_->pid()) : 0;
  if (limit_mib > 0 && resident > limit_mib << 20) {
    End(Ending::kMemory,
        StrCat("it used ", resident >> 20, " MiB; resources.memory_mib allows ", limit_mib));
  }
  absl::Duration newest;
  {
    MutexLock lock(mutex_);
    newest = handling_ ? now : last_frame_;
  }
  const absl::Duration hang_timeout = context_.options.hang_timeout;
  if (newest > limits.silent_since || limits.cpu_then == absl::ZeroDuration()) {
    limits.silent_since = newest;
    limits.cpu_then = CpuTime(runner_->pid());
  }
  const absl::Duration silence = now - newest;
  if (silence < hang_timeout) return;
  const absl::Duration worked = CpuTime(runner_->pid()) - limits.cpu_then;
  if (worked > silence * kIdleShare && silence < hang_timeout * kBusySilence) return;
  End(Ending::kHung, StrCat("no sign of life for ",
                            absl::FormatDuration(absl::Trunc(silence, absl::Milliseconds(100))),
                            "; it worked ", absl::FormatDuration(worked), " of that"));
}

// The ladder: a frame that asks, SIGTERM, SIGKILL.
void Attempt::Enforce(Limits& limits) {
  const absl::Duration now = context_.clock.Boottime();
  const Ending wanted = ending();
  std::string reason;
  bool said_finished = false;
  {
    MutexLock lock(mutex_);
    reason = reason_;
    said_finished = finished_.has_value();
  }
  if (said_finished) {  // the process should be gone in a moment
    if (limits.enforced_at == absl::ZeroDuration()) limits.enforced_at = now;
    if (now - limits.enforced_at > kExitTimeout || wanted == Ending::kDropped)
      runner_->process().Kill(SIGKILL).IgnoreError();
    return;
  }
  if (wanted == Ending::kNone) return;
  const bool asks = wanted == Ending::kPreempted || wanted == Ending::kIdle ||
                    wanted == Ending::kCancelled || wanted == Ending::kTimeLimit;
  if (!asks) {
    runner_->process().Kill(SIGKILL).IgnoreError();
    return;
  }
  if (wanted != limits.enforced) {
    limits = Limits{
        limits.started, limits.last_look, limits.silent_since, limits.cpu_then, wanted, now, 0};
    v1::RunnerFrame frame;
    if (wanted == Ending::kPreempted) {
      frame.mutable_preempt()->set_reason(reason);
    } else {
      frame.mutable_cancel()->set_reason(reason);
    }
    SendDown(frame);
  }
  const absl::Duration grace =
      wanted == Ending::kPreempted ? context_.options.preempt_grace : context_.options.cancel_grace;
  if (limits.stage == 0 && now - limits.enforced_at >= grace) {
    limits.stage = 1;
    LogWarning("runner does not stop", {"job", key().job_id()}, {"attempt", key().attempt_number()},
               {"reason", reason});
    runner_->process().Kill(SIGTERM).IgnoreError();
  }
  if (limits.stage == 1 && now - limits.enforced_at >= grace + context_.options.cancel_grace) {
    runner_->process().Kill(SIGKILL).IgnoreError();
  }
}

RunnerEnd Attempt::Collect(int64_t out_of_memory_kills) {
  RunnerEnd end;
  if (runner_ != nullptr) {
    end.exit = runner_->process().Wait(kExitTimeout);
    if (!end.exit.has_value()) {
      runner_->process().Kill(SIGKILL).IgnoreError();
      end.exit = runner_->process().Wait();
    }
    end.log_tail = runner_->LogTail();
  }
  end.out_of_memory_kill = OutOfMemoryKills() > out_of_memory_kills;
  MutexLock lock(mutex_);
  end.ending = ending_;
  end.reason = reason_;
  end.finished = finished_;
  end.step = step_;
  if (!lost_checkpoint_.ok() && finished_.has_value() &&
      finished_->state() == v1::ATTEMPT_STATE_SUCCEEDED) {
    end.finished->set_state(v1::ATTEMPT_STATE_FAILED);
    end.finished->set_failure_class(v1::FAILURE_CLASS_INFRASTRUCTURE);
    end.finished->set_message(std::string(lost_checkpoint_.message()));
  }
  return end;
}

void Attempt::Report(const v1::AttemptFinished& finished) {
  {
    MutexLock lock(mutex_);
    phase_ = "reporting";
  }
  cores_ = CoreSet();
  v1::ReportItem item;
  *item.mutable_finished() = finished;
  if (Append(item)) {
    sender_->Hurry();
    while (ending() != Ending::kDropped && !sender_->WaitUntilDone(kTick)) {
    }
  }
  sender_->Stop();
}

// The disk does not even hold a folder: the one thing there is to say is said directly.
void Attempt::ReportWithoutSpool(const v1::AttemptFinished& finished) {
  while (ending() != Ending::kDropped) {
    v1::ReportRequest request;
    const Identity identity = context_.identity();
    request.set_worker_id(identity.worker_id);
    request.set_instance_id(identity.instance_id);
    *request.mutable_key() = key();
    request.set_first_sequence(1);
    *request.add_items()->mutable_finished() = finished;
    const absl::Status status = context_.client.Report(request).status();
    if (status.ok() || absl::IsAborted(status) || absl::IsNotFound(status)) return;
    MutexLock lock(mutex_);
    if (ending_ != Ending::kDropped) changed_.WaitFor(mutex_, kRetryPause);
  }
}

// What may help to understand a failure stays for a while: `shoal-runner --attempt order.json` runs
// it again.
void Attempt::CleanUp(bool failed) {
  sender_.reset();
  runner_.reset();
  if (failed) {
    const std::string kept = JoinPath(context_.failed_folder, BaseName(folder_));
    absl::Status status = context_.files.RemoveAll(kept);
    status.Update(context_.files.MakeDirs(kept, 0700));
    for (const char* name : {"order.json", "runner.log"}) {
      if (!context_.files.Exists(JoinPath(folder_, name))) continue;
      status.Update(context_.files.Rename(JoinPath(folder_, name), JoinPath(kept, name)));
    }
    if (!status.ok())
      LogWarning("failure not kept", {"attempt", Name()}, {"status", status.ToString()});
    std::vector<std::string> names =
        context_.files.ListDir(context_.failed_folder).value_or(std::vector<std::string>());
    for (size_t i = 0; i + kKeptFailures < names.size();
         ++i) {  // job ids sort by the time they were made
      context_.files.RemoveAll(JoinPath(context_.failed_folder, names[i])).IgnoreError();
    }
  }
  files_.clear();
  const absl::Status removed = context_.files.RemoveAll(folder_);
  if (!removed.ok())
    LogWarning("folder not removed", {"attempt", Name()}, {"status", removed.ToString()});
}

}  // namespace shoal::agent
