-- Data sets, sweeps that share runs, pausing, and what a run costs.

-- A name for immutable data. dataset_pb holds the rest of shoal.v1.Dataset.
CREATE TABLE dataset (
  name          TEXT PRIMARY KEY,
  dataset_id    TEXT NOT NULL,         -- digest of its parts
  created_at_us INTEGER NOT NULL,
  submitted_by  TEXT NOT NULL,
  dataset_pb    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_by_id ON dataset (dataset_id);

CREATE TABLE dataset_file (
  name       TEXT NOT NULL REFERENCES dataset (name),
  role       INTEGER NOT NULL,
  sha256     TEXT NOT NULL REFERENCES artifact (sha256),
  PRIMARY KEY (name, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_file_by_artifact ON dataset_file (sha256);

-- The runs of a sweep. A run that was there before, with the same request digest, is reused: it is in both sweeps,
-- and run.sweep_id names the one that created it.
CREATE TABLE sweep_run (
  sweep_id    TEXT NOT NULL REFERENCES sweep (sweep_id),
  trial_index INTEGER NOT NULL,
  run_id      TEXT NOT NULL REFERENCES run (run_id),
  differing   TEXT NOT NULL,           -- lines: what sets it apart in this sweep
  reused      INTEGER NOT NULL,
  PRIMARY KEY (sweep_id, trial_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX sweep_run_by_run ON sweep_run (run_id);
INSERT INTO sweep_run (sweep_id, trial_index, run_id, differing, reused)
  SELECT sweep_id, trial_index, run_id, differing, 0 FROM run WHERE sweep_id IS NOT NULL;

CREATE INDEX run_by_request_digest ON run (request_digest);
ALTER TABLE run ADD COLUMN train_flops REAL NOT NULL DEFAULT 0;        -- 0: not known
ALTER TABLE run ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 0;    -- the client's estimate; 0: not known
ALTER TABLE run ADD COLUMN dataset TEXT NOT NULL DEFAULT '';           -- name it was submitted with
ALTER TABLE job ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE worker ADD COLUMN drained INTEGER NOT NULL DEFAULT 0;      -- somebody wants it to take no new job
ALTER TABLE attempt ADD COLUMN peak_memory_bytes INTEGER NOT NULL DEFAULT 0;
