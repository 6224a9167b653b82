// Brings a database to the schema of this program (migrations/README.md has the rules). Each
// migration is one transaction together with its row in schema_migration, so a crash leaves one
// version or the next, never between.
#pragma once

#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/store/database.h"
#include "migrations/migrations.h"

namespace shoal::store {

// Applies what is missing of `migrations`. A database that has rows is first copied to
// `backup_dir`/shoal-before-NNNN.db. `now` is recorded. Errors: FailedPrecondition (a migration
// that was applied has other text now; the database is newer than this program), or SQLite's own.
absl::Status Migrate(Database& db, std::span<const Migration> migrations,
                     const std::string& backup_dir, absl::Time now);

// The highest applied version; 0 for an empty database.
absl::StatusOr<int> SchemaVersion(Database& db);

}  // namespace shoal::store
