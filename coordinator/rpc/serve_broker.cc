#include "coordinator/rpc/serve_broker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "coordinator/loop/user_commands.h"
#include "coordinator/scheduler/explain.h"
#include "core/base/log.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

constexpr absl::Duration kRound =
    absl::Milliseconds(250);  // how often waiting is explained and idleness looked at
constexpr size_t kMostQuestions = 256;
// A model that nobody has asked for this long makes room when a job is waiting.
constexpr absl::Duration kYieldAfter = absl::Seconds(3);

}  // namespace

ServeBroker::ServeBroker(loop::Loop& loop, absl::Duration idle_timeout)
    : loop_(loop),
      idle_timeout_(idle_timeout),
      thread_([this](std::stop_token stop) { Main(stop); }) {}

ServeBroker::~ServeBroker() {
  Close();
  thread_.request_stop();
  MutexLock lock(mutex_);
  stopping_.SignalAll();
}

int64_t ServeBroker::Ask(const loop::RunPtr& run, v1::GenerateRequest request,
                         std::weak_ptr<Asker> asker, std::string actor) {
  int64_t ticket = 0;
  absl::Status refused;
  {
    MutexLock lock(mutex_);
    ticket = next_ticket_++;
    if (closed_) {
      refused = absl::UnavailableError("the coordinator is stopping");
    } else if (questions_.size() >= kMostQuestions) {
      refused = absl::ResourceExhaustedError(
          StrCat(kMostQuestions, " questions are being answered; ask again in a moment"));
    } else {
      Question& question = questions_[ticket];
      question.caller_id = request.request_id();
      question.request = std::move(request);
      question.request.set_run_id(run->run_id());
      question.request.set_request_id(StrCat(ticket));
      question.asker = asker;
    }
  }
  if (refused.ok()) {
    refused = loop_.Post(std::make_unique<loop::ServeCommand>(
        run, idle_timeout_, std::move(actor),
        [this, ticket](absl::StatusOr<JobId> job_id) { Named(ticket, std::move(job_id)); }));
  }
  if (!refused.ok()) Named(ticket, refused);
  // A question refused before it was noted has no entry: its asker is told here.
  std::shared_ptr<Asker> alive = asker.lock();
  if (!refused.ok() && alive != nullptr) alive->End(refused);
  return ticket;
}

void ServeBroker::Named(int64_t ticket, absl::StatusOr<JobId> job_id) {
  std::shared_ptr<Asker> refused;
  {
    MutexLock lock(mutex_);
    auto it = questions_.find(ticket);
    if (it == questions_.end()) return;  // withdrawn meanwhile
    if (!job_id.ok()) {
      refused = it->second.asker.lock();
      questions_.erase(it);
    } else {
      it->second.job_id = *job_id;
      Model& model = models_[*job_id];
      model.last_used = loop_.Now();
      if (model.open) SendDown(model, it->second);
    }
  }
  if (refused != nullptr) refused->End(job_id.status());
  if (job_id.ok()) ExplainWaits();
}

void ServeBroker::SendDown(Model& model, Question& question) {
  std::shared_ptr<ModelHolder> holder = model.holder.lock();
  if (holder == nullptr) return;  // Closed is on its way
  v1::ServeDown frame;
  *frame.mutable_generate() = question.request;
  question.sent = true;
  holder->Send(std::move(frame));
}

void ServeBroker::Withdraw(int64_t ticket) {
  MutexLock lock(mutex_);
  auto it = questions_.find(ticket);
  if (it == questions_.end()) return;
  auto model = models_.find(it->second.job_id);
  if (it->second.sent && model != models_.end()) {
    model->second.last_used = loop_.Now();
    if (std::shared_ptr<ModelHolder> holder = model->second.holder.lock(); holder != nullptr) {
      v1::ServeDown frame;
      frame.set_cancel_request_id(it->second.request.request_id());
      holder->Send(std::move(frame));
    }
  }
  questions_.erase(it);
}

void ServeBroker::Open(const scheduler::AttemptKey& key, std::weak_ptr<ModelHolder> holder) {
  std::vector<std::shared_ptr<Asker>> interrupted;
  {
    MutexLock lock(mutex_);
    Model& model = models_[key.job_id];
    // What an earlier stream was answering, it will not finish here.
    interrupted = Take(
        [&](const Question& question) { return question.sent && question.job_id == key.job_id; });
    model = {key, std::move(holder), true, loop_.Now()};
    for (auto& [ticket, question] : questions_) {
      if (question.job_id == key.job_id && !question.sent) SendDown(model, question);
    }
  }
  for (const auto& asker : interrupted)
    asker->End(absl::UnavailableError("the model's worker began anew; ask again"));
}

void ServeBroker::Event(const scheduler::AttemptKey& key, v1::GenerateEvent event) {
  std::shared_ptr<Asker> asker;
  const bool done = event.has_done();
  {
    MutexLock lock(mutex_);
    int64_t ticket = 0;
    if (!absl::SimpleAtoi(event.request_id(), &ticket)) return;
    auto it = questions_.find(ticket);
    // A question of another model's: a worker speaks only for the attempt it holds.
    if (it == questions_.end() || it->second.job_id != key.job_id || !it->second.sent) return;
    event.set_request_id(it->second.caller_id);
    asker = it->second.asker.lock();
    models_[key.job_id].last_used = loop_.Now();
    if (done) questions_.erase(it);
  }
  if (asker == nullptr) return;
  asker->Hear(std::move(event));
  if (done) asker->End(absl::OkStatus());
}

