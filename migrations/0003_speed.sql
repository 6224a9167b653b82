-- What the mean speed of a run and its time are made of.

ALTER TABLE metric_summary ADD COLUMN sum REAL;   -- of the finite values; NULL: a point from before this column
-- When the newest report came: a lost attempt has worked until then. NULL: none came, or from before this column.
ALTER TABLE attempt ADD COLUMN reported_at_us INTEGER;
