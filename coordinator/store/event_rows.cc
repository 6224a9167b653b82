#include "coordinator/store/event_rows.h"

#include "coordinator/store/proto_time.h"
#include "core/base/status.h"

namespace shoal::store {

absl::StatusOr<int64_t> InsertEvent(Database& db, const v1::Event& event, absl::Time now) {
  SHOAL_RETURN_IF_ERROR(db.Run(
      R"sql(INSERT INTO event (at_us, actor, kind, run_id, job_id, sweep_id, worker_id, attempt_number, from_state,
                               to_state, message)
            SELECT ?1, ?2, ?3, run_id, ?5, coalesce((SELECT sweep_id FROM run WHERE run.run_id = given.run_id), ?6),
                   ?7, ?8, ?9, ?10, ?11
            FROM (SELECT CASE WHEN ?4 = '' THEN coalesce((SELECT run_id FROM job WHERE job_id = ?5), '')
                              ELSE ?4 END AS run_id) AS given)sql",
      now, event.actor(), event.kind(), event.run_id(), event.job_id(), event.sweep_id(),
      event.worker_id(), event.attempt_number(), event.from_state(), event.to_state(),
      event.message()));
  return db.last_insert_id();
}

absl::StatusOr<std::vector<v1::Event>> ReadEvents(Database& db, int64_t after_event_id,
                                                  const std::string& run_id, int limit) {
  std::vector<v1::Event> events;
  const auto read = [&](const Statement& row) {
    v1::Event& event = events.emplace_back();
    event.set_event_id(row.Int(0));
    SetTimestamp(row.Time(1), event.mutable_at());
    event.set_actor(std::string(row.Text(2)));
    event.set_kind(std::string(row.Text(3)));
    event.set_run_id(std::string(row.Text(4)));
    event.set_job_id(std::string(row.Text(5)));
    event.set_sweep_id(std::string(row.Text(6)));
    event.set_worker_id(std::string(row.Text(7)));
    event.set_attempt_number(static_cast<int32_t>(row.Int(8)));
    event.set_from_state(std::string(row.Text(9)));
    event.set_to_state(std::string(row.Text(10)));
    event.set_message(std::string(row.Text(11)));
  };
  const absl::Status status =
      run_id.empty()
          ? db.ForEach(
                R"sql(SELECT event_id, at_us, actor, kind, run_id, job_id, sweep_id, worker_id, attempt_number,
                                    from_state, to_state, message
                             FROM event WHERE event_id > ? ORDER BY event_id LIMIT ?)sql",
                read, after_event_id, limit)
          : db.ForEach(
                R"sql(SELECT event_id, at_us, actor, kind, run_id, job_id, sweep_id, worker_id, attempt_number,
                                    from_state, to_state, message
                             FROM event WHERE run_id = ? AND event_id > ? ORDER BY event_id LIMIT ?)sql",
                read, run_id, after_event_id, limit);
  if (!status.ok()) return status;
  return events;
}

absl::StatusOr<absl::Time> InStateSince(Database& db, const std::string& run_id,
                                        const std::string& job_id) {
  absl::Time since = absl::InfinitePast();
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT at_us FROM event WHERE run_id = ? AND job_id = ?
              AND kind IN ('job.state', 'job.paused', 'job.resumed', 'job.retried')
            ORDER BY event_id DESC LIMIT 1)sql",
      [&](const Statement& row) { since = row.Time(0); }, run_id, job_id));
  return since;
}

absl::StatusOr<int64_t> LastEventId(Database& db) {
  int64_t id = 0;
  SHOAL_RETURN_IF_ERROR(db.ForEach("SELECT coalesce(max(event_id), 0) FROM event",
                                   [&](const Statement& row) { id = row.Int(0); }));
  return id;
}

}  // namespace shoal::store
