-- What the gate decided of each sampled frame, also of those that were not looked at and have no observations.
CREATE TABLE decision (
    segment_id INTEGER NOT NULL,
    profile_id TEXT NOT NULL,
    frame INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    score REAL NOT NULL,
    kept INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- Of an audited frame: whether it shows what the gate missed.
    missed INTEGER,
    PRIMARY KEY (segment_id, profile_id, frame),
    FOREIGN KEY (segment_id, profile_id) REFERENCES result (segment_id, profile_id)
) STRICT, WITHOUT ROWID;

-- The same in sums, for `status`.
CREATE TABLE gated (
    segment_id INTEGER NOT NULL,
    profile_id TEXT NOT NULL,
    finished_ms INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    audited INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    PRIMARY KEY (segment_id, profile_id),
    FOREIGN KEY (segment_id, profile_id) REFERENCES result (segment_id, profile_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX gated_finished ON gated (finished_ms);
