#include "coordinator/store/migrator.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {
namespace {

struct Applied {
  int version;
  std::string name;
  std::string sha256;
};

absl::StatusOr<std::vector<Applied>> ReadApplied(Database& db) {
  SHOAL_RETURN_IF_ERROR(db.Execute(R"sql(
      CREATE TABLE IF NOT EXISTS schema_migration (
        version       INTEGER PRIMARY KEY,
        name          TEXT NOT NULL,
        sha256        TEXT NOT NULL,
        applied_at_us INTEGER NOT NULL
      ) STRICT;)sql"));
  std::vector<Applied> applied;
  SHOAL_RETURN_IF_ERROR(
      db.ForEach("SELECT version, name, sha256 FROM schema_migration ORDER BY version",
                 [&](const Statement& row) {
                   applied.push_back({static_cast<int>(row.Int(0)), std::string(row.Text(1)),
                                      std::string(row.Text(2))});
                 }));
  return applied;
}

absl::Status CheckApplied(const std::vector<Applied>& applied,
                          std::span<const Migration> migrations, const std::string& path) {
  for (size_t i = 0; i < applied.size(); ++i) {
    if (i >= migrations.size()) {
      return absl::FailedPreconditionError(StrCat(
          path, " has schema ", applied.back().version, " and this program knows only ",
          migrations.size(),
          ": it was used by a newer shoal. Upgrade this program, or use another data folder"));
    }
    const Migration& migration = migrations[i];
    if (applied[i].version != migration.version ||
        applied[i].sha256 != Sha256Of(migration.sql).Hex()) {
      return absl::FailedPreconditionError(
          absl::StrFormat("migration %04d_%s of this program differs from the one that made %s. "
                          "Use the program that made it; a "
                          "released migration must never be edited",
                          migration.version, std::string(migration.name), path));
    }
  }
  return absl::OkStatus();
}

absl::Status Backup(Database& db, const std::string& backup_dir, int next_version) {
  std::error_code error;
  std::filesystem::create_directories(backup_dir, error);
  if (error) return ErrnoStatus(error.value(), StrCat("making ", backup_dir));
  const std::string path = absl::StrFormat("%s/shoal-before-%04d.db", backup_dir, next_version);
  const std::string temporary = path + ".tmp";
  std::filesystem::remove(temporary, error);
  SHOAL_RETURN_IF_ERROR(db.Run("VACUUM INTO ?", temporary),
                        "saving a copy of the database before its upgrade");
  std::filesystem::rename(temporary, path, error);
  if (error) return ErrnoStatus(error.value(), StrCat("renaming ", temporary));
  return absl::OkStatus();
}

absl::Status Apply(Database& db, const Migration& migration, absl::Time now) {
  SHOAL_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db));
  SHOAL_RETURN_IF_ERROR(db.Execute(std::string(migration.sql)));
  SHOAL_RETURN_IF_ERROR(db.Run(
      "INSERT INTO schema_migration (version, name, sha256, applied_at_us) VALUES (?, ?, ?, ?)",
      migration.version, migration.name, Sha256Of(migration.sql).Hex(), now));
  return transaction.Commit();
}

}  // namespace

absl::Status Migrate(Database& db, std::span<const Migration> migrations,
                     const std::string& backup_dir, absl::Time now) {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<Applied> applied, ReadApplied(db));
  SHOAL_RETURN_IF_ERROR(CheckApplied(applied, migrations, db.path()));
  if (applied.size() == migrations.size()) return absl::OkStatus();
  if (!applied.empty()) {
    SHOAL_RETURN_IF_ERROR(Backup(db, backup_dir, migrations[applied.size()].version));
  }
  for (const Migration& migration : migrations.subspan(applied.size())) {
    SHOAL_RETURN_IF_ERROR(Apply(db, migration, now), "migration ", migration.version, "_",
                          migration.name);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> SchemaVersion(Database& db) {
  int version = 0;
  SHOAL_RETURN_IF_ERROR(
      db.ForEach("SELECT coalesce(max(version), 0) FROM schema_migration",
                 [&](const Statement& row) { version = static_cast<int>(row.Int(0)); }));
  return version;
}

}  // namespace shoal::store
