#include "cli/lab/join_hint.h"

#include "core/base/host_info.h"
#include "core/base/strings.h"

namespace shoal::cli {

std::string JoinHint(const std::string& address, const std::string& join_file) {
  return StrCat("listening for other machines as ", address, "; on each of them:\n", "  scp ",
                ReadHostInfo().hostname, ":", join_file, " .\n",
                "  shoal worker --join lab.join        gives the lab a worker\n",
                "  shoal --lab lab.join list           talks to the lab\n",
                "Whoever has the join file commands the lab.\n");
}

}  // namespace shoal::cli
