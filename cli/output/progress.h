// Live progress of several runs: one bar each, redrawn in place on a terminal.
//
//   tiny-L2  ████████████▋             52%  step 780/1500  loss 1.842  61.2k tok/s  ETA 12s
//   tiny-L4  queued: both slots of worker local are taken
//
// Elsewhere (a file, a pipe) a line per run whenever it changed state or a tenth of it is done.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/terminal.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// Thread-compatible.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(const Terminal& terminal) : terminal_(terminal) {}

  // Shows the present state. `now` for rates and ETA. `notice` (may be empty) stands under the
  // bars.
  void Show(const std::vector<v1::Run>& runs, absl::Time now, const std::string& notice);
  // Leaves the last picture standing; the next Show begins below it.
  void Finish();

 private:
  std::string Line(const v1::Run& run, absl::Time now, int name_width, int bar_width) const;
  void ShowLines(const std::vector<v1::Run>& runs, absl::Time now, int name_width);

  const Terminal terminal_;
  int drawn_lines_ = 0;
  std::map<std::string, std::string> last_printed_;  // run id -> what its last line stood for
};

}  // namespace shoal::cli
