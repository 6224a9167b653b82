// Tokenized data, made once per worker: keyed by everything it is made from, shared by all attempts
// that need it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/data/shard.h"
#include "core/data/tokenizer/tokenizer.h"
#include "shoal/v1/runner.pb.h"
#include "worker/runner/job_io.h"

namespace shoal::runner {

struct PreparedText {
  data::Tokenizer tokenizer;
  std::string tokenizer_digest;  // of tokenizer.json, as the order says
  data::Shard train;
  data::Shard held_out;
};

// Finds or makes the shards of an order's data in <cache_dir>/shards/<key>. Processes that want the
// same wait for one to make it; a damaged shard is made again. Says in the log what the data is,
// and what was cut, dropped or malformed. Errors: InvalidArgument (data that cannot be used),
// NotFound (a binding is missing), those of reading and writing.
absl::StatusOr<PreparedText> PrepareText(const v1::AttemptOrder& order, Reporter& reporter);

// The order's file of a role, or null.
const v1::LocalFile* FindFile(const v1::AttemptOrder& order, v1::BindingRole role);

}  // namespace shoal::runner
