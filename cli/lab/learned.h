// What a run learned from, as far as it matters for talking to it.
#pragma once

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// Whether a run's data are conversations or labelled texts: such a model knows chat markup, one of
// plain texts has never seen it. Told by the data set's kind, else by the first lines of the
// training file. Errors: those of the lab.
absl::StatusOr<bool> LearnedConversations(Lab& lab, const v1::Run& run);

}  // namespace shoal::cli
