#include "coordinator/store/scheduler_rows.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {
namespace {

using scheduler::AttemptRecord;
using scheduler::JobRecord;
using scheduler::WorkerRecord;

// NULL stands for "not yet".
std::optional<absl::Time> OrNull(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) return std::nullopt;
  return time;
}
absl::Time OrPast(const Statement& row, int column) {
  return row.IsNull(column) ? absl::InfinitePast() : row.Time(column);
}

// An id that this program wrote; anything else is damage, reported once all rows are read.
template <typename IdType>
IdType ParseId(std::string_view text, absl::Status& status) {
  absl::StatusOr<IdType> id = IdType::Parse(text);
  if (id.ok()) return *std::move(id);
  status.Update(
      absl::DataLossError(StrCat("the database holds a broken id: ", id.status().message())));
  return IdType();
}

absl::Status ExpectOneRow(Database& db, std::string_view what) {
  if (db.changes() == 1) return absl::OkStatus();
  return absl::InternalError(StrCat("changed ", db.changes(), " rows instead of one: ", what));
}

}  // namespace

absl::Status InsertJob(Database& db, const JobRecord& job) {
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(INSERT INTO job (job_id, run_id, kind, submit_order, created_at_us, slots, memory_bytes, backend, dtype,
                             time_limit_us, max_attempts, idle_timeout_us,
                             state, state_reason, attempt_count, failures, losses, crashes_in_a_row,
                             takedowns_in_a_row, checkpoint_step, memory_above_bytes, stop, stop_reason)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0, 0, 0, 0, 0, 0, ''))sql",
      job.job_id.str(), job.run_id.str(), static_cast<int>(job.kind), job.submit_order,
      job.created_at, job.needs.slots, job.needs.memory_bytes, job.needs.backend, job.needs.dtype,
      absl::ToInt64Microseconds(job.needs.time_limit), job.needs.max_attempts,
      absl::ToInt64Microseconds(job.needs.idle_timeout), static_cast<int>(job.state)));
  return UpdateJob(db, job);
}

absl::Status UpdateJob(Database& db, const JobRecord& job) {
  const std::string numerics = job.numerics ? job.numerics->SerializeAsString() : "";
  std::optional<AsBlob> numerics_blob;
  if (job.numerics) numerics_blob = AsBlob{numerics};
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(UPDATE job SET state = ?, state_reason = ?, attempt_count = ?, failures = ?, losses = ?,
                           crashes_in_a_row = ?, takedowns_in_a_row = ?, checkpoint_step = ?, memory_above_bytes = ?,
                           not_before_us = ?, stop = ?, stop_reason = ?, paused = ?, numerics_class_pb = ?,
                           finished_at_us = ?, submit_order = ?
            WHERE job_id = ?)sql",
      static_cast<int>(job.state), job.state_reason, job.attempt_count, job.failures, job.losses,
      job.crashes_in_a_row, job.takedowns_in_a_row, job.checkpoint_step, job.memory_above_bytes,
      OrNull(job.not_before), static_cast<int>(job.stop), job.stop_reason,
      static_cast<int>(job.paused), numerics_blob, OrNull(job.finished_at), job.submit_order,
      job.job_id.str()));
  return ExpectOneRow(db, "job");
}

absl::Status InsertAttempt(Database& db, const AttemptRecord& attempt) {
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(INSERT INTO attempt (job_id, attempt_number, worker_id, instance_id, slots, memory_bytes, state,
                                 failure_class, message, leased_at_us, finished_at_us, resumed_from_step,
                                 host, isa, build_id)
            SELECT ?, ?, worker_id, ?, ?, ?, ?, ?, ?, ?, ?, ?, host, isa, build_id FROM worker WHERE worker_id = ?)sql",
      attempt.key.job_id.str(), attempt.key.attempt_number, attempt.instance_id, attempt.slots,
      attempt.memory_bytes, static_cast<int>(attempt.state),
      static_cast<int>(attempt.failure_class), attempt.message, attempt.leased_at,
      OrNull(attempt.finished_at), attempt.resumed_from_step, attempt.worker_id.str()));
  return ExpectOneRow(db, "attempt");
}

absl::Status UpdateAttempt(Database& db, const AttemptRecord& attempt) {
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(UPDATE attempt SET state = ?, failure_class = ?, message = ?, finished_at_us = ?, resumed_from_step = ?
            WHERE job_id = ? AND attempt_number = ?)sql",
      static_cast<int>(attempt.state), static_cast<int>(attempt.failure_class), attempt.message,
      OrNull(attempt.finished_at), attempt.resumed_from_step, attempt.key.job_id.str(),
      attempt.key.attempt_number));
  return ExpectOneRow(db, "attempt");
}

