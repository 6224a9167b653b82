#include "coordinator/store/dataset_rows.h"

#include <algorithm>

#include "coordinator/store/proto_time.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"

namespace shoal::store {
namespace {

constexpr size_t kShortestPrefix = 8;  // digits of an id

absl::StatusOr<v1::Dataset> Parse(std::string_view bytes) {
  v1::Dataset dataset;
  if (!dataset.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("a stored data set cannot be read");
  }
  return dataset;
}

bool IsPrefixOfId(const std::string& selector) {
  return selector.size() >= kShortestPrefix && selector.size() <= 64 &&
         selector.find_first_not_of("0123456789abcdef") == std::string::npos;
}

absl::StatusOr<std::vector<std::string>> Names(Database& db) {
  std::vector<std::string> names;
  SHOAL_RETURN_IF_ERROR(db.ForEach("SELECT name FROM dataset ORDER BY name",
                                   [&](const Statement& row) { names.emplace_back(row.Text(0)); }));
  return names;
}

// The names of data sets whose id begins so, each id once.
absl::StatusOr<std::vector<std::string>> NamesById(Database& db, const std::string& prefix) {
  std::vector<std::string> names;
  std::string last;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT name, dataset_id FROM dataset WHERE dataset_id >= ?1 AND dataset_id < ?1 || 'g' "
      "ORDER BY dataset_id, name",
      [&](const Statement& row) {
        if (row.Text(1) == last) return;
        last = std::string(row.Text(1));
        names.emplace_back(row.Text(0));
      },
      prefix));
  return names;
}

absl::Status UnknownDataset(Database& db, const std::string& selector) {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(db));
  const std::optional<std::string> nearest = spec::Nearest(selector, names);
  const std::string unknown = StrCat("there is no data set '", selector, "'");
  if (names.empty()) {
    return absl::NotFoundError(StrCat(unknown,
                                      "; this lab has none yet: `shoal dataset import FILE "
                                      "--name NAME` makes one"));
  }
  return absl::NotFoundError(
      StrCat(unknown, "; ", nearest ? StrCat("did you mean '", *nearest, "'? ") : std::string(),
             "`shoal dataset list` lists them"));
}

}  // namespace

absl::Status InsertDataset(Database& db, const v1::Dataset& dataset) {
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(INSERT INTO dataset (name, dataset_id, created_at_us, submitted_by, dataset_pb)
            VALUES (?, ?, ?, ?, ?))sql",
      dataset.name(), dataset.dataset_id(), FromTimestamp(dataset.created_at()),
      dataset.submitted_by(), AsBlob{dataset.SerializeAsString()}));
  for (const v1::DataBinding& file : dataset.files()) {
    SHOAL_RETURN_IF_ERROR(db.Run("INSERT INTO dataset_file (name, role, sha256) VALUES (?, ?, ?)",
                                 dataset.name(), static_cast<int>(file.role()), file.sha256()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Dataset>> FindDataset(Database& db, const std::string& name) {
  std::optional<std::string> bytes;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT dataset_pb FROM dataset WHERE name = ?",
      [&](const Statement& row) { bytes = std::string(row.Blob(0)); }, name));
  if (!bytes) return std::nullopt;
  SHOAL_ASSIGN_OR_RETURN(v1::Dataset dataset, Parse(*bytes), name);
  return dataset;
}

absl::StatusOr<v1::Dataset> LoadDataset(Database& db, const std::string& selector) {
  SHOAL_ASSIGN_OR_RETURN(std::optional<v1::Dataset> dataset, FindDataset(db, selector));
  if (dataset) return *std::move(dataset);
  std::vector<std::string> names;
  if (IsPrefixOfId(selector)) {
    SHOAL_ASSIGN_OR_RETURN(names, NamesById(db, selector));
  }
  if (names.size() > 1) {
    return absl::FailedPreconditionError(StrCat(
        "'", selector, "' is the beginning of several data sets' ids: ", StrJoin(names, ", "),
        "; give a name, or more digits"));
  }
  if (names.size() == 1) return LoadDataset(db, names.front());
  return UnknownDataset(db, selector);
}

absl::StatusOr<std::vector<v1::Dataset>> LoadDatasets(Database& db) {
  std::vector<v1::Dataset> datasets;
  absl::Status broken;
  SHOAL_RETURN_IF_ERROR(
      db.ForEach("SELECT dataset_pb FROM dataset ORDER BY created_at_us DESC, name",
                 [&](const Statement& row) {
                   absl::StatusOr<v1::Dataset> dataset = Parse(row.Blob(0));
                   if (!dataset.ok()) return broken.Update(dataset.status());
                   dataset->mutable_report()->clear_problems();
                   datasets.push_back(*std::move(dataset));
                 }));
  SHOAL_RETURN_IF_ERROR(broken);
  return datasets;
}

}  // namespace shoal::store
