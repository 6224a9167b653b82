-- A run may have several files of one role: its teachers. They keep their order.

CREATE TABLE data_binding_of_place (
  run_id     TEXT NOT NULL REFERENCES run (run_id),
  role       INTEGER NOT NULL,
  place      INTEGER NOT NULL,         -- among those of its role, from 0
  sha256     TEXT NOT NULL REFERENCES artifact (sha256),
  size_bytes INTEGER NOT NULL,
  file_name  TEXT NOT NULL,
  PRIMARY KEY (run_id, role, place)
) STRICT, WITHOUT ROWID;
INSERT INTO data_binding_of_place (run_id, role, place, sha256, size_bytes, file_name)
  SELECT run_id, role, 0, sha256, size_bytes, file_name FROM data_binding;
DROP TABLE data_binding;
ALTER TABLE data_binding_of_place RENAME TO data_binding;
CREATE INDEX data_binding_by_artifact ON data_binding (sha256);
