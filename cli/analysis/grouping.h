// Runs, sorted into settings: what differs between them, and what is only repeated.
//
//   run         model.n_layers  seed        setting     replicate
//   tiny-L1-s1               1     1        n_layers=1  seed=1
//   tiny-L1-s2               1     2        n_layers=1  seed=2
//   tiny-L4-s1               4     1        n_layers=4  seed=1
//
// A replicate is what else a run differs in: runs of two settings with the same replicate belong
// together, and are compared pair by pair. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/analysis/flat_spec.h"
#include "shoal/v1/run.pb.h"

namespace shoal::analysis {

// A field in which the runs are not all alike.
struct Differing {
  std::string path;
  std::string title;  // the end of the path that is enough to tell it from the others: "n_layers"
  std::vector<FlatField> of_run;  // in the order of the runs
};

struct Setting {
  std::string label;  // "model.n_layers=4 train.optimizer.lr=0.001"; "all runs" for none
  std::vector<FlatField> values;  // one for each of Grouping::columns
  std::vector<size_t> runs;       // in the order given
};

struct Grouping {
  std::vector<Differing> columns;  // what settings differ in, in the order of the schema
  std::vector<Differing>
      others;  // what else differs and could matter: the seed, and with --by more
  std::vector<Setting> settings;        // in the order of their first runs
  std::vector<std::string> replicates;  // of each run: "seed=3"
};

// What the runs differ in, every field that may matter to what they computed or how fast: those
// that count for identity, the backend and its threads, and the digests of their data. In the order
// of the schema. Names, notes, paths and the like are left out.
std::vector<Differing> DifferingFields(std::span<const v1::RunDetail> runs);
// Every field whatever it is for.
std::vector<Differing> AllDifferingFields(std::span<const v1::RunDetail> runs);

// `by` empty: by everything in which they differ but the seed, and but data whose digests follow
// from the rest (a tokenizer trained per vocabulary size). Errors: InvalidArgument, for a path that
// no spec has; a path in which the runs do not differ is no error.
absl::StatusOr<Grouping> GroupRuns(std::span<const v1::RunDetail> runs,
                                   const std::vector<std::string>& by);

}  // namespace shoal::analysis
