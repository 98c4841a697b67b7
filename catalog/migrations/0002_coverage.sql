-- What is needed to say how much of a camera's time was recorded, and how each camera is doing.

-- A gap that is not over yet has no end.
CREATE TABLE gap_2 (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    cause TEXT NOT NULL
) STRICT;
INSERT INTO gap_2 SELECT id, camera, from_ms, to_ms, cause FROM gap;
DROP TABLE gap;
ALTER TABLE gap_2 RENAME TO gap;
CREATE INDEX gap_camera ON gap (camera, from_ms);
CREATE INDEX gap_open ON gap (camera) WHERE to_ms IS NULL;

-- When a camera was among those to be recorded; the last span has no end while it still is.
CREATE TABLE expected (
    camera TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER,
    PRIMARY KEY (camera, from_ms)
) STRICT, WITHOUT ROWID;

-- A row per camera: what its recorder said last.
CREATE TABLE health (
    camera TEXT PRIMARY KEY,
    -- The process that records it, or did.
    process TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('connecting', 'recording', 'waiting', 'stopped')),
    reason TEXT,
    seen_ms INTEGER NOT NULL,
    last_frame_ms INTEGER,
    -- Start of the segment that grows.
    in_hand_ms INTEGER,
    segments INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    packets_lost INTEGER NOT NULL,
    reconnects INTEGER NOT NULL,
    bits_per_second INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX segment_camera ON segment (camera, start_ms);
