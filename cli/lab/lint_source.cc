#include "cli/lab/lint_source.h"

#include <algorithm>
#include <array>

#include "cli/lab/files_check.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/import.h"
#include "core/data/persona/persona.h"
#include "core/data/training_text.h"

namespace shoal::cli {
namespace {

constexpr std::array<std::string_view, 7> kHeldOutNames = {"eval",       "held_out", "val", "valid",
                                                           "validation", "dev",      "test"};
constexpr std::array<std::string_view, 2> kEndings = {".jsonl", ".txt"};

// The first of folder/name.ending that exists; empty without one.
template <typename Names>
std::string FindIn(const std::string& folder, const Names& names) {
  RealFileSystem files;
  for (const std::string_view name : names) {
    for (const std::string_view ending : kEndings) {
      const std::string path = JoinPath(folder, StrCat(name, ending));
      if (files.Exists(path)) return path;
    }
  }
  return "";
}

void Note(const data::Source& source, const std::string& name, LintSource& out) {
  if (source.report.malformed_lines > 0) {
    out.notes.push_back(StrCat(name, ": ", source.report.malformed_lines,
                               " malformed lines were left out:\n",
                               data::FormatProblems(source.report)));
  }
}

absl::StatusOr<LintSource> ReadPersona(const std::string& path, const LintSourceOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const data::Persona persona, data::Persona::Load(path));
  SHOAL_ASSIGN_OR_RETURN(const data::PersonaData generated,
                         data::GeneratePersona(persona, options.conversations, options.seed,
                                               options.held_out_fraction));
  LintSource out;
  out.train_name = "training";
  out.held_out_name = "held-out";
  out.train = data::RenderAll(generated.train);
  out.held_out = data::RenderAll(generated.held_out);
  for (auto* side : {&out.train, &out.held_out}) {
    for (size_t i = 0; i < side->size(); ++i) (*side)[i].line = static_cast<int64_t>(i) + 1;
  }
  return out;
}

bool IsOwnShape(const std::string& path) {
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return path.ends_with(ending); });
}

absl::StatusOr<LintSource> ImportAndRead(const std::string& source, const std::string& held_out,
                                         const LintSourceOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const TempDir folder, TempDir::Make());
  data::ImportOptions import;
  import.held_out_path = held_out;
  import.held_out_share = options.held_out_fraction;
  SHOAL_ASSIGN_OR_RETURN(const data::ImportResult imported,
                         data::Import({source}, import, folder.path()));
  SHOAL_ASSIGN_OR_RETURN(LintSource out,
                         ReadLintFiles(imported.data.train_path, imported.data.held_out_path, 0));
  out.train_name = "train";
  out.held_out_name = "held-out";
  for (const std::string& line : imported.recognised) out.notes.push_back(line);
  if (imported.report.malformed > 0) {
    out.notes.push_back(StrCat(imported.report.malformed, " malformed records were left out"));
  }
  return out;
}

}  // namespace

absl::StatusOr<LintSource> ReadLintFiles(const std::string& train, const std::string& held_out,
                                         double held_out_fraction) {
  LintSource out;
  out.train_name = BaseName(train);
  out.held_out_name = BaseName(held_out.empty() ? train : held_out);
  if (out.train_name == out.held_out_name && !held_out.empty()) {
    out.train_name = train;
    out.held_out_name = held_out;
  }
  SHOAL_ASSIGN_OR_RETURN(
      data::SplitSource split,
      data::ReadTrainingText({train, train}, {held_out, held_out}, held_out_fraction));
  Note(split.train, out.train_name, out);
  Note(split.held_out, out.held_out_name, out);
  out.train = std::move(split.train.examples);
  out.held_out = std::move(split.held_out.examples);
  return out;
}

absl::StatusOr<LintSource> ReadLintSource(const std::string& source, const std::string& held_out,
                                          const LintSourceOptions& options) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(CheckThere(source));
  if (!held_out.empty()) SHOAL_RETURN_IF_ERROR(CheckThere(held_out));
  const bool folder = files.ListDir(source).ok();
  const bool persona = source.ends_with(".yaml") || source.ends_with(".yml");
  if (!held_out.empty() && (folder || persona)) {
    return absl::InvalidArgumentError(StrCat(source, folder ? " is a folder" : " is a persona",
                                             ", which has its own held-out side: leave ", held_out,
                                             " out"));
  }
  if (persona && !folder) return ReadPersona(source, options);
  if (!folder && IsOwnShape(source) && (held_out.empty() || IsOwnShape(held_out))) {
    return ReadLintFiles(source, held_out, options.held_out_fraction);
  }
  const std::string train = FindIn(source, std::array<std::string_view, 1>{"train"});
  if (!folder || train.empty()) return ImportAndRead(source, held_out, options);
  return ReadLintFiles(train, FindIn(source, kHeldOutNames), options.held_out_fraction);
}

}  // namespace shoal::cli
