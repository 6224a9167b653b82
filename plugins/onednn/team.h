// The threads of a device: one OpenMP team, which is also the team that oneDNN's primitives run on.
//
// Work is always split into fixed, contiguous ranges, so that which thread computes what (and hence
// every sum) depends on nothing but the sizes and the number of threads. How idle threads wait is
// the process's affair and is decided before it starts: OMP_WAIT_POLICY and GOMP_SPINCOUNT in the
// environment (passive waiting leaves the other cores to others; a short spin, such as
// GOMP_SPINCOUNT=20000, does so too and starts the next operation sooner).
//
// Used by the one host thread that uses the device.
#pragma once

#include <omp.h>

#include <cstdint>

namespace shoal::onednn {

class Team {
 public:
  explicit Team(int threads) : threads_(threads) {}

  int threads() const { return threads_; }

  // Makes the calling thread's OpenMP regions, and oneDNN's, use this team's size. Call on entry
  // from the host.
  void Adopt() const { omp_set_num_threads(threads_); }

  // body(thread) on every thread of the team at once; on one thread, a plain call.
  template <class Body>
  void Each(Body&& body) const {
    if (threads_ == 1) {
      body(0);
      return;
    }
#pragma omp parallel num_threads(threads_)
    body(omp_get_thread_num());
  }

  // body(begin, end, thread) over a partition of [0, count) whose inner borders are multiples of
  // `multiple`. `cost` estimates the work of one item in elements touched; too little work stays on
  // the calling thread.
  template <class Body>
  void Split(int64_t count, int64_t cost, int64_t multiple, Body&& body) const {
    if (count <= 0) return;
    if (threads_ == 1 || count * cost < kWorthSharing || count <= multiple) {
      body(int64_t{0}, count, 0);
      return;
    }
    Each([&](int thread) {
      const int64_t begin = Border(count, multiple, thread),
                    end = Border(count, multiple, thread + 1);
      if (begin < end) body(begin, end, thread);
    });
  }

 private:
  // Waking a team costs a few microseconds: about this many elements of simple vector work.
  static constexpr int64_t kWorthSharing = 16384;

  int64_t Border(int64_t count, int64_t multiple, int thread) const {
    const int64_t units = (count + multiple - 1) / multiple;
    const int64_t border = units * thread / threads_ * multiple;
    return border < count ? border : count;
  }

  const int threads_;
};

}  // namespace shoal::onednn
