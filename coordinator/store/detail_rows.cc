#include "coordinator/store/detail_rows.h"

#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"

namespace shoal::store {
namespace {

absl::Status LoadJobs(Database& db, v1::RunDetail& detail) {
  return db.ForEach(
      R"sql(SELECT job_id, kind, state, state_reason, attempt_count, created_at_us, finished_at_us, numerics_class_pb, paused
            FROM job WHERE run_id = ? ORDER BY submit_order)sql",
      [&](const Statement& row) {
        v1::Job& job = *detail.add_jobs();
        job.set_job_id(std::string(row.Text(0)));
        job.set_run_id(detail.run().run_id());
        job.set_kind(static_cast<v1::JobKind>(row.Int(1)));
        job.set_state(static_cast<v1::JobState>(row.Int(2)));
        job.set_state_reason(std::string(row.Text(3)));
        job.set_attempt_count(static_cast<int32_t>(row.Int(4)));
        SetTimestamp(row.Time(5), job.mutable_created_at());
        if (!row.IsNull(6)) SetTimestamp(row.Time(6), job.mutable_finished_at());
        job.set_paused(row.Int(8) != 0);
        if (!row.IsNull(7)) job.mutable_numerics()->ParseFromString(std::string(row.Blob(7)));
        if (job.kind() != v1::JOB_KIND_SERVE && job.has_numerics())
          *detail.mutable_numerics() = job.numerics();
      },
      detail.run().run_id());
}

absl::Status LoadAttempts(Database& db, v1::RunDetail& detail) {
  return db.ForEach(
      R"sql(SELECT attempt.job_id, attempt_number, attempt.worker_id, worker.name, attempt.state, failure_class,
                   message, leased_at_us, attempt.finished_at_us, resumed_from_step, attempt.host, attempt.isa,
                   attempt.build_id, peak_memory_bytes
            FROM attempt JOIN job USING (job_id) JOIN worker USING (worker_id)
            WHERE job.run_id = ? ORDER BY attempt_id)sql",
      [&](const Statement& row) {
        v1::Attempt& attempt = *detail.add_attempts();
        attempt.set_job_id(std::string(row.Text(0)));
        attempt.set_attempt_number(static_cast<int32_t>(row.Int(1)));
        attempt.set_worker_id(std::string(row.Text(2)));
        attempt.set_worker_name(std::string(row.Text(3)));
        attempt.set_state(static_cast<v1::AttemptState>(row.Int(4)));
        attempt.set_failure_class(static_cast<v1::FailureClass>(row.Int(5)));
        attempt.set_message(std::string(row.Text(6)));
        SetTimestamp(row.Time(7), attempt.mutable_leased_at());
        if (!row.IsNull(8)) SetTimestamp(row.Time(8), attempt.mutable_finished_at());
        attempt.set_resumed_from_step(row.Int(9));
        attempt.set_host(std::string(row.Text(10)));
        attempt.set_isa(std::string(row.Text(11)));
        attempt.set_build_id(std::string(row.Text(12)));
        attempt.set_peak_memory_bytes(row.Int(13));
      },
      detail.run().run_id());
}

// Samples follow the rule of points: what a resume makes obsolete is hidden.
absl::Status LoadSamples(Database& db, v1::RunDetail& detail) {
  return db.ForEach(
      R"sql(SELECT sample.step, prompt, text FROM sample JOIN attempt USING (attempt_id)
            WHERE sample.run_id = ?
              AND (attempt.superseded_after_step IS NULL OR sample.step <= attempt.superseded_after_step)
            ORDER BY sample_id)sql",
      [&](const Statement& row) {
        v1::Sample& sample = *detail.add_samples();
        sample.set_step(row.Int(0));
        sample.set_prompt(std::string(row.Text(1)));
        sample.set_text(std::string(row.Text(2)));
      },
      detail.run().run_id());
}

}  // namespace

absl::StatusOr<v1::RunDetail> LoadRunDetail(Database& db, const std::string& run_id) {
  v1::RunDetail detail;
  SHOAL_ASSIGN_OR_RETURN(*detail.mutable_run(), LoadRun(db, run_id));
  SHOAL_ASSIGN_OR_RETURN(*detail.mutable_spec(), LoadSpec(db, run_id));
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT canonical_spec FROM run WHERE run_id = ?",
      [&](const Statement& row) { detail.set_canonical_spec(std::string(row.Text(0))); }, run_id));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::DataBinding> bindings, LoadBindings(db, run_id));
  detail.mutable_bindings()->Add(bindings.begin(), bindings.end());
  SHOAL_RETURN_IF_ERROR(LoadJobs(db, detail));
  SHOAL_RETURN_IF_ERROR(LoadAttempts(db, detail));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Checkpoint> checkpoints,
                         LoadCheckpoints(db, run_id));
  detail.mutable_checkpoints()->Add(checkpoints.begin(), checkpoints.end());
  SHOAL_RETURN_IF_ERROR(LoadSamples(db, detail));
  return detail;
}

absl::StatusOr<std::vector<LogRow>> ReadLogs(Database& db, const std::string& run_id,
                                             int attempt_number, int64_t after_log_id, int limit) {
  std::vector<LogRow> rows;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT log_id, attempt_number, wall_time_us, level, text FROM log JOIN attempt USING (attempt_id)
            WHERE log.run_id = ?1 AND log_id > ?2 AND (?3 = 0 OR attempt_number = ?3)
            ORDER BY log_id LIMIT ?4)sql",
      [&](const Statement& row) {
        LogRow& log = rows.emplace_back();
        log.log_id = row.Int(0);
        log.line.set_attempt_number(static_cast<int32_t>(row.Int(1)));
        log.line.mutable_line()->set_wall_time_us(row.Int(2));
        log.line.mutable_line()->set_level(std::string(row.Text(3)));
        log.line.mutable_line()->set_text(std::string(row.Text(4)));
      },
      run_id, after_log_id, attempt_number, limit));
  return rows;
}

}  // namespace shoal::store
