#include "coordinator/store/sweep_rows.h"

#include "coordinator/store/lines.h"
#include "coordinator/store/proto_time.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fingerprint.h"

namespace shoal::store {
absl::Status InsertSweep(Database& db, const v1::Sweep& sweep, const v1::SweepSpec& spec,
                         const v1::Submitter& submitter) {
  return db.Run(
      R"sql(INSERT INTO sweep (sweep_id, name, created_at_us, submitted_by, submitted_from, build_id, command, run_count,
                               sweep_spec_pb, varied)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))sql",
      sweep.sweep_id(), sweep.name(), FromTimestamp(sweep.created_at()), sweep.submitted_by(),
      submitter.host(), submitter.build_id(), submitter.command(), sweep.run_count(),
      AsBlob{spec.SerializeAsString()}, JoinLines(sweep.varied()));
}

absl::Status UpdateSweep(Database& db, const v1::Sweep& sweep, const v1::SweepSpec& spec) {
  return db.Run("UPDATE sweep SET run_count = ?, sweep_spec_pb = ?, varied = ? WHERE sweep_id = ?",
                sweep.run_count(), AsBlob{spec.SerializeAsString()}, JoinLines(sweep.varied()),
                sweep.sweep_id());
}

absl::Status InsertMember(Database& db, const SweepMember& member) {
  return db.Run(
      "INSERT INTO sweep_run (sweep_id, trial_index, run_id, differing, reused) VALUES (?, ?, ?, "
      "?, ?)",
      member.sweep_id, member.trial_index, member.run_id, JoinLines(member.differing),
      member.reused);
}

absl::Status UpdateMember(Database& db, const SweepMember& member) {
  return db.Run("UPDATE sweep_run SET differing = ? WHERE sweep_id = ? AND trial_index = ?",
                JoinLines(member.differing), member.sweep_id, member.trial_index);
}

absl::StatusOr<std::vector<v1::Sweep>> LoadSweeps(Database& db) {
  std::vector<v1::Sweep> sweeps;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT sweep_id, name, created_at_us, submitted_by, run_count, varied FROM sweep "
      "ORDER BY rowid DESC",
      [&](const Statement& row) {
        v1::Sweep& sweep = sweeps.emplace_back();
        sweep.set_sweep_id(std::string(row.Text(0)));
        sweep.set_name(std::string(row.Text(1)));
        SetTimestamp(row.Time(2), sweep.mutable_created_at());
        sweep.set_submitted_by(std::string(row.Text(3)));
        sweep.set_run_count(static_cast<int32_t>(row.Int(4)));
        SplitLines(row.Text(5), [&](std::string line) { sweep.add_varied(std::move(line)); });
      }));
  return sweeps;
}

absl::StatusOr<v1::SweepSpec> LoadSweepSpec(Database& db, const std::string& sweep_id) {
  v1::SweepSpec spec;
  bool found = false;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT sweep_spec_pb FROM sweep WHERE sweep_id = ?",
      [&](const Statement& row) { found = spec.ParseFromString(std::string(row.Blob(0))); },
      sweep_id));
  if (!found) return absl::NotFoundError(StrCat("there is no sweep ", sweep_id));
  return spec;
}

absl::StatusOr<std::vector<SweepMember>> LoadMembers(Database& db, const std::string& sweep_id) {
  std::vector<SweepMember> members;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT sweep_id, trial_index, run_id, differing, reused FROM sweep_run
            WHERE ?1 = '' OR sweep_id = ?1 ORDER BY sweep_id, trial_index)sql",
      [&](const Statement& row) {
        SweepMember& member = members.emplace_back();
        member.sweep_id = row.Text(0);
        member.trial_index = static_cast<int32_t>(row.Int(1));
        member.run_id = row.Text(2);
        SplitLines(row.Text(3),
                   [&](std::string line) { member.differing.push_back(std::move(line)); });
        member.reused = row.Int(4) != 0;
      },
      sweep_id));
  return members;
}

absl::StatusOr<std::optional<std::string>> FindReusable(Database& db,
                                                        const std::string& request_digest,
                                                        const v1::RunSpec& spec) {
  std::optional<std::string> newest;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT run_id, run_spec_pb, numerics_class_pb FROM run JOIN job USING (run_id)
            WHERE request_digest = ?1 AND job.kind = ?2 AND job.state = ?3 AND numerics_class_pb IS NOT NULL
            ORDER BY run.rowid DESC)sql",
      [&](const Statement& row) {
        v1::RunSpec computed;
        v1::NumericsClass numerics;
        if (newest || !computed.ParseFromString(std::string(row.Blob(1))) ||
            !numerics.ParseFromString(std::string(row.Blob(2)))) {
          return;
        }
        if (spec::MayStandFor(numerics, computed.resources(), spec.resources()))
          newest = row.Text(0);
      },
      request_digest, static_cast<int>(v1::JOB_KIND_TRAIN),
      static_cast<int>(v1::JOB_STATE_SUCCEEDED)));
  return newest;
}

}  // namespace shoal::store
