#include "coordinator/rpc/watch.h"

#include <map>
#include <set>
#include <string>

#include "coordinator/rpc/stream.h"
#include "coordinator/rpc/waiting.h"
#include "coordinator/store/detail_rows.h"
#include "coordinator/store/event_rows.h"
#include "core/spec/run_status.h"

namespace shoal::rpc {
namespace {

constexpr absl::Duration kBetweenRows = absl::Milliseconds(200);  // of one run
constexpr size_t kFullBuffer = 64;
constexpr int kPage = 256;

// Sends each watched run's row when it changed, and the events of watched runs. Rows come from the
// runs table and events from the database by their ids, so nothing is queued for a slow client: it
// gets the newest row, and the events where it left off.
class Watch final : public ServerStream<v1::WatchResponse>, public Follower {
 public:
  Watch(const FollowContext& context, const v1::WatchRequest& request)
      : context_(context),
        all_(request.targets().empty()),
        until_finished_(request.until_finished()) {
    latest_event_ = context_.loop.Status().last_event_id;
    sent_event_ = request.after_event_id() > 0 ? request.after_event_id() : latest_event_;
  }

  // The runs asked for; each is sent once to begin with.
  void Watched(const loop::Rows& runs) {
    MutexLock lock(mutex_);
    for (const loop::RunPtr& run : runs) {
      watched_.emplace(run->run_id(), run->sweep_id());
      dirty_.insert(run->run_id());
    }
  }

  void Note(const loop::Committed& committed) override {
    MutexLock lock(mutex_);
    latest_event_ = std::max(latest_event_, committed.last_event_id);
    for (const std::string& id : committed.run_ids) {
      if (all_) watched_.emplace(id, "");
      if (watched_.contains(id)) dirty_.insert(id);
    }
  }

  bool Advance() override {
    if (over()) return false;
    if (buffered() >= kFullBuffer) return true;
    SendRows();
    ReadEvents();
    MutexLock lock(mutex_);
    if (until_finished_ && dirty_.empty() && sent_event_ >= latest_event_ && AllFinal()) {
      ending_ = true;
    }
    if (ending_) End(absl::OkStatus());
    return !ending_ && (!dirty_.empty() || sent_event_ < latest_event_);
  }

  void Leave(const absl::Status& status) override { End(status); }

 private:
  void SendRows() {
    std::vector<v1::WatchResponse> responses;
    const loop::LabStatus lab = context_.loop.Status();
    {
      MutexLock lock(mutex_);
      const absl::Time now = context_.loop.Now();
      for (auto it = dirty_.begin(); it != dirty_.end() && responses.size() < kFullBuffer;) {
        absl::Time& last = last_sent_.try_emplace(*it, absl::InfinitePast()).first->second;
        if (now - last < kBetweenRows) {
          ++it;
          continue;
        }
        last = now;
        v1::WatchResponse& response = responses.emplace_back();
        const loop::RunPtr run = context_.loop.runs().FindIn(watched_[*it], *it);
        if (run != nullptr) {
          *response.mutable_run() = *run;
          TellWhyItWaits(lab, *response.mutable_run());
        }
        response.set_event_id(sent_event_);
        it = dirty_.erase(it);
      }
    }
    for (v1::WatchResponse& response : responses) Offer(std::move(response));
  }

  void ReadEvents() {
    int64_t after = 0;
    {
      MutexLock lock(mutex_);
      if (reading_ || sent_event_ >= latest_event_) return;
      reading_ = true;
      after = sent_event_;
    }
    auto self = std::static_pointer_cast<Watch>(shared_from_this());
    const absl::Status posted = context_.store.readers().Post([self, after](store::Database& db) {
      absl::StatusOr<std::vector<v1::Event>> events = store::ReadEvents(db, after, "", kPage);
      if (!events.ok()) return self->End(events.status());
      self->SendEvents(*std::move(events));
    });
    if (!posted.ok()) {
      MutexLock lock(mutex_);
      reading_ = false;  // the next round tries again
    }
  }

  void SendEvents(std::vector<v1::Event> events) {
    std::vector<v1::WatchResponse> responses;
    {
      MutexLock lock(mutex_);
      reading_ = false;
      for (v1::Event& event : events) {
        sent_event_ = event.event_id();
        if (!all_ && !watched_.contains(event.run_id())) continue;
        v1::WatchResponse& response = responses.emplace_back();
        response.set_event_id(event.event_id());
        *response.mutable_event() = std::move(event);
      }
      if (events.empty()) sent_event_ = latest_event_;
    }
    for (v1::WatchResponse& response : responses) Offer(std::move(response));
  }

