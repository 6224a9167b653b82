// Mixtures: a new data set with given shares of others' examples.
//
// Of every part the training examples are taken in an order of their own (a shuffle keyed by the
// seed and the part's name); a part that is too short for its share starts over, each time in
// another order, so that no example occurs twice more often than another. Examples of the parts are
// interleaved evenly: every stretch of the mixture has about the shares of the whole. Held out are
// examples of the parts' held-out sides in the same shares, none twice. What is held out by any
// part is never trained on, wherever else it occurs. The same parts, shares and seed give the same
// bytes. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/dataset/dataset_builder.h"

namespace shoal::data {

struct MixPart {
  std::string name;
  double weight = 0;          // > 0; shares are weights over their sum
  std::string train_path;     // canonical JSON lines
  std::string held_out_path;  // empty: the part has none
};

struct MixTaken {
  int64_t available = 0;  // training examples, without those that another part holds out
  int64_t train = 0;      // taken, repetitions included
  int64_t held_out = 0;   // taken
  int64_t left_out = 0;   // training examples that some part holds out
};

struct MixResult {
  BuiltDataset data;
  std::vector<MixTaken> taken;  // by part
};

// `examples`: how many to train on; 0: as many as no part has to be repeated for. Writes into
// `folder`, which exists. Errors: InvalidArgument (fewer than two parts, weights that are not
// positive, a part without examples, a share that rounds to none).
absl::StatusOr<MixResult> MixDatasets(const std::vector<MixPart>& parts, int64_t examples,
                                      uint64_t seed, const std::string& folder);

}  // namespace shoal::data
