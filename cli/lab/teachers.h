// Teachers of a student: finished runs of the lab, as files of their weights.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "cli/lab/prepare.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::cli {

// The weights of each of train.distill.teachers, in that order, on this machine. The lab is talked
// to only where there are some. `tokenizer_sha256`: the student's, which must be theirs.
// Errors: InvalidArgument (a teacher with another head or tokenizer, or not finished, saying what
// to do), NotFound, those of the lab.
absl::StatusOr<std::vector<PreparedFile>> FetchTeachers(const v1::RunSpec& spec,
                                                        const LabOptions& options,
                                                        const std::string& tokenizer_sha256);

}  // namespace shoal::cli
