#include "coordinator/store/database.h"

#include <sqlite3.h>

#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {
namespace {

// SQLite's result code as ours; the message is SQLite's own with what we were doing before it.
absl::Status SqliteStatus(int code, sqlite3* handle, std::string_view action) {
  const int primary = code & 0xff;
  const std::string text =
      StrCat(action, ": ", handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
  switch (primary) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          StrCat(text, "; free space on the disk of the data folder"));
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return absl::ResourceExhaustedError(text);
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return absl::AlreadyExistsError(text);
      }
      return absl::FailedPreconditionError(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(
          StrCat(text, "; the database is damaged, restore it from backup/"));
    case SQLITE_IOERR:
      return absl::UnavailableError(text);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::PermissionDeniedError(StrCat(text, "; check the folder's owner and rights"));
    default:
      return absl::InternalError(StrCat(text, " (SQLite code ", code, ")"));
  }
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::Reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  next_ = 1;
  bind_error_ = SQLITE_OK;
}

absl::StatusOr<bool> Statement::Step() {
  int code = bind_error_;
  if (code == SQLITE_OK) {
    SHOAL_CHECK(next_ == sqlite3_bind_parameter_count(statement_) + 1, sqlite3_sql(statement_));
    SHOAL_CHECK(!changes_rows_ || sqlite3_get_autocommit(sqlite3_db_handle(statement_)) == 0,
                "outside of a transaction: ", sqlite3_sql(statement_));
    code = sqlite3_step(statement_);
  }
  if (code == SQLITE_ROW) return true;
  absl::Status status;
  if (code != SQLITE_DONE)
    status = SqliteStatus(code, sqlite3_db_handle(statement_), sqlite3_sql(statement_));
  sqlite3_reset(statement_);
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  absl::StatusOr<bool> row = Step();
  if (!row.ok()) return row.status();
  SHOAL_CHECK(!*row, "a statement without results answered a row: ", sqlite3_sql(statement_));
  return absl::OkStatus();
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }
bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
absl::Time Statement::Time(int column) const { return absl::FromUnixMicros(Int(column)); }

std::string_view Statement::Text(int column) const { return Blob(column); }

std::string_view Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), size);
}

void Statement::BindNext(int64_t value) {
  bind_error_ |= sqlite3_bind_int64(statement_, next_++, value);
}
void Statement::BindNext(double value) {
  bind_error_ |= sqlite3_bind_double(statement_, next_++, value);
}
void Statement::BindNext(absl::Time value) { BindNext(absl::ToUnixMicros(value)); }
void Statement::BindNext(std::nullopt_t) { bind_error_ |= sqlite3_bind_null(statement_, next_++); }
void Statement::BindNext(std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  bind_error_ |= sqlite3_bind_text64(statement_, next_++, value.empty() ? "" : value.data(),
                                     value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::BindNext(const AsBlob& value) {
  bind_error_ |=
      sqlite3_bind_blob64(statement_, next_++, value.bytes.empty() ? "" : value.bytes.data(),
                          value.bytes.size(), SQLITE_TRANSIENT);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int access =
      mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &handle,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) {
    absl::Status status = SqliteStatus(code, handle, StrCat("opening ", path));
    sqlite3_close_v2(handle);
    return status;
  }
  std::unique_ptr<Database> db(new Database(handle, path));
  // Only recovery after a crash, when the first connection rebuilds the log's index, makes anyone
  // wait at all.
  sqlite3_busy_timeout(handle, 10000);
  sqlite3_wal_hook(handle, &Database::OnCommit, db.get());  // replaces the automatic checkpoint
  SHOAL_RETURN_IF_ERROR(
      db->Execute(
          "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;"),
      "opening ", path);
  if (mode == Mode::kReadWrite) {
    SHOAL_RETURN_IF_ERROR(db->Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"),
                          "opening ", path);
  } else {
    SHOAL_RETURN_IF_ERROR(db->Execute("PRAGMA query_only = ON;"), "opening ", path);
  }
  return db;
}

Database::~Database() {
  statements_.clear();
  sqlite3_close(handle_);
}

int Database::OnCommit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Database*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

absl::StatusOr<Statement*> Database::Prepare(std::string_view sql) {
  if (auto it = statements_.find(sql); it != statements_.end()) return it->second.get();
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqliteStatus(code, handle_, StrCat("preparing ", sql));
  const bool control = sql.starts_with("BEGIN") || sql.starts_with("VACUUM");
  const bool changes_rows = !control && sqlite3_stmt_readonly(statement) == 0;
  return (statements_[std::string(sql)] = std::make_unique<Statement>(statement, changes_rows))
      .get();
}

absl::Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return SqliteStatus(code, handle_, sql.size() < 200 ? sql : StrCat(sql.substr(0, 200), "..."));
}

int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }
int64_t Database::changes() const { return sqlite3_changes64(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

absl::Status Database::Checkpoint() {
  int in_log = 0;
  int copied = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
  // Someone else is at it (another connection closing): the next one will do.
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
    return SqliteStatus(code, handle_, "checkpoint of the log");
  if (in_log == copied) wal_pages_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<Transaction> Transaction::Begin(Database& db, Kind kind) {
  SHOAL_CHECK(!db.in_transaction(), "transactions do not nest");
  SHOAL_RETURN_IF_ERROR(db.Run(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(db, kind);
}

Transaction::Transaction(Transaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)), kind_(other.kind_) {}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors (disk full, I/O).
  if (db_ != nullptr && db_->in_transaction()) db_->Run("ROLLBACK").IgnoreError();
}

absl::Status Transaction::Commit() {
  Database& db = *std::exchange(db_, nullptr);
  absl::Status status;
  const bool probed = kind_ == Kind::kWrite;
  if (probed && db.commit_probe().before) status = db.commit_probe().before();
  if (status.ok()) status = db.Run("COMMIT");
  if (!status.ok()) {
    if (db.in_transaction()) db.Run("ROLLBACK").IgnoreError();
    return status;
  }
  if (probed && db.commit_probe().after) db.commit_probe().after();
  return absl::OkStatus();
}

}  // namespace shoal::store