absl::Status PutWorker(Database& db, const WorkerRecord& worker) {
  v1::Worker description;
  *description.mutable_host() = worker.host;
  for (const v1::BackendInfo& backend : worker.backends) *description.add_backends() = backend;
  return db.Run(
      R"sql(INSERT INTO worker (worker_id, name, state, instance_id, host, isa, build_id, slots, registered_at_us,
                                worker_pb, drained)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (worker_id) DO UPDATE SET state = excluded.state, instance_id = excluded.instance_id,
              host = excluded.host, isa = excluded.isa, build_id = excluded.build_id, slots = excluded.slots,
              registered_at_us = excluded.registered_at_us, worker_pb = excluded.worker_pb,
              drained = excluded.drained)sql",
      worker.worker_id.str(), worker.name, static_cast<int>(worker.state), worker.instance_id,
      worker.host.host(), worker.host.isa(), worker.build_id, worker.slots, worker.registered_at,
      AsBlob{description.SerializeAsString()}, static_cast<int>(worker.drained));
}

absl::Status SetWorkerDrained(Database& db, const WorkerId& worker_id, bool drained) {
  SHOAL_RETURN_IF_ERROR(db.Run("UPDATE worker SET drained = ? WHERE worker_id = ?",
                               static_cast<int>(drained), worker_id.str()));
  return ExpectOneRow(db, "worker");
}

absl::Status UpdateWorkerState(Database& db, const WorkerId& worker_id, v1::WorkerState state) {
  SHOAL_RETURN_IF_ERROR(db.Run("UPDATE worker SET state = ? WHERE worker_id = ?",
                               static_cast<int>(state), worker_id.str()));
  return ExpectOneRow(db, "worker");
}

absl::Status RaiseCheckpointStep(Database& db, const JobId& job_id, int64_t step) {
  return db.Run("UPDATE job SET checkpoint_step = max(checkpoint_step, ?) WHERE job_id = ?", step,
                job_id.str());
}

absl::Status CountStaleReport(Database& db) {
  return db.Run("UPDATE meta SET value = value + 1 WHERE key = 'refused_stale_reports'");
}

namespace {

constexpr char kJobColumns[] =
    R"sql(job_id, run_id, kind, submit_order, created_at_us, slots, memory_bytes, backend, dtype, time_limit_us,
          max_attempts, idle_timeout_us, state, state_reason, attempt_count, failures, losses, crashes_in_a_row,
          takedowns_in_a_row, checkpoint_step, memory_above_bytes, not_before_us, stop, stop_reason, paused,
          numerics_class_pb, finished_at_us)sql";

// A row of kJobColumns.
JobRecord ReadJob(const Statement& row, absl::Status& status) {
  JobRecord job;
  job.job_id = ParseId<JobId>(row.Text(0), status);
  job.run_id = ParseId<RunId>(row.Text(1), status);
  job.kind = static_cast<v1::JobKind>(row.Int(2));
  job.submit_order = row.Int(3);
  job.created_at = row.Time(4);
  job.needs.slots = static_cast<int32_t>(row.Int(5));
  job.needs.memory_bytes = row.Int(6);
  job.needs.backend = row.Text(7);
  job.needs.dtype = row.Text(8);
  job.needs.time_limit = absl::Microseconds(row.Int(9));
  job.needs.max_attempts = static_cast<int32_t>(row.Int(10));
  job.needs.idle_timeout = absl::Microseconds(row.Int(11));
  job.state = static_cast<v1::JobState>(row.Int(12));
  job.state_reason = row.Text(13);
  job.attempt_count = static_cast<int32_t>(row.Int(14));
  job.failures = static_cast<int32_t>(row.Int(15));
  job.losses = static_cast<int32_t>(row.Int(16));
  job.crashes_in_a_row = static_cast<int32_t>(row.Int(17));
  job.takedowns_in_a_row = static_cast<int32_t>(row.Int(18));
  job.checkpoint_step = row.Int(19);
  job.memory_above_bytes = row.Int(20);
  job.not_before = OrPast(row, 21);
  job.stop = static_cast<scheduler::StopWish>(row.Int(22));
  job.stop_reason = row.Text(23);
  job.paused = row.Int(24) != 0;
  if (!row.IsNull(25)) job.numerics.emplace().ParseFromString(std::string(row.Blob(25)));
  job.finished_at = OrPast(row, 26);
  return job;
}

// A row of run_id, coalesce(sweep_id, ''), name.
scheduler::RunRecord ReadRun(const Statement& row, absl::Status& status) {
  scheduler::RunRecord run;
  run.run_id = ParseId<RunId>(row.Text(0), status);
  if (!row.Text(1).empty()) run.sweep_id = ParseId<SweepId>(row.Text(1), status);
  run.name = row.Text(2);
  return run;
}

