#include "coordinator/store/run_rows.h"

#include <limits>
#include <map>
#include <set>

#include "coordinator/store/lines.h"
#include "coordinator/store/proto_time.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fingerprint.h"
#include "core/spec/run_status.h"

namespace shoal::store {
namespace {

double RealOr(const Statement& row, int column, double otherwise) {
  return row.IsNull(column) ? otherwise : row.Real(column);
}

absl::Status LoadMetrics(Database& db, v1::Run& run) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  return db.ForEach(
      R"sql(SELECT series.name, last, last_step, last_wall_time_us, min, min_step, max, max_step, count, not_finite,
                   sum
            FROM metric_summary JOIN series USING (series_id) WHERE run_id = ?)sql",
      [&](const Statement& row) {
        v1::MetricSummary& summary = (*run.mutable_metrics())[std::string(row.Text(0))];
        summary.set_last(RealOr(row, 1, kNan));
        summary.set_last_step(row.Int(2));
        summary.set_last_wall_time_us(row.Int(3));
        summary.set_min(RealOr(row, 4, kNan));
        summary.set_min_step(row.Int(5));
        summary.set_max(RealOr(row, 6, kNan));
        summary.set_max_step(row.Int(7));
        summary.set_count(row.Int(8));
        summary.set_not_finite(row.Int(9));
        if (!row.IsNull(10) && summary.count() > summary.not_finite()) {
          summary.set_mean(row.Real(10) /
                           static_cast<double>(summary.count() - summary.not_finite()));
        }
      },
      run.run_id());
}

// Status, times and cost follow from jobs and attempts; serve jobs do not count.
absl::Status LoadProgress(Database& db, v1::Run& run) {
  std::vector<v1::Job> jobs;
  absl::Time finished = absl::InfinitePast();
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT kind, state, state_reason, finished_at_us, numerics_class_pb, paused FROM job "
      "WHERE run_id = ?",
      [&](const Statement& row) {
        v1::Job& job = jobs.emplace_back();
        job.set_kind(static_cast<v1::JobKind>(row.Int(0)));
        job.set_state(static_cast<v1::JobState>(row.Int(1)));
        job.set_paused(row.Int(5) != 0);
        if (job.kind() == v1::JOB_KIND_SERVE) return;
        if (!row.Text(2).empty()) run.set_status_reason(std::string(row.Text(2)));
        if (!row.IsNull(3)) finished = std::max(finished, row.Time(3));
        if (!row.IsNull(4)) run.mutable_numerics()->ParseFromString(std::string(row.Blob(4)));
      },
      run.run_id()));
  run.set_status(spec::StatusOfRun(jobs));
  if (spec::IsFinal(run.status())) SetTimestamp(finished, run.mutable_finished_at());
  // A lost attempt ended long after its last word.
  return db.ForEach(
      R"sql(SELECT min(leased_at_us),
                   coalesce(sum(CASE WHEN attempt.state = ?2 THEN coalesce(reported_at_us, leased_at_us)
                                     ELSE coalesce(attempt.finished_at_us, leased_at_us) END - leased_at_us), 0),
                   coalesce(max(peak_memory_bytes), 0)
            FROM attempt JOIN job USING (job_id) WHERE run_id = ?1 AND kind <> ?3)sql",
      [&](const Statement& row) {
        if (!row.IsNull(0)) SetTimestamp(row.Time(0), run.mutable_started_at());
        run.set_compute_seconds(static_cast<double>(row.Int(1)) * 1e-6);
        run.set_peak_memory_bytes(row.Int(2));
      },
      run.run_id(), static_cast<int>(v1::ATTEMPT_STATE_LOST), static_cast<int>(v1::JOB_KIND_SERVE));
}

}  // namespace

bool NameTaken(Database& db, const std::string& run_name) {
  bool taken = false;
  const absl::Status status = db.ForEach(
      "SELECT 1 FROM run WHERE name = ?", [&](const Statement&) { taken = true; }, run_name);
  return taken || !status.ok();
}

absl::StatusOr<std::vector<std::string>> MissingArtifacts(
    Database& db, const std::vector<v1::DataBinding>& bindings) {
  std::set<std::string> missing;
  for (const v1::DataBinding& binding : bindings) {
    bool found = false;
    SHOAL_RETURN_IF_ERROR(db.ForEach(
        "SELECT 1 FROM artifact WHERE sha256 = ?", [&](const Statement&) { found = true; },
        binding.sha256()));
    if (!found) missing.insert(binding.sha256());
  }
  return std::vector<std::string>(missing.begin(), missing.end());
}

