#include "cli/lab/stop_signal.h"

#include <signal.h>

#include <atomic>

namespace shoal::cli {
namespace {

std::atomic<int> stop_signal = 0;
void OnSignal(int signal) { stop_signal = signal; }

}  // namespace

void CatchStopSignals() {
  signal(SIGINT, OnSignal);
  signal(SIGTERM, OnSignal);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

bool StopAsked() { return stop_signal != 0; }

}  // namespace shoal::cli
