#include "worker/agent/serve_relay.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);

}  // namespace

ServeRelay::ServeRelay(CoordinatorClient& client, const Clock& clock, v1::AttemptKey key,
                       std::function<Identity()> identity,
                       std::function<void(const v1::RunnerFrame&)> to_runner)
    : client_(client),
      clock_(clock),
      key_(std::move(key)),
      identity_(std::move(identity)),
      to_runner_(std::move(to_runner)),
      last_used_(clock.Boottime()),
      thread_([this] { Main(); }) {}

ServeRelay::~ServeRelay() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->Cancel();
    changed_.SignalAll();
  }
  thread_.join();
}

void ServeRelay::Answer(const v1::GenerateEvent& event) {
  MutexLock write(writing_);
  std::shared_ptr<ServeStream> stream;
  {
    MutexLock lock(mutex_);
    last_used_ = clock_.Boottime();
    if (open_requests_.count(event.request_id()) == 0) return;  // of a stream that broke
    if (event.has_done()) open_requests_.erase(event.request_id());
    stream = stream_;
  }
  v1::ServeUp up;
  *up.mutable_event() = event;
  if (stream != nullptr) stream->Write(up);  // a broken stream is noticed by the listening thread
}

absl::Duration ServeRelay::IdleFor() const {
  MutexLock lock(mutex_);
  return open_requests_.empty() ? clock_.Boottime() - last_used_ : absl::ZeroDuration();
}

void ServeRelay::OnQuestion(const v1::ServeDown& frame) {
  v1::RunnerFrame down;
  {
    MutexLock lock(mutex_);
    last_used_ = clock_.Boottime();
    if (frame.has_generate()) open_requests_.insert(frame.generate().request_id());
  }
  if (frame.has_generate()) {
    *down.mutable_generate() = frame.generate();
  } else {
    down.mutable_cancel_generate()->set_request_id(frame.cancel_request_id());
  }
  to_runner_(down);
}

void ServeRelay::Listen(ServeStream& stream) {
  v1::ServeUp open;
  const Identity identity = identity_();
  open.mutable_open()->set_worker_id(identity.worker_id);
  open.mutable_open()->set_instance_id(identity.instance_id);
  *open.mutable_open()->mutable_key() = key_;
  {
    MutexLock write(writing_);
    if (!stream.Write(open)) return;
  }
  v1::ServeDown frame;
  while (stream.Read(frame)) OnQuestion(frame);
}

void ServeRelay::Main() {
  absl::Duration backoff = kFirstBackoff;
  while (true) {
    const std::shared_ptr<ServeStream> stream = client_.Serve();
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      stream_ = stream;
    }
    const absl::Duration begin = clock_.Boottime();
    Listen(*stream);
    std::set<std::string> abandoned;
    {
      MutexLock write(writing_);
      MutexLock lock(mutex_);
      stream_ = nullptr;
      abandoned.swap(open_requests_);
      if (stopping_) return;
    }
    for (const std::string& request_id : abandoned) {
      v1::RunnerFrame cancel;
      cancel.mutable_cancel_generate()->set_request_id(request_id);
      to_runner_(cancel);
    }
    if (clock_.Boottime() - begin > kLongestBackoff) backoff = kFirstBackoff;
    LogInfo("serve stream ended, opening it again", {"job", key_.job_id()},
            {"attempt", key_.attempt_number()});
    MutexLock lock(mutex_);
    if (!stopping_) changed_.WaitFor(mutex_, backoff);
    if (stopping_) return;
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

}  // namespace shoal::agent
