#include "coordinator/store/database.h"

#include <thread>

#include "coordinator/store/migrator.h"
#include "coordinator/store/reader_pool.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::store {
namespace {

using testing::HasSubstr;

class DatabaseTest : public TempDirTest {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Database>> db =
        Database::Open(Path("a.db"), Database::Mode::kReadWrite);
    ASSERT_OK(db);
    db_ = *std::move(db);
  }
  // One statement in a transaction of its own.
  template <typename... Values>
  absl::Status Write(std::string_view sql, const Values&... values) {
    SHOAL_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*db_));
    SHOAL_RETURN_IF_ERROR(db_->Run(sql, values...));
    return transaction.Commit();
  }
  int64_t Count(Database& db, std::string_view sql) {
    int64_t count = -1;
    EXPECT_OK(db.ForEach(sql, [&](const Statement& row) { count = row.Int(0); }));
    return count;
  }
  std::unique_ptr<Database> db_;
};

TEST_F(DatabaseTest, ValuesComeBackAsTheyWereBound) {
  ASSERT_OK(db_->Execute("CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, n INTEGER) STRICT;"));
  const std::string text("quote ' and \0 zero", 18);
  const std::string blob("\0\1\2", 3);
  ASSERT_OK(Write("INSERT INTO t VALUES (?, ?, ?, ?, ?)", int64_t{-5}, 0.1, text, AsBlob{blob},
                  std::nullopt));
  int rows = 0;
  ASSERT_OK(db_->ForEach("SELECT i, r, s, b, n FROM t", [&](const Statement& row) {
    ++rows;
    EXPECT_EQ(row.Int(0), -5);
    EXPECT_EQ(row.Real(1), 0.1);
    EXPECT_EQ(row.Text(2), text);
    EXPECT_EQ(row.Blob(3), blob);
    EXPECT_TRUE(row.IsNull(4));
  }));
  EXPECT_EQ(rows, 1);
}

