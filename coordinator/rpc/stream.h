// A server stream that anyone may offer messages to, from any thread. gRPC wants one write at a
// time and exactly one Finish; this class sees to both. Whoever offers looks at `buffered()` and
// fetches more only when there is room, so a slow client costs a bounded buffer and slows nobody.
#pragma once

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "coordinator/rpc/reply.h"
#include "core/base/mutex.h"

namespace shoal::rpc {

// Base is grpc::ServerWriteReactor<T> or grpc::ServerBidiReactor<Request, T>. The object owns
// itself until OnDone, and others hold weak pointers. Thread-safe.
template <typename Base, typename T>
class Stream : public Base, public std::enable_shared_from_this<Stream<Base, T>> {
 public:
  // Begins to live. The reactor to return to gRPC is the object itself.
  void Begin() { self_ = this->shared_from_this(); }

  // Appends a message; dropped once the stream is ending.
  void Offer(T message) {
    {
      MutexLock lock(mutex_);
      if (end_ || cancelled_) return;
      buffer_.push_back(std::move(message));
    }
    Pump();
  }

  // Ends the stream after what has been offered. The first call counts.
  void End(const absl::Status& status) {
    {
      MutexLock lock(mutex_);
      if (!end_) end_ = ToGrpc(status);
    }
    Pump();
  }

  size_t buffered() const {
    MutexLock lock(mutex_);
    return buffer_.size();
  }
  // No more messages are wanted.
  bool over() const {
    MutexLock lock(mutex_);
    return end_.has_value() || cancelled_;
  }

 protected:
  // Merges `message` into the newest waiting one and says so, to keep a slow client's buffer small.
  template <typename Merge>
  void OfferMerged(T message, Merge merge) {
    {
      MutexLock lock(mutex_);
      if (end_ || cancelled_) return;
      if (buffer_.empty() || !merge(buffer_.back(), message)) buffer_.push_back(std::move(message));
    }
    Pump();
  }

  virtual void OnDrained() {}  // everything offered has been written
  virtual void OnGone() {}     // the client went away, or the stream ended; once

  void OnWriteDone(bool ok) override {
    bool drained = false;
    {
      MutexLock lock(mutex_);
      in_flight_ = false;
      if (!ok) cancelled_ = true;
      drained = buffer_.empty() && !end_ && !cancelled_;
    }
    if (drained) OnDrained();
    Pump();
  }
  void OnCancel() override {
    {
      MutexLock lock(mutex_);
      cancelled_ = true;
    }
    Pump();
  }
  void OnDone() override {
    OnGone();
    self_.reset();  // may delete this
  }

 private:
  // Starts the next operation, outside the lock: gRPC may call back at once.
  void Pump() {
    std::optional<grpc::Status> finish;
    bool write = false;
    {
      MutexLock lock(mutex_);
      if (in_flight_ || finished_) return;
      if (cancelled_) {
        finish = grpc::Status::CANCELLED;
      } else if (!buffer_.empty()) {
        current_ = std::move(buffer_.front());
        buffer_.pop_front();
        write = in_flight_ = true;
      } else if (end_) {
        finish = *end_;
      }
      finished_ = finish.has_value();
    }
    if (write) this->StartWrite(&current_);
    if (finish) this->Finish(*finish);
  }

  mutable Mutex mutex_;
  std::deque<T> buffer_ SHOAL_GUARDED_BY(mutex_);
  T current_;  // belongs to gRPC while in_flight_
  bool in_flight_ SHOAL_GUARDED_BY(mutex_) = false;
  bool cancelled_ SHOAL_GUARDED_BY(mutex_) = false;
  bool finished_ SHOAL_GUARDED_BY(mutex_) = false;
  std::optional<grpc::Status> end_ SHOAL_GUARDED_BY(mutex_);
  std::shared_ptr<Stream> self_;  // set by Begin, reset by OnDone
};

template <typename T>
using ServerStream = Stream<grpc::ServerWriteReactor<T>, T>;

}  // namespace shoal::rpc
