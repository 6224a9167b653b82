// From a spec's data and tokenizer to files with digests: generates the persona's conversations,
// trains the tokenizer, and names each file by its SHA-256. What was made once is found again in
// <data_dir>/prepared, keyed by everything it was made from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::cli {

struct PreparedFile {
  v1::DataBinding binding;
  std::string path;  // on this machine
};

struct PreparedData {
  std::vector<PreparedFile> files;
  int64_t tokenizer_size = 0;
  int64_t labels = 0;  // distinct labels of the training examples; a classifier's only
  int64_t train_examples = 0;
  int64_t held_out_examples = 0;
  double mean_tokens = 0;      // of a training example, from a sample of them, cut at max_seq + 1
  double tokens_variance = 0;  // over the same examples
  std::vector<std::string>
      notes;  // what a person should know: malformed lines, bytes without a token

  std::vector<v1::DataBinding> Bindings() const;
};

// `spec` is complete and valid. Unless `quiet`, slow steps are told on stderr. A data set of the
// lab is fetched by its digests; only then is the lab talked to. Errors: InvalidArgument (a
// persona, data file or tokenizer that cannot be used, saying why), NotFound, those of the lab and
// those of writing.
absl::StatusOr<PreparedData> PrepareData(const v1::RunSpec& spec, const LabOptions& lab,
                                         bool quiet);

}  // namespace shoal::cli
