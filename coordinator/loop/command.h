// A command is one thing that someone asks of the lab: it is decided and written inside a
// transaction that it shares with the other commands of its batch, and answered once that
// transaction has ended.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/scheduler/decide.h"
#include "coordinator/store/database.h"
#include "coordinator/store/report_writer.h"
#include "coordinator/store/sweep_rows.h"
#include "core/base/clock.h"
#include "shoal/v1/event.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::loop {

class RunsTable;

// What a command may use while its transaction is open. Loop thread only.
class Step {
 public:
  virtual ~Step() = default;

  // Asks the scheduler, and writes what it decided. The decision's `answer` is for the command to
  // pass on; an error here is the disk's.
  virtual absl::StatusOr<scheduler::Decision> Decide(const scheduler::Event& event) = 0;
  // The state with everything that this transaction has changed so far.
  virtual const scheduler::State& ahead() const = 0;
  // The database with the same; only to be read.
  virtual store::Database& reading() = 0;
  // The same inside the transaction, to be written.
  virtual absl::StatusOr<store::Database*> writing() = 0;
  virtual store::ReportWriter& reports() = 0;
  // Adds a line to the event log.
  virtual absl::Status WriteEvent(v1::Event event) = 0;
  // A name for a run or sweep that nothing in the lab has: `base`, or `base`.2, `base`.3 ...
  virtual absl::StatusOr<std::string> UniqueName(const std::string& base) = 0;

  // To be done after the commit.
  virtual void RunChanged(const std::string& run_id) = 0;
  virtual void SweepChanged(v1::Sweep sweep, std::vector<store::SweepMember> members) = 0;
  virtual void RemoveArtifact(const std::string& sha256) = 0;

  virtual absl::Time now() const = 0;      // the scheduler's steady time
  virtual const Clock& clock() const = 0;  // for ids
};

// What a command may look at when it answers: the committed state. Loop thread only.
struct View {
  const scheduler::Config& config;
  const scheduler::State& state;
  const RunsTable& runs;
  store::Database& db;  // only to be read
  absl::Time now;
};

class Command {
 public:
  virtual ~Command() = default;

  // Decides and writes. An error is the disk's: everything of the transaction is undone. What the
  // caller is to be told otherwise is the command's own to keep. May be called again after an
  // undone transaction.
  virtual absl::Status Execute(Step& step) = 0;

  // Answers. `committed`: OK when what Execute did has been committed, else why not. Called exactly
  // once; must not wait.
  virtual void Finish(const absl::Status& committed, const View& view) = 0;
};

}  // namespace shoal::loop
