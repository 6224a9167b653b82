// Data sets between this machine and the lab. Files of data sets are kept by digest in
// <data_dir>/prepared/datasets/<sha256>/, where both importing and fetching put them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "core/base/file.h"
#include "core/data/dataset/dataset_builder.h"
#include "core/data/import/import.h"
#include "shoal/v1/dataset.pb.h"

namespace shoal::cli {

// By name, or an id's beginning of 8 digits or more. Errors: NotFound, naming what was probably
// meant.
absl::StatusOr<v1::Dataset> GetDataset(Lab& lab, const std::string& name);

struct LocalDataset {
  v1::Dataset dataset;
  std::string train_path;
  std::string held_out_path;  // empty: it has no held-out part
};

// A data set with its files on this machine, each checked against its digest. Errors: those of
// GetDataset; DataLoss (what came is not what the lab promised); those of writing.
absl::StatusOr<LocalDataset> FetchDataset(Lab& lab, const std::string& name);

// A file of the lab on this machine, by its digest. Errors as above.
absl::StatusOr<std::string> FetchFile(Lab& lab, const v1::DataBinding& file);

// A folder on the disk of the data folder, for the files of a data set in the making.
absl::StatusOr<TempDir> MakeDatasetFolder(const std::string& data_dir);

struct StoredDataset {
  v1::Dataset dataset;
  bool unchanged = false;  // it was there already, with the same content
};

// Uploads what was built and gives it its name; the rest of `dataset` (kind, counts, files) is
// filled in from `built`. Its files are moved to where fetched files are. Errors: AlreadyExists
// (the name stands for other data); those of uploading.
absl::StatusOr<StoredDataset> StoreDataset(Lab& lab, v1::Dataset dataset,
                                           const data::BuiltDataset& built,
                                           const std::string& command_line);

// A report as it is kept with the data set: the first 100 problems.
v1::ImportReport ToProto(const data::ImportReport& report);
// A report of a data set that was made here, not imported.
v1::ImportReport ReportOf(const data::BuiltDataset& built);

// What is wrong with the name of a data set; empty: nothing.
absl::Status CheckDatasetName(const std::string& name);

}  // namespace shoal::cli
