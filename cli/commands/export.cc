#include "cli/commands/export.h"

#include "core/base/status.h"

namespace shoal::cli {

void AddExportOptions(CLI::App& command, ExportOptions& options, const std::string& what) {
  command.add_option("--export", options.format, StrCat("csv or jsonl: ", what))
      ->check(CLI::IsMember({"csv", "jsonl"}));
  command.add_option("--out,-o", options.out, "A file for the export (default: stdout)");
}

absl::Status CheckExport(const Globals& globals, const ExportOptions& options) {
  if (!options.wanted() && !options.out.empty())
    return absl::InvalidArgumentError("--out needs --export csv or --export jsonl");
  if (options.wanted() && globals.json)
    return absl::InvalidArgumentError(
        "--export and --json exclude each other; --export jsonl "
        "writes a JSON object a line");
  return absl::OkStatus();
}

absl::Status WriteRecords(const ExportOptions& options, const report::Records& records) {
  SHOAL_ASSIGN_OR_RETURN(const RecordFormat format, ParseRecordFormat(options.format));
  SHOAL_ASSIGN_OR_RETURN(OutputFile out, OutputFile::Open(options.out));
  const RecordLines lines(format, records.columns);
  SHOAL_RETURN_IF_ERROR(out.Write(lines.Header()));
  for (const std::vector<Cell>& row : records.rows)
    SHOAL_RETURN_IF_ERROR(out.Write(lines.Line(row)));
  return out.Finish();
}

}  // namespace shoal::cli
