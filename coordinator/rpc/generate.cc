#include "coordinator/rpc/generate.h"

#include <atomic>
#include <memory>
#include <utility>

#include "coordinator/loop/user_commands.h"
#include "coordinator/rpc/check.h"
#include "coordinator/rpc/stream.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

using GenerateStream = ServerStream<v1::GenerateEvent>;

class Generate final : public GenerateStream, public Asker {
 public:
  explicit Generate(ServeBroker& broker) : broker_(broker) {}

  void Ask(const loop::RunPtr& run, const v1::GenerateRequest& request) {
    ticket_ =
        broker_.Ask(run, request, std::static_pointer_cast<Generate>(shared_from_this()), "system");
  }

  // Texts that wait for a slow client become one text: the buffer never has more than the answer.
  void Hear(v1::GenerateEvent event) override {
    OfferMerged(std::move(event), [](v1::GenerateEvent& waiting, const v1::GenerateEvent& next) {
      if (!waiting.has_text() || !next.has_text()) return false;
      waiting.mutable_text()->mutable_text()->append(next.text().text());
      waiting.mutable_text()->mutable_token_ids()->MergeFrom(next.text().token_ids());
      return true;
    });
  }
  void End(const absl::Status& status) override { GenerateStream::End(status); }

 private:
  void OnGone() override { broker_.Withdraw(ticket_); }

  ServeBroker& broker_;
  std::atomic<int64_t> ticket_ = 0;
};

using ServeStream = Stream<grpc::ServerBidiReactor<v1::ServeUp, v1::ServeDown>, v1::ServeDown>;

// A worker's stream: first `open`, which is checked against the committed state, then the model's
// events.
class Serve final : public ServeStream, public ModelHolder {
 public:
  Serve(loop::Loop& loop, ServeBroker& broker) : loop_(loop), broker_(broker) {}

  void Read() { StartRead(&up_); }
  void Send(v1::ServeDown frame) override { Offer(std::move(frame)); }
  void End(const absl::Status& status) override { ServeStream::End(status); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::OkStatus());  // the worker has said all it wanted
    if (!open_) return HearOpen();
    if (up_.has_event()) broker_.Event(key_, std::move(*up_.mutable_event()));
    Read();
  }

  void HearOpen() {
    if (!up_.has_open())
      return End(absl::InvalidArgumentError("the first frame of Serve must be `open`"));
    if (const absl::Status status = Check(up_.open()); !status.ok()) return End(status);
    key_ = {*JobId::Parse(up_.open().key().job_id()), up_.open().key().attempt_number()};
    auto self = std::static_pointer_cast<Serve>(shared_from_this());
    const absl::Status posted = loop_.Post(std::make_unique<loop::LookCommand>(
        [self, open = up_.open()](const loop::View& view) { self->Opened(open, view); }));
    if (!posted.ok()) End(posted);
  }

  void Opened(const v1::ServeOpen& open, const loop::View& view) {
    const scheduler::AttemptRecord* attempt = view.state.FindAttempt(key_.job_id);
    if (attempt == nullptr || attempt->key != key_ ||
        attempt->worker_id.str() != open.worker_id() ||
        attempt->instance_id != open.instance_id()) {
      return End(absl::AbortedError(StrCat("attempt ", key_.attempt_number, " of ", key_.job_id,
                                           " is not this worker's any more; stop it")));
    }
    open_ = true;
    broker_.Open(key_, std::static_pointer_cast<Serve>(shared_from_this()));
    Read();
  }

  void OnGone() override {
    if (open_) broker_.Closed(key_, this);
  }

  loop::Loop& loop_;
  ServeBroker& broker_;
  v1::ServeUp up_;  // belongs to gRPC while a read is in flight
  // Written before the first read that may see it: reads follow each other.
  std::atomic<bool> open_ = false;
  scheduler::AttemptKey key_;
};

}  // namespace

grpc::ServerWriteReactor<v1::GenerateEvent>* StartGenerate(loop::Loop& loop, ServeBroker& broker,
                                                           const v1::GenerateRequest& request) {
  auto generate = std::make_shared<Generate>(broker);
  generate->Begin();
  absl::Status status = Check(request);
  absl::StatusOr<loop::RunPtr> run = loop::RunPtr();
  if (status.ok()) {
    run = loop.runs().ResolveOne(request.run_id());
    status = run.status();
  }
  if (status.ok()) {
    generate->Ask(*run, request);
  } else {
    generate->End(status);
  }
  return generate.get();
}

grpc::ServerBidiReactor<v1::ServeUp, v1::ServeDown>* StartServe(loop::Loop& loop,
                                                                ServeBroker& broker) {
  auto serve = std::make_shared<Serve>(loop, broker);
  serve->Begin();
  serve->Read();
  return serve.get();
}

}  // namespace shoal::rpc
