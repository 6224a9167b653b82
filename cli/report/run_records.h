// Runs as records for programs: everything lists show, every field in which their specs differ, and
// the whole summary of every metric. Nothing is cut or left out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/analysis/comparison.h"
#include "cli/output/records.h"
#include "shoal/v1/run.pb.h"

namespace shoal::report {

struct Records {
  std::vector<std::string> columns;
  std::vector<std::vector<cli::Cell>> rows;
};

// A row for each run, in the order given. With a comparison also each run's setting, whether it
// was counted, and why not.
Records RunRecords(std::span<const v1::RunDetail> details,
                   const analysis::Comparison* comparison = nullptr);

// "2026-11-22T18:05:13.250000Z"; no value for a time that is not set.
cli::Cell TimeCell(const google::protobuf::Timestamp& time);
cli::Cell TimeCell(int64_t unix_us);

}  // namespace shoal::report
