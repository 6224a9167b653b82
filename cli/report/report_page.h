// A report: one HTML page that says everything about some runs, without script and without
// anything from elsewhere. A pure function: the same input makes the same bytes.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/analysis/comparison.h"
#include "shoal/v1/metric.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::report {

struct ReportInput {
  std::string title;
  std::string command;                                          // how it was made; empty: not told
  std::vector<v1::RunDetail> details;                           // in full
  std::vector<std::map<std::string, v1::SeriesPoints>> curves;  // of each run, by name
  analysis::Comparison comparison;                              // of the same runs
};

// Well-formed as XML too. In this order: the comparison, curves, runs, the spec with what differs,
// data, identity and environment, sample answers, notes.
std::string ReportPage(const ReportInput& input);

}  // namespace shoal::report
