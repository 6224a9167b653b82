// SIGINT and SIGTERM of the processes that stay: the lab, a coordinator, a worker.
#pragma once

namespace shoal::cli {

// From now on SIGINT and SIGTERM only make StopAsked true; SIGHUP and SIGPIPE do nothing.
void CatchStopSignals();
bool StopAsked();

}  // namespace shoal::cli