absl::Status InsertRun(Database& db, const NewRunRow& row) {
  const v1::Run& run = row.run;
  const absl::Time created = FromTimestamp(run.created_at());
  SHOAL_RETURN_IF_ERROR(
      db.Run("INSERT INTO experiment (name, created_at_us, submitted_by) VALUES (?, ?, ?) ON "
             "CONFLICT DO NOTHING",
             run.experiment(), created, run.submitted_by()));
  std::optional<std::string> sweep_id;
  if (!run.sweep_id().empty()) sweep_id = run.sweep_id();
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(INSERT INTO run (run_id, name, experiment, sweep_id, trial_index, created_at_us, submitted_by,
                             submitted_from, build_id, command, run_spec_pb, canonical_spec, request_digest,
                             fingerprint, parameters, total_steps, differing, train_flops, memory_bytes, dataset)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?))sql",
      run.run_id(), run.name(), run.experiment(), sweep_id, run.trial_index(), created,
      run.submitted_by(), run.submitted_from(), run.build_id(), row.command,
      AsBlob{row.spec.SerializeAsString()}, row.canonical_spec, run.request_digest(),
      run.parameters(), run.total_steps(), JoinLines(run.differing()), run.train_flops(),
      run.memory_bytes(), run.dataset()));
  std::map<int, int> places;  // next one of each role
  for (const v1::DataBinding& binding : row.bindings) {
    const int role = static_cast<int>(binding.role());
    SHOAL_RETURN_IF_ERROR(
        db.Run("INSERT INTO data_binding (run_id, role, place, sha256, size_bytes, file_name) "
               "VALUES (?, ?, ?, ?, ?, ?)",
               run.run_id(), role, places[role]++, binding.sha256(), binding.size_bytes(),
               binding.file_name()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Run> LoadRun(Database& db, const std::string& run_id) {
  v1::Run run;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT name, experiment, coalesce(sweep_id, ''), trial_index, created_at_us, submitted_by, submitted_from,
                   build_id, request_digest, fingerprint, parameters, total_steps, differing, step, run_spec_pb,
                   train_flops, memory_bytes, dataset, rowid
            FROM run WHERE run_id = ?)sql",
      [&](const Statement& row) {
        run.set_run_id(run_id);
        run.set_name(std::string(row.Text(0)));
        run.set_experiment(std::string(row.Text(1)));
        run.set_sweep_id(std::string(row.Text(2)));
        run.set_trial_index(static_cast<int32_t>(row.Int(3)));
        SetTimestamp(row.Time(4), run.mutable_created_at());
        run.set_submitted_by(std::string(row.Text(5)));
        run.set_submitted_from(std::string(row.Text(6)));
        run.set_build_id(std::string(row.Text(7)));
        run.set_request_digest(std::string(row.Text(8)));
        run.set_fingerprint(std::string(row.Text(9)));
        run.set_parameters(row.Int(10));
        run.set_total_steps(row.Int(11));
        SplitLines(row.Text(12), [&](std::string line) { run.add_differing(std::move(line)); });
        run.set_step(row.Int(13));
        v1::RunSpec spec;
        spec.ParseFromString(std::string(row.Blob(14)));
        *run.mutable_tags() = spec.tags();
        run.set_note(spec.note());
        run.set_train_flops(row.Real(15));
        run.set_memory_bytes(row.Int(16));
        run.set_dataset(std::string(row.Text(17)));
        run.set_number(row.Int(18));
      },
      run_id));
  if (run.run_id().empty()) return absl::NotFoundError(StrCat("there is no run ", run_id));
  SHOAL_RETURN_IF_ERROR(LoadProgress(db, run));
  SHOAL_RETURN_IF_ERROR(LoadMetrics(db, run));
  return run;
}

absl::StatusOr<std::vector<std::string>> LoadRunIds(Database& db) {
  std::vector<std::string> ids;
  SHOAL_RETURN_IF_ERROR(db.ForEach("SELECT run_id FROM run ORDER BY rowid",
                                   [&](const Statement& row) { ids.emplace_back(row.Text(0)); }));
  return ids;
}

absl::StatusOr<v1::RunSpec> LoadSpec(Database& db, const std::string& run_id) {
  v1::RunSpec spec;
  bool found = false;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT run_spec_pb FROM run WHERE run_id = ?",
      [&](const Statement& row) { found = spec.ParseFromString(std::string(row.Blob(0))); },
      run_id));
  if (!found) return absl::NotFoundError(StrCat("there is no run ", run_id));
  return spec;
}

absl::StatusOr<std::vector<v1::DataBinding>> LoadBindings(Database& db, const std::string& run_id) {
  std::vector<v1::DataBinding> bindings;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT role, sha256, size_bytes, file_name FROM data_binding WHERE run_id = ? ORDER BY "
      "role, place",
      [&](const Statement& row) {
        v1::DataBinding& binding = bindings.emplace_back();
        binding.set_role(static_cast<v1::BindingRole>(row.Int(0)));
        binding.set_sha256(std::string(row.Text(1)));
        binding.set_size_bytes(row.Int(2));
        binding.set_file_name(std::string(row.Text(3)));
      },
      run_id));
  return bindings;
}

absl::StatusOr<v1::RunDetail> LoadInputs(Database& db, const std::string& run_id) {
  v1::RunDetail detail;
  bool found = false;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT run_spec_pb, canonical_spec FROM run WHERE run_id = ?",
      [&](const Statement& row) {
        found = detail.mutable_spec()->ParseFromString(std::string(row.Blob(0)));
        detail.set_canonical_spec(std::string(row.Text(1)));
      },
      run_id));
  if (!found) return absl::NotFoundError(StrCat("there is no run ", run_id));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::DataBinding> bindings, LoadBindings(db, run_id));
  detail.mutable_bindings()->Add(bindings.begin(), bindings.end());
  return detail;
}

absl::Status FixFingerprint(Database& db, const std::string& run_id,
                            const v1::NumericsClass& numerics) {
  std::string digest;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT request_digest FROM run WHERE run_id = ? AND fingerprint = ''",
      [&](const Statement& row) { digest = row.Text(0); }, run_id));
  if (digest.empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(const std::string fingerprint, spec::Fingerprint(digest, numerics));
  return db.Run("UPDATE run SET fingerprint = ? WHERE run_id = ?", fingerprint, run_id);
}

}  // namespace shoal::store
