-- What retention must know beyond files and work: what is on hold, why something was deleted, what a person should see.

-- Footage that no rule may take: one segment, or a camera's between two times.
CREATE TABLE hold (
    id INTEGER PRIMARY KEY,
    segment_id INTEGER REFERENCES segment (id),
    camera TEXT,
    from_ms INTEGER,
    to_ms INTEGER,
    -- Absent: until somebody takes it back.
    until_ms INTEGER,
    reason TEXT,
    since_ms INTEGER NOT NULL,
    CHECK ((segment_id IS NULL) = (camera IS NOT NULL AND from_ms IS NOT NULL AND to_ms IS NOT NULL))
) STRICT;
CREATE INDEX hold_segment ON hold (segment_id) WHERE segment_id IS NOT NULL;

-- Written in the transaction that decides it, before the file is touched.
CREATE TABLE deletion (
    segment_id INTEGER PRIMARY KEY REFERENCES segment (id),
    at_ms INTEGER NOT NULL,
    why TEXT NOT NULL
) STRICT;

-- What retention cannot do by itself, as the last run saw it.
CREATE TABLE alarm (
    kind TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