  bool AllFinal() const SHOAL_REQUIRES(mutex_) {
    for (const auto& [id, sweep_id] : watched_) {
      const loop::RunPtr run = context_.loop.runs().Find(id);
      if (run != nullptr && !spec::IsFinal(run->status())) return false;
    }
    // The table is published after the events' number: what made the last run final has been sent
    // too.
    return sent_event_ >= context_.loop.Status().last_event_id;
  }

  const FollowContext context_;
  const bool all_;
  const bool until_finished_;
  Mutex mutex_;
  // Run -> the sweep as whose member it is shown.
  std::map<std::string, std::string> watched_ SHOAL_GUARDED_BY(mutex_);
  std::set<std::string> dirty_ SHOAL_GUARDED_BY(mutex_);  // changed since last sent
  std::map<std::string, absl::Time> last_sent_ SHOAL_GUARDED_BY(mutex_);
  int64_t latest_event_ SHOAL_GUARDED_BY(mutex_) = 0;
  int64_t sent_event_ SHOAL_GUARDED_BY(mutex_) = 0;
  bool reading_ SHOAL_GUARDED_BY(mutex_) = false;
  bool ending_ SHOAL_GUARDED_BY(mutex_) = false;
};

class ReadLogs final : public ServerStream<v1::ReadLogsResponse>, public Follower {
 public:
  ReadLogs(const FollowContext& context, const v1::ReadLogsRequest& request)
      : context_(context), request_(request) {}

  void Of(std::string run_id) { run_id_ = std::move(run_id); }

  void Note(const loop::Committed& committed) override {
    MutexLock lock(mutex_);
    more_ |= committed.run_ids.contains(run_id_);
  }

  bool Advance() override {
    if (over()) return false;
    if (buffered() >= kFullBuffer) return true;
    MutexLock lock(mutex_);
    if (reading_ || !more_) return reading_;
    reading_ = true;
    more_ = false;
    auto self = std::static_pointer_cast<ReadLogs>(shared_from_this());
    const absl::Status posted = context_.store.readers().Post(
        [self, after = last_log_id_](store::Database& db) { self->Read(db, after); });
    if (!posted.ok()) {
      reading_ = false;
      more_ = true;
    }
    return true;
  }

  void Leave(const absl::Status& status) override { End(status); }

 private:
  void Read(store::Database& db, int64_t after) {
    // Looked at before the lines: what a run logged before it ended is then among them.
    const loop::RunPtr run = context_.loop.runs().Find(run_id_);
    const bool grows = request_.follow() && run != nullptr && !spec::IsFinal(run->status());
    absl::StatusOr<std::vector<store::LogRow>> rows =
        store::ReadLogs(db, run_id_, request_.attempt_number(), after, kPage);
    if (!rows.ok()) return End(rows.status());
    for (store::LogRow& row : *rows) Offer(std::move(row.line));
    const bool page_full = rows->size() == kPage;
    {
      MutexLock lock(mutex_);
      if (!rows->empty()) last_log_id_ = rows->back().log_id;
      reading_ = false;
      more_ |= page_full;
    }
    if (!page_full && !grows) End(absl::OkStatus());
  }

  const FollowContext context_;
  const v1::ReadLogsRequest request_;
  std::string run_id_;  // constant once Of was called
  Mutex mutex_;
  int64_t last_log_id_ SHOAL_GUARDED_BY(mutex_) = 0;
  bool more_ SHOAL_GUARDED_BY(mutex_) = true;
  bool reading_ SHOAL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchResponse>* StartWatch(const FollowContext& context,
                                                        const v1::WatchRequest& request) {
  auto watch = std::make_shared<Watch>(context, request);
  watch->Begin();
  const absl::StatusOr<loop::Rows> runs = request.targets().empty()
                                              ? *context.loop.runs().Snapshot()
                                              : context.loop.runs().Resolve(request.targets());
  if (!runs.ok()) {
    watch->End(runs.status());
    return watch.get();
  }
  watch->Watched(*runs);
  context.followers.Add(watch);
  return watch.get();
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* StartReadLogs(const FollowContext& context,
                                                              const v1::ReadLogsRequest& request) {
  auto logs = std::make_shared<ReadLogs>(context, request);
  logs->Begin();
  const absl::StatusOr<loop::RunPtr> run = context.loop.runs().ResolveOne(request.run());
  if (!run.ok()) {
    logs->End(run.status());
    return logs.get();
  }
  logs->Of((*run)->run_id());
  context.followers.Add(logs);
  return logs.get();
}

}  // namespace shoal::rpc
