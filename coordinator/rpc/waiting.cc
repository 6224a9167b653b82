#include "coordinator/rpc/waiting.h"

#include "core/base/strings.h"

namespace shoal::rpc {

void TellWhyItWaits(const loop::LabStatus& lab, v1::Run& run) {
  if (run.status() != v1::RUN_STATUS_QUEUED || !run.status_reason().empty()) return;
  if (lab.ready_workers == 0 && lab.drained_workers > 0) {
    run.set_status_reason("no worker takes jobs: all are drained; `shoal workers` shows them");
  } else if (lab.ready_workers == 0) {
    run.set_status_reason("no worker is ready; `shoal up` starts one on this machine");
  } else if (lab.slots_used > 0) {
    run.set_status_reason(
        StrCat("waits for a free slot (", lab.slots_used, " of ", lab.slots, " in use)"));
  }
}

}  // namespace shoal::rpc
