// The options --export and --out, shared by the commands whose tables programs read.
#pragma once

#include <string>

#include "cli/commands/command.h"
#include "cli/output/output_file.h"
#include "cli/report/run_records.h"

namespace shoal::cli {

struct ExportOptions {
  bool wanted() const { return !format.empty(); }

  std::string format;  // csv | jsonl; empty: none
  std::string out;     // a file; empty: stdout
};

void AddExportOptions(CLI::App& command, ExportOptions& options, const std::string& what);

// Errors: InvalidArgument (--out without --export, or --export with --json).
absl::Status CheckExport(const Globals& globals, const ExportOptions& options);

absl::Status WriteRecords(const ExportOptions& options, const report::Records& records);

}  // namespace shoal::cli
