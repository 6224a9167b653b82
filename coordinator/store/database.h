// SQLite with owners: a Database is one connection, a Statement one prepared text, a Transaction
// rolls back unless it is committed. Values are always bound, never pasted into the text.
//
//   SHOAL_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db));
//   SHOAL_RETURN_IF_ERROR(db.Run("INSERT INTO meta (key, value) VALUES (?, ?)", "lab_id", id));
//   SHOAL_RETURN_IF_ERROR(transaction.Commit());
//
// A statement that changes rows runs only inside a transaction (checked): one forgotten BEGIN would
// tear what belongs together, and cost an fsync a row.
//
// Locks. A data folder has one writing connection, used by one thread; readers have their own
// read-only connections and see snapshots. In WAL mode neither ever waits for the other, so
// "database is locked" cannot happen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace shoal::store {

// Marks bytes to be bound as a BLOB: Bind(AsBlob{message.SerializeAsString()}).
struct AsBlob {
  std::string_view bytes;
};

// A prepared statement. Bind in the order of the `?`s, then Run (no rows wanted) or Step until it
// says false; both start over for the next use. Binding errors are kept and reported by Run or
// Step. Thread-compatible.
class Statement {
 public:
  Statement(sqlite3_stmt* statement, bool changes_rows)
      : statement_(statement), changes_rows_(changes_rows) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <typename... Values>
  Statement& Bind(const Values&... values) {
    Reset();
    (BindNext(values), ...);
    return *this;
  }

  // Executes to the end; rows are an error of ours. Errors: ResourceExhausted (disk full),
  // AlreadyExists (unique), FailedPrecondition (another constraint), DataLoss (a damaged file),
  // Unavailable (I/O), Internal.
  absl::Status Run();
  // True: a row is ready. False: no more; the statement is reset.
  absl::StatusOr<bool> Step();
  void Reset();

  // Columns of the present row, from 0. Views live until the next Step or Reset.
  int64_t Int(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;
  absl::Time Time(int column) const;

 private:
  void BindNext(int64_t value);
  void BindNext(int value) { BindNext(static_cast<int64_t>(value)); }
  void BindNext(bool value) { BindNext(static_cast<int64_t>(value)); }
  void BindNext(double value);
  void BindNext(std::string_view value);
  void BindNext(const std::string& value) { BindNext(std::string_view(value)); }
  void BindNext(const char* value) { BindNext(std::string_view(value)); }
  void BindNext(absl::Time value);
  void BindNext(std::nullopt_t);
  template <typename T>
  void BindNext(const std::optional<T>& value) {
    value ? BindNext(*value) : BindNext(std::nullopt);
  }
  void BindNext(const AsBlob& value);

  sqlite3_stmt* statement_;
  const bool changes_rows_;
  int next_ = 1;
  int bind_error_ = 0;
};

// One connection. Thread-compatible.
class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // Opens, and for kReadWrite creates, the file; sets WAL, synchronous=FULL, foreign keys, and no
  // automatic checkpoints (Checkpoint below is called by the owner). Errors: as Statement::Run,
  // naming the path.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Prepared once per text and kept: values are bound, never written into the text. The reference
  // lives as long as the database.
  absl::StatusOr<Statement*> Prepare(std::string_view sql);
  // Runs a text of several statements: migrations and PRAGMAs.
  absl::Status Execute(const std::string& sql);
  // Binds and runs a statement in one breath.
  template <typename... Values>
  absl::Status Run(std::string_view sql, const Values&... values) {
    absl::StatusOr<Statement*> statement = Prepare(sql);
    if (!statement.ok()) return statement.status();
    return (*statement)->Bind(values...).Run();
  }

  // Calls `row(const Statement&)` for every row. The statement is over afterwards, whatever
  // happens: one left in the middle would pin an old snapshot.
  template <typename RowFunction, typename... Values>
  absl::Status ForEach(std::string_view sql, RowFunction&& row, const Values&... values) {
    absl::StatusOr<Statement*> statement = Prepare(sql);
    if (!statement.ok()) return statement.status();
    (*statement)->Bind(values...);
    while (true) {
      absl::StatusOr<bool> more = (*statement)->Step();
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
      row(static_cast<const Statement&>(**statement));
    }
  }

  int64_t last_insert_id() const;
  int64_t changes() const;
  bool in_transaction() const;
  // Pages now in the write-ahead log, as of the last commit of this connection.
  int wal_pages() const { return wal_pages_; }
  // Copies what no reader needs from the log into the database file; never waits for anyone.
  absl::Status Checkpoint();

  const std::string& path() const { return path_; }

  // Called around every commit of a write transaction; a status from `before` fails the commit as a
  // full disk would. How fault tests stop the world at its most delicate instants.
  struct CommitProbe {
    std::function<absl::Status()> before;
    std::function<void()> after;
  };
  void set_commit_probe(CommitProbe probe) { probe_ = std::move(probe); }
  const CommitProbe& commit_probe() const { return probe_; }

 private:
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  static int OnCommit(void* self, sqlite3*, const char*, int pages);

  sqlite3* handle_;
  std::string path_;
  int wal_pages_ = 0;
  CommitProbe probe_;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// Thread-compatible.
class Transaction {
 public:
  enum class Kind { kWrite, kRead };

  static absl::StatusOr<Transaction> Begin(Database& db, Kind kind = Kind::kWrite);
  ~Transaction();  // rolls back unless committed
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  // On error the transaction has been rolled back and nothing of it is kept.
  absl::Status Commit();

 private:
  Transaction(Database& db, Kind kind) : db_(&db), kind_(kind) {}
  Database* db_;  // null once over
  Kind kind_;
};

}  // namespace shoal::store
