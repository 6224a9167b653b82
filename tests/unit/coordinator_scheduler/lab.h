// A lab without a coordinator: events go straight into a Draft, and every decision is committed at
// once. Ids are short names: job "J1" of run "R1". Decisions are compared as lines of text in those
// names.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coordinator/scheduler/decide.h"
#include "coordinator/scheduler/explain.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/commit_double.h"
#include "tests/support/status_matchers.h"

namespace shoal::scheduler {

inline absl::Time Zero() { return absl::FromUnixSeconds(1'800'000'000); }

struct Lab {
  Lab() {
    config.lease = absl::Seconds(60);
    config.lease_grace = absl::Seconds(5);
  }

  // --- names
  template <typename IdType>
  IdType MakeId(const std::string& name) {
    const auto [it, is_new] = numbers.emplace(name, numbers.size() + 1);
    const IdType id = IdType::Make(Zero(), it->second);
    if (is_new) names.emplace_back(id.str(), name);
    return id;
  }
  JobId Job(int n) { return MakeId<JobId>(StrCat("J", n)); }
  RunId Run(int n) { return MakeId<RunId>(StrCat("R", n)); }
  WorkerId Worker(const std::string& name) {
    return draft.ahead().FindWorkerByName(name)->worker_id;
  }
  AttemptKey Key(int job, int attempt) { return {Job(job), attempt}; }

  std::string InNames(std::string text) const {
    for (const auto& [id, name] : names) {
      for (size_t at = text.find(id); at != std::string::npos; at = text.find(id))
        text.replace(at, id.size(), name);
    }
    return text;
  }

  // --- doing
  Decision Do(const Event& event) {
    Decision decision = draft.Decide(event, now);
    draft.Commit(CommitDouble::Of(decision.updates));
    EXPECT_EQ(Difference(draft.committed().Image(), draft.ahead().Image()), "");
    EXPECT_EQ(Difference(State(draft.committed().Image()).Image(), draft.committed().Image()), "");
    return decision;
  }
  void Pass(absl::Duration time) { now += time; }

  Decision Submit(int n, JobNeeds needs = {}) { return Do(SubmitEvent(n, std::move(needs))); }
  RunsSubmitted SubmitEvent(int n, JobNeeds needs = {}) {
    RunsSubmitted event{.request_id = StrCat("request-", n), .actor = "user:ada"};
    event.runs.resize(1);
    event.runs[0].run = {.run_id = Run(n), .name = StrCat("run", n)};
    event.runs[0].job.job_id = Job(n);
    event.runs[0].job.needs = std::move(needs);
    return event;
  }
  WorkerRegistered RegisterEvent(const std::string& name, int32_t slots,
                                 const std::string& instance = "first") {
    WorkerRegistered event{.proposed_id = MakeId<WorkerId>(name),
                           .name = name,
                           .instance_id = instance,
                           .slots = slots};
    event.host.set_isa("avx2");
    event.host.set_memory_bytes(int64_t{16} << 30);
    for (const char* backend : {"onednn", "reference"}) {
      event.backends.emplace_back();
      event.backends.back().set_name(backend);
      event.backends.back().set_available(true);
    }
    return event;
  }
  Decision Register(const std::string& name, int32_t slots, const std::string& instance = "first") {
    return Do(RegisterEvent(name, slots, instance));
  }
  Decision Sync(const std::string& name, std::vector<AttemptKey> held = {},
                const std::string& instance = "first", bool draining = false) {
    WorkerSynchronized event{
        .worker_id = Worker(name), .instance_id = instance, .draining = draining};
    for (const AttemptKey& key : held) event.held.push_back({.key = key});
    return Do(event);
  }
  AttemptReported ReportEvent(const std::string& name, int job, int attempt,
                              const std::string& instance = "first") {
    return {.worker_id = Worker(name), .instance_id = instance, .key = Key(job, attempt)};
  }
  Decision Started(const std::string& name, int job, int attempt, int64_t from = 0) {
    AttemptReported event = ReportEvent(name, job, attempt);
    event.started = StartedItem{.resumed_from_step = from};
    event.started->numerics.set_backend("onednn");
    event.started->numerics.set_isa("avx2");
    return Do(event);
  }
  Decision Checkpoint(const std::string& name, int job, int attempt, int64_t step) {
    AttemptReported event = ReportEvent(name, job, attempt);
    event.checkpoints.push_back({.step = step});
    return Do(event);
  }
  Decision Finished(const std::string& name, int job, int attempt, v1::AttemptState state,
                    v1::FailureClass failure = v1::FAILURE_CLASS_UNSPECIFIED) {
    AttemptReported event = ReportEvent(name, job, attempt);
    event.finished =
        FinishedItem{.state = state, .failure_class = failure, .message = "said the worker"};
    return Do(event);
  }
  Decision TickNow() { return Do(Tick{}); }

  // --- looking
  std::vector<std::string> Updates(const Decision& decision) const {
    std::vector<std::string> lines;
    for (const Update& update : decision.updates) lines.push_back(InNames(ToString(update)));
    return lines;
  }
  std::vector<std::string> Effects(const Decision& decision) const {
    std::vector<std::string> lines;
    for (const Effect& effect : decision.effects) {
      std::visit(
          [&](const auto& e) {
            using E = std::decay_t<decltype(e)>;
            if constexpr (std::is_same_v<E, WakeWorker>)
              lines.push_back(StrCat("wake ", e.worker_id.str()));
            if constexpr (std::is_same_v<E, NotifyRun>)
              lines.push_back(StrCat("notify ", e.run_id.str()));
            if constexpr (std::is_same_v<E, ServeEnded>) {
              lines.push_back(StrCat("serve of ", e.key.job_id.str(), " ended: ", e.reason));
            }
          },
          effect);
      lines.back() = InNames(lines.back());
    }
    return lines;
  }
  const JobRecord* Find(int job) { return draft.committed().FindJob(Job(job)); }
  std::string Why(int job) { return Explain(draft.committed(), Job(job), now); }
  Desired DesiredOf(const std::string& name, std::vector<AttemptKey> held = {},
                    const std::string& instance = "first") {
    std::vector<HeldAttempt> attempts;
    for (const AttemptKey& key : held) attempts.push_back({.key = key});
    return DesiredFor(draft.committed(), Worker(name), instance, attempts);
  }

  Config config;
  absl::Time now = Zero();
  std::map<std::string, uint64_t> numbers;
  std::vector<std::pair<std::string, std::string>> names;
  Draft draft{[] {
                Config c;
                c.lease = absl::Seconds(60);
                c.lease_grace = absl::Seconds(5);
                return c;
              }(),
              State()};
};

inline JobNeeds Slots(int32_t slots) {
  JobNeeds needs;
  needs.slots = slots;
  return needs;
}

}  // namespace shoal::scheduler
