// The one door to the database for changes. What the scheduler decided and what a report brought
// are written through the same WriteTransaction, and only its successful Commit makes the
// CommittedUpdates that memory accepts.
//
// BEGIN happens at the first write that needs the disk: a batch of lease renewals costs no
// transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/scheduler/committed_updates.h"
#include "coordinator/scheduler/decide.h"
#include "coordinator/store/database.h"
#include "shoal/v1/event.pb.h"

namespace shoal::store {

// Loop thread only. Dropped without Commit: rolled back.
class WriteTransaction {
 public:
  explicit WriteTransaction(Database& db) : db_(db) {}
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  // The connection, inside the transaction.
  absl::StatusOr<Database*> Open();

  // Writes the decision's durable updates and their lines of the event log, dated `now`. RunAdded
  // and RequestRecorded stand for rows that only the submitter can make (run_rows.h,
  // request_rows.h).
  absl::Status Write(const scheduler::Decision& decision, absl::Time now);
  // Appends a line to the event log; its event_id is given.
  absl::Status WriteEvent(v1::Event event, absl::Time now);

  // On error nothing is kept.
  absl::StatusOr<scheduler::CommittedUpdates> Commit();
  // Undoes everything, now.
  void RollBack() { transaction_.reset(); }

  // The newest event written here; 0: none.
  int64_t last_event_id() const { return last_event_id_; }

 private:
  absl::Status WriteUpdate(const scheduler::Update& update, const std::string& actor,
                           absl::Time now);

  Database& db_;
  std::optional<Transaction> transaction_;
  std::vector<scheduler::Update> updates_;
  int64_t last_event_id_ = 0;
};

}  // namespace shoal::store