TEST_F(DatabaseTest, ErrorsHaveTheirCodes) {
  ASSERT_OK(
      db_->Execute("CREATE TABLE p (k INTEGER PRIMARY KEY) STRICT;"
                   "CREATE TABLE c (k INTEGER NOT NULL REFERENCES p (k)) STRICT;"));
  ASSERT_OK(Write("INSERT INTO p VALUES (1)"));
  EXPECT_THAT(Write("INSERT INTO p VALUES (1)"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Write("INSERT INTO c VALUES (7)"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Write("INSERT INTO c VALUES (?)", "text"),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Database::Open("/nowhere/at/all.db", Database::Mode::kReadWrite),
              StatusIs(absl::StatusCode::kPermissionDenied));
  ASSERT_OK(files_.WriteFileAtomic(Path("b.db"), std::string(8192, 'x')));
  EXPECT_THAT(Database::Open(Path("b.db"), Database::Mode::kReadWrite),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(DatabaseTest, ATransactionIsAllOrNothing) {
  ASSERT_OK(db_->Execute("CREATE TABLE t (i INTEGER) STRICT;"));
  {
    ASSERT_OK_AND_ASSIGN(Transaction transaction, Transaction::Begin(*db_));
    ASSERT_OK(db_->Run("INSERT INTO t VALUES (1)"));
  }
  EXPECT_EQ(Count(*db_, "SELECT count(*) FROM t"), 0);
  db_->set_commit_probe({[] { return absl::ResourceExhaustedError("disk full"); }, nullptr});
  ASSERT_OK_AND_ASSIGN(Transaction failing, Transaction::Begin(*db_));
  ASSERT_OK(db_->Run("INSERT INTO t VALUES (1)"));
  EXPECT_THAT(failing.Commit(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Count(*db_, "SELECT count(*) FROM t"), 0);
  db_->set_commit_probe({});
  ASSERT_OK_AND_ASSIGN(Transaction good, Transaction::Begin(*db_));
  ASSERT_OK(db_->Run("INSERT INTO t VALUES (1)"));
  ASSERT_OK(good.Commit());
  EXPECT_EQ(Count(*db_, "SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, AChangeOutsideOfATransactionIsABug) {
  ASSERT_OK(db_->Execute("CREATE TABLE t (i INTEGER) STRICT;"));
  EXPECT_DEATH(db_->Run("INSERT INTO t VALUES (1)").IgnoreError(), "outside of a transaction");
}

TEST_F(DatabaseTest, ReadersSeeSnapshotsAndNobodyWaits) {
  ASSERT_OK(db_->Execute("CREATE TABLE t (i INTEGER) STRICT;"));
  ASSERT_OK_AND_ASSIGN(auto reader, Database::Open(Path("a.db"), Database::Mode::kReadOnly));
  ASSERT_OK_AND_ASSIGN(Transaction snapshot, Transaction::Begin(*reader, Transaction::Kind::kRead));
  EXPECT_EQ(Count(*reader, "SELECT count(*) FROM t"), 0);
  for (int i = 0; i < 100; ++i) ASSERT_OK(Write("INSERT INTO t VALUES (?)", i));
  ASSERT_OK(db_->Checkpoint());  // passive: does what it can beside the reader
  EXPECT_EQ(Count(*reader, "SELECT count(*) FROM t"), 0);
  ASSERT_OK(snapshot.Commit());
  EXPECT_EQ(Count(*reader, "SELECT count(*) FROM t"), 100);
  ASSERT_OK_AND_ASSIGN(Transaction refused, Transaction::Begin(*reader, Transaction::Kind::kRead));
  EXPECT_FALSE(reader->Run("INSERT INTO t VALUES (1)").ok());
}

TEST_F(DatabaseTest, ManyReadersBesideAWriterHearOfNoLock) {
  ASSERT_OK(db_->Execute("CREATE TABLE t (i INTEGER) STRICT;"));
  ASSERT_OK_AND_ASSIGN(auto pool, ReaderPool::Start(Path("a.db"), 3, 1000));
  std::atomic<int> reads = 0, errors = 0;
  std::atomic<int64_t> torn = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK_AND_ASSIGN(Transaction transaction, Transaction::Begin(*db_));
    ASSERT_OK(db_->Run("INSERT INTO t VALUES (1)"));
    ASSERT_OK(db_->Run("INSERT INTO t VALUES (-1)"));
    ASSERT_OK(transaction.Commit());
    ASSERT_OK(pool->Post([&](Database& db) {
      const absl::Status status =
          db.ForEach("SELECT coalesce(sum(i), 0) FROM t",
                     [&](const Statement& row) { torn += row.Int(0) != 0 ? 1 : 0; });
      errors += status.ok() ? 0 : 1;
      ++reads;
    }));
    if (i % 50 == 0) {
      ASSERT_OK(db_->Checkpoint());
    }
  }
  pool->Stop();
  EXPECT_EQ(reads, 200);
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(torn, 0);
  EXPECT_THAT(pool->Post([](Database&) {}), StatusIs(absl::StatusCode::kUnavailable));
}

class MigratorTest : public DatabaseTest {
 protected:
  static constexpr Migration kOne = {
      1, "initial", "CREATE TABLE t (i INTEGER) STRICT; INSERT INTO t VALUES (1);"};
  static constexpr Migration kTwo = {
      2, "second", "CREATE TABLE u (i INTEGER) STRICT; INSERT INTO u SELECT i FROM t;"};
  absl::Status Apply(std::vector<Migration> migrations) {
    return Migrate(*db_, migrations, Path("backup"), absl::FromUnixSeconds(1));
  }
};

TEST_F(MigratorTest, AppliesWhatIsMissingAndSavesACopyBefore) {
  ASSERT_OK(Apply({kOne}));
  EXPECT_FALSE(files_.Exists(Path("backup")));
  ASSERT_OK(Apply({kOne}));
  ASSERT_OK(Apply({kOne, kTwo}));
  EXPECT_THAT(SchemaVersion(*db_), IsOkAndHolds(2));
  EXPECT_EQ(Count(*db_, "SELECT count(*) FROM u"), 1);
  ASSERT_OK_AND_ASSIGN(
      auto backup, Database::Open(Path("backup/shoal-before-0002.db"), Database::Mode::kReadWrite));
  EXPECT_THAT(SchemaVersion(*backup), IsOkAndHolds(1));
  EXPECT_EQ(Count(*backup, "SELECT i FROM t"), 1);
}

TEST_F(MigratorTest, AnEditedOrNewerSchemaIsRefused) {
  ASSERT_OK(Apply({kOne, kTwo}));
  EXPECT_THAT(Apply({kOne}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("Upgrade this program")));
  const Migration edited = {1, "initial", "CREATE TABLE t (i INTEGER) STRICT;"};
  EXPECT_THAT(Apply({edited, kTwo}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("0001_initial")));
}

TEST_F(MigratorTest, ABrokenMigrationLeavesTheVersionBefore) {
  ASSERT_OK(Apply({kOne}));
  const Migration broken = {2, "second",
                            "CREATE TABLE u (i INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"};
  EXPECT_THAT(Apply({kOne, broken}), StatusIs(absl::StatusCode::kInternal, HasSubstr("2_second")));
  EXPECT_THAT(SchemaVersion(*db_), IsOkAndHolds(1));
  ASSERT_OK(Apply({kOne, kTwo}));
}

TEST_F(MigratorTest, TheShippedMigrationsApplyAndLeaveNoForeignKeyBroken) {
  ASSERT_OK(Migrate(*db_, Migrations(), Path("backup"), absl::FromUnixSeconds(1)));
  EXPECT_EQ(Count(*db_, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
  EXPECT_EQ(
      Count(*db_,
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND sql NOT LIKE '%STRICT%'"),
      0)
      << "every table is STRICT";
}

}  // namespace
}  // namespace shoal::store