absl::Status LoadJobs(Database& db, scheduler::StateImage& image) {
  absl::Status status;
  SHOAL_RETURN_IF_ERROR(
      db.ForEach(StrCat("SELECT ", kJobColumns, " FROM job WHERE state IN (1, 2)"),
                 [&](const Statement& row) { image.jobs.push_back(ReadJob(row, status)); }));
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT run_id, coalesce(sweep_id, ''), name FROM run
            WHERE run_id IN (SELECT run_id FROM job WHERE state IN (1, 2)))sql",
      [&](const Statement& row) { image.runs.push_back(ReadRun(row, status)); }));
  return status;
}

absl::Status LoadAttempts(Database& db, scheduler::StateImage& image) {
  absl::Status status;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT attempt.job_id, attempt_number, job.run_id, attempt.worker_id, worker.name, attempt.instance_id,
                   attempt.slots, attempt.memory_bytes, leased_at_us, attempt.state, failure_class, message,
                   resumed_from_step
            FROM attempt JOIN job USING (job_id) JOIN worker USING (worker_id) WHERE attempt.state IN (1, 2))sql",
      [&](const Statement& row) {
        AttemptRecord attempt;
        attempt.key.job_id = ParseId<JobId>(row.Text(0), status);
        attempt.key.attempt_number = static_cast<int32_t>(row.Int(1));
        attempt.run_id = ParseId<RunId>(row.Text(2), status);
        attempt.worker_id = ParseId<WorkerId>(row.Text(3), status);
        attempt.worker_name = row.Text(4);
        attempt.instance_id = row.Text(5);
        attempt.slots = static_cast<int32_t>(row.Int(6));
        attempt.memory_bytes = row.Int(7);
        attempt.leased_at = row.Time(8);
        attempt.state = static_cast<v1::AttemptState>(row.Int(9));
        attempt.failure_class = static_cast<v1::FailureClass>(row.Int(10));
        attempt.message = row.Text(11);
        attempt.resumed_from_step = row.Int(12);
        image.attempts.push_back(std::move(attempt));
      }));
  return status;
}

absl::Status LoadWorkers(Database& db, scheduler::StateImage& image) {
  absl::Status status;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT worker_id, name, state, instance_id, slots, build_id, registered_at_us, worker_pb, "
      "drained FROM worker",
      [&](const Statement& row) {
        WorkerRecord worker;
        worker.worker_id = ParseId<WorkerId>(row.Text(0), status);
        worker.name = row.Text(1);
        worker.state = static_cast<v1::WorkerState>(row.Int(2));
        worker.instance_id = row.Text(3);
        worker.slots = static_cast<int32_t>(row.Int(4));
        worker.build_id = row.Text(5);
        worker.registered_at = row.Time(6);
        worker.drained = row.Int(8) != 0;
        v1::Worker description;
        description.ParseFromString(std::string(row.Blob(7)));
        worker.host = description.host();
        worker.backends.assign(description.backends().begin(), description.backends().end());
        image.workers.push_back(std::move(worker));
      }));
  return status;
}

}  // namespace

absl::StatusOr<std::vector<scheduler::EndedJob>> LoadEndedJobs(Database& db,
                                                               const std::string& run_id) {
  absl::Status status;
  std::vector<scheduler::EndedJob> ended;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      StrCat("SELECT ", kJobColumns, " FROM job WHERE run_id = ? AND state NOT IN (1, 2)"),
      [&](const Statement& row) { ended.emplace_back().job = ReadJob(row, status); }, run_id));
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT run_id, coalesce(sweep_id, ''), name FROM run WHERE run_id = ?",
      [&](const Statement& row) {
        for (scheduler::EndedJob& job : ended) job.run = ReadRun(row, status);
      },
      run_id));
  if (!status.ok()) return status;
  return ended;
}

absl::StatusOr<scheduler::StateImage> LoadStateImage(Database& db) {
  scheduler::StateImage image;
  SHOAL_RETURN_IF_ERROR(LoadJobs(db, image), "reading jobs");
  SHOAL_RETURN_IF_ERROR(LoadAttempts(db, image), "reading attempts");
  SHOAL_RETURN_IF_ERROR(LoadWorkers(db, image), "reading workers");
  SHOAL_RETURN_IF_ERROR(db.ForEach("SELECT request_id FROM request", [&](const Statement& row) {
    image.request_ids.emplace_back(row.Text(0));
  }));
  SHOAL_RETURN_IF_ERROR(
      db.ForEach("SELECT coalesce(max(submit_order), 0) + 1 FROM job",
                 [&](const Statement& row) { image.next_submit_order = row.Int(0); }));
  SHOAL_RETURN_IF_ERROR(
      db.ForEach("SELECT value FROM meta WHERE key = 'refused_stale_reports'",
                 [&](const Statement& row) { image.refused_stale_reports = row.Int(0); }));
  return image;
}

}  // namespace shoal::store
