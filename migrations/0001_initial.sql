-- The lab's memory. Tables are the nouns of proto/shoal/v1, in the singular; *_us are microseconds UTC since 1970;
-- states and kinds are the numbers of the proto enums; *_pb is a serialized message of the name before it.
-- Rows of curves, logs, samples and events are only ever added; what a resume makes obsolete is hidden, not deleted.

-- Facts about this database.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('refused_stale_reports', 0);

CREATE TABLE experiment (
  name          TEXT PRIMARY KEY,
  created_at_us INTEGER NOT NULL,
  submitted_by  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sweep (
  sweep_id       TEXT PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  created_at_us  INTEGER NOT NULL,
  submitted_by   TEXT NOT NULL,
  submitted_from TEXT NOT NULL,
  build_id       TEXT NOT NULL,        -- of the client
  command        TEXT NOT NULL,
  run_count      INTEGER NOT NULL,
  sweep_spec_pb  BLOB NOT NULL,        -- as asked
  varied         TEXT NOT NULL         -- field paths, one a line
) STRICT;

CREATE TABLE run (
  run_id         TEXT PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  experiment     TEXT NOT NULL REFERENCES experiment (name),
  sweep_id       TEXT REFERENCES sweep (sweep_id),  -- NULL: launched alone
  trial_index    INTEGER NOT NULL,
  created_at_us  INTEGER NOT NULL,
  submitted_by   TEXT NOT NULL,
  submitted_from TEXT NOT NULL,        -- host
  build_id       TEXT NOT NULL,        -- of the client
  command        TEXT NOT NULL,
  run_spec_pb    BLOB NOT NULL,        -- complete: every default filled in
  canonical_spec TEXT NOT NULL,        -- canonical JSON, as digested
  request_digest TEXT NOT NULL,
  fingerprint    TEXT NOT NULL,        -- '' until the first attempt has started
  parameters     INTEGER NOT NULL,
  total_steps    INTEGER NOT NULL,
  differing      TEXT NOT NULL,        -- lines: what sets it apart in its sweep
  step           INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_by_sweep ON run (sweep_id, trial_index);
CREATE INDEX run_by_fingerprint ON run (fingerprint);

-- The data a run's spec resolved to.
CREATE TABLE data_binding (
  run_id     TEXT NOT NULL REFERENCES run (run_id),
  role       INTEGER NOT NULL,
  sha256     TEXT NOT NULL REFERENCES artifact (sha256),
  size_bytes INTEGER NOT NULL,
  file_name  TEXT NOT NULL,
  PRIMARY KEY (run_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX data_binding_by_artifact ON data_binding (sha256);

CREATE TABLE job (
  job_id             TEXT PRIMARY KEY,
  run_id             TEXT NOT NULL REFERENCES run (run_id),
  kind               INTEGER NOT NULL,
  state              INTEGER NOT NULL,
  state_reason       TEXT NOT NULL,
  submit_order       INTEGER NOT NULL UNIQUE,  -- the queue's order
  attempt_count      INTEGER NOT NULL,
  created_at_us      INTEGER NOT NULL,
  finished_at_us     INTEGER,                  -- NULL: not yet
  numerics_class_pb  BLOB,                     -- NULL until the first attempt has started
  -- what it needs
  slots              INTEGER NOT NULL,
  memory_bytes       INTEGER NOT NULL,
  backend            TEXT NOT NULL,
  dtype              TEXT NOT NULL,
  time_limit_us      INTEGER NOT NULL,
  max_attempts       INTEGER NOT NULL,
  idle_timeout_us    INTEGER NOT NULL,
  -- how it has gone so far
  failures           INTEGER NOT NULL,
  losses             INTEGER NOT NULL,
  crashes_in_a_row   INTEGER NOT NULL,
  takedowns_in_a_row INTEGER NOT NULL,
  checkpoint_step    INTEGER NOT NULL,         -- newest resumable one; 0: none
  memory_above_bytes INTEGER NOT NULL,         -- out of memory on a worker of this size
  not_before_us      INTEGER,                  -- backoff
  stop               INTEGER NOT NULL,         -- wish to stop it, see coordinator/scheduler/records.h
  stop_reason        TEXT NOT NULL
) STRICT;
CREATE INDEX job_by_run ON job (run_id);
CREATE INDEX job_by_state ON job (state);

CREATE TABLE worker (
  worker_id        TEXT PRIMARY KEY,
  name             TEXT NOT NULL UNIQUE,
  state            INTEGER NOT NULL,
  instance_id      TEXT NOT NULL,
  host             TEXT NOT NULL,
  isa              TEXT NOT NULL,
  build_id         TEXT NOT NULL,
  slots            INTEGER NOT NULL,
  registered_at_us INTEGER NOT NULL,
  worker_pb        BLOB NOT NULL       -- host and backends in full
) STRICT;

-- One try at a job. attempt_number is the fencing token; reported_sequence is the high-water mark that makes reports
-- exactly-once.
CREATE TABLE attempt (
  attempt_id            INTEGER PRIMARY KEY,
  job_id                TEXT NOT NULL REFERENCES job (job_id),
  attempt_number        INTEGER NOT NULL,
  worker_id             TEXT NOT NULL REFERENCES worker (worker_id),
  instance_id           TEXT NOT NULL, -- of the worker, when leased
  slots                 INTEGER NOT NULL,
  memory_bytes          INTEGER NOT NULL,
  state                 INTEGER NOT NULL,
  failure_class         INTEGER NOT NULL DEFAULT 0,
  message               TEXT NOT NULL DEFAULT '',
  leased_at_us          INTEGER NOT NULL,
  finished_at_us        INTEGER,
  resumed_from_step     INTEGER NOT NULL DEFAULT 0,
  host                  TEXT NOT NULL,
  isa                   TEXT NOT NULL,
  build_id              TEXT NOT NULL,
  reported_sequence     INTEGER NOT NULL DEFAULT 0,
  step                  INTEGER NOT NULL DEFAULT 0,
  superseded_after_step INTEGER,       -- a later attempt resumed there: points after it are hidden
  UNIQUE (job_id, attempt_number)
) STRICT;
CREATE INDEX attempt_by_state ON attempt (state);

-- Any stored file; the bytes are in artifacts/ab/cdef...
CREATE TABLE artifact (
  sha256        TEXT PRIMARY KEY,
  size_bytes    INTEGER NOT NULL,
  media_type    TEXT NOT NULL,
  created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  checkpoint_id INTEGER PRIMARY KEY,
  run_id        TEXT NOT NULL REFERENCES run (run_id),
  attempt_id    INTEGER NOT NULL REFERENCES attempt (attempt_id),
  kind          INTEGER NOT NULL,
  step          INTEGER NOT NULL,
  sha256        TEXT NOT NULL REFERENCES artifact (sha256),
  size_bytes    INTEGER NOT NULL,
  media_type    TEXT NOT NULL,
  held_out_loss REAL,                  -- NULL: NaN, not evaluated there
  created_at_us INTEGER NOT NULL,
  UNIQUE (attempt_id, kind, step)
) STRICT;
CREATE INDEX checkpoint_by_run ON checkpoint (run_id, kind, step);
CREATE INDEX checkpoint_by_artifact ON checkpoint (sha256);

-- Names of series, so that blocks hold a small number.
CREATE TABLE series (
  series_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE
) STRICT;

-- Points of one series of one attempt, up to 512 in a block (coordinator/store/series_codec.h). Only the last block of
-- a series is not sealed: it is rewritten until it is full. min and max are NULL when no value is finite.
CREATE TABLE metric_block (
  attempt_id   INTEGER NOT NULL REFERENCES attempt (attempt_id),
  series_id    INTEGER NOT NULL REFERENCES series (series_id),
  block_index  INTEGER NOT NULL,
  sealed       INTEGER NOT NULL,
  count        INTEGER NOT NULL,
  nan_count    INTEGER NOT NULL,       -- NaN or infinite
  first_step   INTEGER NOT NULL,
  last_step    INTEGER NOT NULL,       -- smallest and largest of the block
  min          REAL,
  max          REAL,
  points       BLOB NOT NULL,
  PRIMARY KEY (attempt_id, series_id, block_index)
) STRICT;

-- What lists show of a run's series: visible points only. A NULL is a NaN (last), or no finite value (min, max).
CREATE TABLE metric_summary (
  run_id            TEXT NOT NULL REFERENCES run (run_id),
  series_id         INTEGER NOT NULL REFERENCES series (series_id),
  last              REAL,
  last_step         INTEGER NOT NULL,
  last_wall_time_us INTEGER NOT NULL,
  min               REAL,
  min_step          INTEGER NOT NULL,
  max               REAL,
  max_step          INTEGER NOT NULL,
  count             INTEGER NOT NULL,
  not_finite        INTEGER NOT NULL,
  PRIMARY KEY (run_id, series_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  log_id       INTEGER PRIMARY KEY,
  run_id       TEXT NOT NULL REFERENCES run (run_id),
  attempt_id   INTEGER NOT NULL REFERENCES attempt (attempt_id),
  wall_time_us INTEGER NOT NULL,
  level        TEXT NOT NULL,
  text         TEXT NOT NULL
) STRICT;
CREATE INDEX log_by_run ON log (run_id, log_id);

CREATE TABLE sample (
  sample_id  INTEGER PRIMARY KEY,
  run_id     TEXT NOT NULL REFERENCES run (run_id),
  attempt_id INTEGER NOT NULL REFERENCES attempt (attempt_id),
  step       INTEGER NOT NULL,
  prompt     TEXT NOT NULL,
  text       TEXT NOT NULL
) STRICT;
CREATE INDEX sample_by_run ON sample (run_id, sample_id);

-- Who did what, when. event_id is the resume token of every Watch.
CREATE TABLE event (
  event_id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at_us          INTEGER NOT NULL,
  actor          TEXT NOT NULL,
  kind           TEXT NOT NULL,
  run_id         TEXT NOT NULL,
  job_id         TEXT NOT NULL,
  sweep_id       TEXT NOT NULL,
  worker_id      TEXT NOT NULL,
  attempt_number INTEGER NOT NULL,
  from_state     TEXT NOT NULL,
  to_state       TEXT NOT NULL,
  message        TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_run ON event (run_id, event_id);

-- Answers of mutations by the caller's request_id, so that a repeated request changes nothing and answers the same.
CREATE TABLE request (
  request_id     TEXT PRIMARY KEY,
  method         TEXT NOT NULL,
  request_sha256 TEXT NOT NULL,        -- the same id with another request is refused
  response_pb    BLOB NOT NULL,
  created_at_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
