-- The catalogue. Times are UTC milliseconds. Invariants: docs/storage.md.

CREATE TABLE root (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL
) STRICT;

-- Facts about the run itself that outlive a process: when it last ran, whether the clock is in doubt.
CREATE TABLE note (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    -- Relative to the root; absolute for files that were named on the command line.
    path TEXT NOT NULL,
    camera TEXT,
    state TEXT NOT NULL CHECK (state IN ('ready', 'processed', 'failed', 'missing', 'deleted')),
    start_ms INTEGER NOT NULL,
    start_source TEXT NOT NULL CHECK (start_source IN ('recorder', 'metadata', 'name', 'mtime')),
    duration_ms INTEGER,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    -- Why it failed or is missing.
    reason TEXT,
    -- A move or deletion that was begun: finished at the next start if it was cut short.
    intent TEXT CHECK (intent IN ('move', 'delete')),
    intent_path TEXT,
    intent_state TEXT,
    added_ms INTEGER NOT NULL
) STRICT;
-- A name may be used again once its file was deleted.
CREATE UNIQUE INDEX segment_path ON segment (path) WHERE state <> 'deleted';
CREATE INDEX segment_state ON segment (state, start_ms);
-- A file that was renamed by hand is known by it.
CREATE INDEX segment_inode ON segment (inode);
CREATE INDEX segment_intent ON segment (intent) WHERE intent IS NOT NULL;

CREATE TABLE job (
    segment_id INTEGER PRIMARY KEY REFERENCES segment (id),
    state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done', 'dead')),
    -- Which run may lease it: empty for the root's backlog, an id for a run over named files.
    scope TEXT NOT NULL,
    -- Oldest footage first.
    start_ms INTEGER NOT NULL,
    available_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    token TEXT,
    -- The process that holds the lease.
    owner TEXT,
    lease_until_ms INTEGER,
    reason TEXT
) STRICT;
CREATE INDEX job_order ON job (state, scope, start_ms);

CREATE TABLE profile (
    id TEXT PRIMARY KEY,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE result (
    segment_id INTEGER NOT NULL REFERENCES segment (id),
    profile_id TEXT NOT NULL REFERENCES profile (id),
    sha256 TEXT NOT NULL,
    -- The sidecar's `segment` object, whole.
    facts TEXT NOT NULL,
    finished_ms INTEGER NOT NULL,
    PRIMARY KEY (segment_id, profile_id)
) STRICT;
CREATE INDEX result_sha256 ON result (sha256);

-- One row per sampled frame and view.
CREATE TABLE observation (
    segment_id INTEGER NOT NULL,
    profile_id TEXT NOT NULL,
    frame INTEGER NOT NULL,
    view_number INTEGER NOT NULL,
    view TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    -- JSON as in the sidecar.
    objects TEXT NOT NULL,
    caption TEXT,
    jpeg TEXT,
    PRIMARY KEY (segment_id, profile_id, frame, view_number),
    FOREIGN KEY (segment_id, profile_id) REFERENCES result (segment_id, profile_id)
) STRICT, WITHOUT ROWID;

-- What retention and search ask: which labels a segment shows, and how strongly.
CREATE TABLE seen (
    segment_id INTEGER NOT NULL,
    profile_id TEXT NOT NULL,
    label TEXT NOT NULL,
    objects INTEGER NOT NULL,
    peak INTEGER NOT NULL,
    best_score REAL NOT NULL,
    PRIMARY KEY (segment_id, profile_id, label),
    FOREIGN KEY (segment_id, profile_id) REFERENCES result (segment_id, profile_id)
) STRICT, WITHOUT ROWID;

-- The ledger: a row for every request, written before it is sent.
CREATE TABLE call (
    request_id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    cap_day TEXT NOT NULL,
    camera TEXT,
    segment_sha256 TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('sent', 'answered', 'failed', 'refused', 'unknown')),
    http_status INTEGER,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd REAL,
    error TEXT,
    process TEXT NOT NULL,
    begun_ms INTEGER NOT NULL,
    ended_ms INTEGER
) STRICT;
CREATE INDEX call_day ON call (cap_day);
CREATE INDEX call_segment ON call (segment_sha256);

-- Paid answers: stored when they arrive, never bought twice.
CREATE TABLE answer (
    key TEXT PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES call (request_id),
    text TEXT NOT NULL,
    stored_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE gap (
    id INTEGER PRIMARY KEY,
    camera TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    cause TEXT NOT NULL
) STRICT;
CREATE INDEX gap_camera ON gap (camera, from_ms);
