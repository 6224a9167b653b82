#include "cli/lab/follow.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "absl/time/clock.h"
#include "cli/lab/resolve.h"
#include "cli/output/progress.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/spec/run_status.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kPatience = absl::Minutes(2);  // with a lab that is away
constexpr absl::Duration kRedraw = absl::Milliseconds(200);

std::atomic<bool> interrupted = false;
void OnInterrupt(int) { interrupted = true; }

// Catches Ctrl-C while it lives.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = OnInterrupt;
    sigaction(SIGINT, &action, &previous_);
  }
  ~InterruptGuard() { sigaction(SIGINT, &previous_, nullptr); }

 private:
  struct sigaction previous_ {};
};

// What the watching thread has learned. Thread-safe.
class WatchedRuns {
 public:
  void Update(const v1::Run& run) {
    MutexLock lock(mutex_);
    runs_[run.run_id()] = run;
  }
  std::vector<v1::Run> Snapshot() const {
    MutexLock lock(mutex_);
    std::vector<v1::Run> runs;
    for (const auto& [id, run] : runs_) runs.push_back(run);
    SortRuns(runs);
    return runs;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, v1::Run> runs_ GUARDED_BY(mutex_);
};

// One Watch stream read by a thread of its own, until it ends or is cancelled.
class WatchStream {
 public:
  WatchStream(Lab& lab, const std::vector<std::string>& targets, int64_t after_event,
              WatchedRuns& runs)
      : after_event_(after_event) {
    v1::WatchRequest request;
    for (const std::string& target : targets) request.add_targets(target);
    request.set_after_event_id(after_event);
    request.set_until_finished(true);
    thread_ = std::thread([this, &lab, &runs, request] {
      const auto reader = lab.service().Watch(&context_, request);
      v1::WatchResponse response;
      while (reader->Read(&response)) {
        after_event_ = std::max<int64_t>(after_event_, response.event_id());
        if (response.has_run()) runs.Update(response.run());
      }
      status_ = FromGrpc(reader->Finish());
      done_ = true;
    });
  }
  ~WatchStream() {
    context_.TryCancel();
    thread_.join();
  }
  bool done() const { return done_; }
  int64_t after_event() const { return after_event_; }
  const absl::Status& status() const { return status_; }  // once done

 private:
  grpc::ClientContext context_;
  std::atomic<int64_t> after_event_;
  std::atomic<bool> done_ = false;
  absl::Status status_;
  std::thread thread_;
};

bool IsLoss(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) || absl::IsInternal(status);
}

}  // namespace

absl::Status FollowLogs(const LabOptions& options, const v1::ReadLogsRequest& request,
                        const std::function<void(const v1::ReadLogsResponse&)>& show) {
  const Clock& clock = *options.clock;
  absl::Duration last_contact = clock.Boottime();
  int64_t shown = 0;
  bool told = false;
  while (true) {
    absl::StatusOr<Lab> lab = Lab::Connect(options);
    absl::Status status = lab.status();
    if (lab.ok()) {
      // The log only grows, and a lab that comes back tells it again from its beginning.
      int64_t read = 0;
      grpc::ClientContext context;
      const auto reader = lab->service().ReadLogs(&context, request);
      v1::ReadLogsResponse response;
      while (reader->Read(&response)) {
        if (++read <= shown) continue;
        show(response);
        shown = read;
      }
      status = FromGrpc(reader->Finish());
      last_contact = clock.Boottime();
      told = false;
    }
    if (status.ok() || !IsLoss(status)) return status;
    if (clock.Boottime() - last_contact > kPatience) return Annotate(status, "the lab stays away");
    if (!told && !options.quiet) std::fprintf(stderr, "the lab is away, trying again\n");
    told = true;
    absl::SleepFor(absl::Milliseconds(500));
  }
}

bool IsFinal(v1::RunStatus status) { return spec::IsFinal(status); }

std::string StatusName(v1::RunStatus status) {
  constexpr size_t kPrefix = sizeof("RUN_STATUS_") - 1;
  return v1::RunStatus_Name(status).substr(kPrefix);
}

Style StatusStyle(v1::RunStatus status) {
  switch (status) {
    case v1::RUN_STATUS_SUCCEEDED:
      return Style::kGreen;
    case v1::RUN_STATUS_FAILED:
      return Style::kRed;
    case v1::RUN_STATUS_CANCELLED:
    case v1::RUN_STATUS_ABORTED:
    case v1::RUN_STATUS_PAUSED:
      return Style::kYellow;
    case v1::RUN_STATUS_RUNNING:
      return Style::kCyan;
    default:
      return Style::kDim;
  }
}

const v1::MetricSummary* FindMetric(const v1::Run& run, const std::string& name) {
  const auto at = run.metrics().find(name);
  return at == run.metrics().end() ? nullptr : &at->second;
}

absl::StatusOr<FollowResult> Follow(const LabOptions& options,
                                    const std::vector<std::string>& targets, FollowMode mode,
                                    const Terminal& terminal, absl::Duration timeout) {
  const InterruptGuard guard;
  const Clock& clock = *options.clock;
  const absl::Duration deadline = clock.Boottime() + timeout;
  WatchedRuns runs;
  ProgressDisplay display(terminal);
  absl::Duration last_contact = clock.Boottime();
  int64_t after_event = 0;
  std::string notice;
  const auto show = [&] {
    if (mode == FollowMode::kProgress) display.Show(runs.Snapshot(), clock.Now(), notice);
  };
  while (true) {
    absl::StatusOr<Lab> lab = Lab::Connect(options);
    absl::Status status = lab.status();
    if (lab.ok()) {
      last_contact = clock.Boottime();
      WatchStream stream(*lab, targets, after_event, runs);
      notice.clear();
      while (!stream.done() && !interrupted && clock.Boottime() < deadline) {
        show();
        absl::SleepFor(kRedraw);
      }
      after_event = stream.after_event();
      if (stream.done()) {
        status = stream.status();
        last_contact = clock.Boottime();
        if (status.ok()) break;
      }
    }
    if (interrupted) break;
    if (clock.Boottime() >= deadline)
      return absl::DeadlineExceededError("the runs are not finished yet");
    if (!status.ok() && !IsLoss(status)) return status;
    if (clock.Boottime() - last_contact > kPatience) return Annotate(status, "the lab stays away");
    notice = "the lab is away, trying again (the workers train on)";
    show();
    absl::SleepFor(absl::Milliseconds(500));
  }
  notice.clear();
  show();
  display.Finish();
  FollowResult result;
  result.runs = runs.Snapshot();
  result.detached = interrupted;
  return result;
}

}  // namespace shoal::cli
