#include "core/spec/dataset_id.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_rules.h"
#include "core/spec/utf8.h"
#include "core/spec/violations.h"

namespace shoal::spec {
namespace {

constexpr size_t kMaxName = 64;
constexpr size_t kMaxText = 4096;
constexpr int kMaxLabels = 100000;
constexpr int kMaxProblems = 100;

// ".jsonl" or ".txt", or nothing.
std::string_view ExtensionOf(std::string_view file_name) {
  for (const std::string_view extension : {".jsonl", ".txt"}) {
    if (file_name.size() > extension.size() && file_name.ends_with(extension)) return extension;
  }
  return {};
}

std::string FileProblem(const v1::DataBinding& file) {
  if (file.role() != v1::BINDING_ROLE_TRAIN && file.role() != v1::BINDING_ROLE_HELD_OUT) {
    return StrCat("role must be TRAIN or HELD_OUT, is ", static_cast<int>(file.role()));
  }
  const absl::StatusOr<Digest> digest = Digest::FromHex(file.sha256());
  if (!digest.ok() || digest->Hex() != file.sha256()) {
    return "sha256 must be 64 lower-case hexadecimal digits";
  }
  if (file.file_name().find('/') != std::string::npos || ExtensionOf(file.file_name()).empty()) {
    return "file_name must be a name that ends with .jsonl or .txt";
  }
  return file.size_bytes() < 1 ? "size_bytes must be at least 1" : "";
}

void CheckPart(std::string_view path, const v1::DatasetPart& part, Violations& violations) {
  if (part.examples() < 0 || part.bytes() < 0 || part.unique_examples() < 0 ||
      part.unique_examples() > part.examples()) {
    violations.Add("", path, "has counts that cannot be");
  }
  if (part.label_counts_size() > kMaxLabels || part.length_counts_size() > 64) {
    violations.Add("", path, StrCat("has more than ", kMaxLabels, " labels or 64 lengths"));
  }
}

void CheckReport(const v1::Dataset& dataset, Violations& violations) {
  const v1::ImportReport& report = dataset.report();
  if (report.records() != report.examples() + report.malformed() + report.empty()) {
    violations.Add(
        "", "report",
        StrCat("records (", report.records(), ") must be examples (", report.examples(),
               ") + malformed (", report.malformed(), ") + empty (", report.empty(), ")"));
  }
  if (report.problems_size() > kMaxProblems) {
    violations.Add("", "report.problems",
                   StrCat("has ", report.problems_size(), " entries; at most ", kMaxProblems));
  }
}

void CheckTexts(const v1::Dataset& dataset, Violations& violations) {
  const auto check = [&](std::string_view path, const std::string& text) {
    if (text.size() > kMaxText) {
      violations.Add("", path, StrCat("has ", text.size(), " bytes; at most ", kMaxText));
    }
  };
  check("source", dataset.source());
  check("command", dataset.command());
  if (dataset.labels_size() > kMaxLabels) {
    violations.Add("", "labels", StrCat("has ", dataset.labels_size(), "; at most ", kMaxLabels));
  }
  std::set<std::string> seen;
  for (const std::string& label : dataset.labels()) {
    if (label.size() > kMaxText || !seen.insert(label).second) {
      violations.Add("", "labels", "must be different texts of at most 4096 bytes");
      break;
    }
  }
}

}  // namespace

absl::StatusOr<std::string> DatasetId(
    const google::protobuf::RepeatedPtrField<v1::DataBinding>& files) {
  std::vector<std::string> lines;
  std::set<int> roles;
  for (const v1::DataBinding& file : files) {
    if (const std::string what = FileProblem(file); !what.empty()) {
      return absl::InvalidArgumentError(StrCat("files[", lines.size(), "]: ", what));
    }
    if (!roles.insert(file.role()).second) {
      return absl::InvalidArgumentError(StrCat("files[", lines.size(), "]: a role is given twice"));
    }
    lines.push_back(StrCat(file.role() == v1::BINDING_ROLE_TRAIN ? "TRAIN " : "HELD_OUT ",
                           file.sha256(), " ", ExtensionOf(file.file_name()), "\n"));
  }
  if (!roles.contains(v1::BINDING_ROLE_TRAIN)) {
    return absl::InvalidArgumentError("files: a data set needs a file with role TRAIN");
  }
  std::sort(lines.begin(), lines.end());
  return Sha256Of(StrCat("shoal dataset 1\n", StrJoin(lines, ""))).Hex();
}

absl::Status CheckDataset(const v1::Dataset& dataset) {
  Violations violations;
  if (const std::string what = NameProblem(dataset.name()); !what.empty()) {
    violations.Add("", "name", what);
  } else if (dataset.name().size() > kMaxName) {
    violations.Add(
        "", "name",
        StrCat("must have at most ", kMaxName, " characters, has ", dataset.name().size()));
  }
  const std::string& kind = dataset.kind();
  if (kind != kConversations && kind != kLabelled && kind != kText && kind != kDocument) {
    violations.Add("", "kind", "must be conversations, labelled, text or document");
  }
  const absl::StatusOr<std::string> id = DatasetId(dataset.files());
  if (!id.ok()) {
    violations.Add("", "files", StdView(id.status().message()));
  } else if (*id != dataset.dataset_id()) {
    violations.Add("", "dataset_id", StrCat("must be the digest of its files, ", *id));
  }
  CheckPart("train", dataset.train(), violations);
  CheckPart("held_out", dataset.held_out(), violations);
  CheckReport(dataset, violations);
  CheckTexts(dataset, violations);
  return violations.ToStatus();
}

}  // namespace shoal::spec