template <typename Predicate>
std::vector<std::shared_ptr<Asker>> ServeBroker::Take(Predicate which) {
  std::vector<std::shared_ptr<Asker>> taken;
  std::erase_if(questions_, [&](const auto& entry) {
    if (!which(entry.second)) return false;
    if (std::shared_ptr<Asker> asker = entry.second.asker.lock(); asker != nullptr)
      taken.push_back(std::move(asker));
    return true;
  });
  return taken;
}

void ServeBroker::Closed(const scheduler::AttemptKey& key, const ModelHolder* holder) {
  std::vector<std::shared_ptr<Asker>> interrupted;
  {
    MutexLock lock(mutex_);
    auto it = models_.find(key.job_id);
    if (it == models_.end() || it->second.holder.lock().get() != holder)
      return;  // another stream has taken over
    it->second.open = false;
    it->second.holder.reset();
    interrupted = Take(
        [&](const Question& question) { return question.sent && question.job_id == key.job_id; });
  }
  for (const auto& asker : interrupted) {
    asker->End(absl::UnavailableError("the connection to the model's worker broke; ask again"));
  }
}

void ServeBroker::OnServeEnded(const scheduler::AttemptKey& key, const std::string& reason,
                               const loop::View& view) {
  const bool job_lives = view.state.FindJob(key.job_id) != nullptr;
  std::vector<std::shared_ptr<Asker>> ended;
  std::shared_ptr<ModelHolder> holder;
  {
    MutexLock lock(mutex_);
    auto it = models_.find(key.job_id);
    if (it != models_.end()) {
      holder = it->second.holder.lock();
      it->second.open = false;
      it->second.holder.reset();
      if (!job_lives) models_.erase(it);
    }
    ended =
        Take([&](const Question& q) { return q.job_id == key.job_id && (q.sent || !job_lives); });
  }
  if (holder != nullptr) holder->End(absl::AbortedError(reason));
  for (const auto& asker : ended)
    asker->End(absl::UnavailableError(StrCat("the model is gone: ", reason)));
}

void ServeBroker::Close() {
  std::vector<std::shared_ptr<Asker>> askers;
  std::vector<std::shared_ptr<ModelHolder>> holders;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    askers = Take([](const Question&) { return true; });
    for (auto& [id, model] : models_) {
      if (auto holder = model.holder.lock(); holder != nullptr)
        holders.push_back(std::move(holder));
    }
    models_.clear();
  }
  for (const auto& asker : askers)
    asker->End(absl::UnavailableError("the coordinator is stopping"));
  for (const auto& holder : holders)
    holder->End(absl::UnavailableError("the coordinator is stopping; open it again"));
}

void ServeBroker::Main(std::stop_token stop) {
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      if (!stop.stop_requested()) stopping_.WaitFor(mutex_, kRound);
    }
    ExplainWaits();
    EndIdle();
  }
}

void ServeBroker::ExplainWaits() {
  {
    MutexLock lock(mutex_);
    bool waiting = false;
    for (const auto& [ticket, question] : questions_)
      waiting |= !question.sent && !question.job_id.empty();
    if (!waiting || closed_) return;
  }
  // A refusal costs nothing: the next round comes.
  loop_
      .Post(std::make_unique<loop::LookCommand>(
          [this](const loop::View& view) { TellWaiting(view); }))
      .IgnoreError();
}

void ServeBroker::TellWaiting(const loop::View& view) {
  struct Told {
    std::shared_ptr<Asker> asker;
    v1::GenerateEvent event;
  };
  std::vector<Told> told;
  std::vector<std::shared_ptr<Asker>> ended;
  {
    MutexLock lock(mutex_);
    for (auto& [ticket, question] : questions_) {
      if (question.sent || question.job_id.empty()) continue;
      const scheduler::JobRecord* job = view.state.FindJob(question.job_id);
      if (job == nullptr) continue;
      std::string reason = job->state == v1::JOB_STATE_RUNNING
                               ? "the model is being loaded"
                               : scheduler::Explain(view.state, question.job_id, view.now);
      if (reason == question.told) continue;
      question.told = reason;
      v1::GenerateEvent event;
      event.set_request_id(question.caller_id);
      event.mutable_waiting()->set_reason(std::move(reason));
      if (auto asker = question.asker.lock(); asker != nullptr)
        told.push_back({std::move(asker), std::move(event)});
    }
    ended = Take([&](const Question& question) {
      return !question.job_id.empty() && view.state.FindJob(question.job_id) == nullptr;
    });
  }
  for (Told& one : told) one.asker->Hear(std::move(one.event));
  for (const auto& asker : ended)
    asker->End(absl::UnavailableError("the model's serve job ended; ask again"));
}

void ServeBroker::EndIdle() {
  const absl::Duration patience =
      loop_.Status().queued_jobs > 0 ? std::min(kYieldAfter, idle_timeout_) : idle_timeout_;
  std::vector<JobId> idle;
  {
    MutexLock lock(mutex_);
    const absl::Time now = loop_.Now();
    for (const auto& [ticket, question] : questions_) {
      if (auto it = models_.find(question.job_id); it != models_.end()) it->second.last_used = now;
    }
    for (auto& [job_id, model] : models_) {
      if (now - model.last_used < patience) continue;
      idle.push_back(job_id);
      model.last_used = now;  // asked again only after as long once more
    }
  }
  for (const JobId& job_id : idle)
    loop_.Post(std::make_unique<loop::ServeIdleCommand>(job_id)).IgnoreError();
}

}  // namespace shoal::rpc
