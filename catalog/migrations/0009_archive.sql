-- The archive: bundles of segments in an object store, and what lies where in them.

-- The new state is written into the table's own text. A copy of the table would do the same to millions of rows, and the
-- rows themselves stay as they are: SQLite names this way for constraints (lang_altertable, section 7).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''missing'', ''deleted'')', '''missing'', ''archived'', ''deleted'')')
WHERE type = 'table' AND name = 'segment';
PRAGMA writable_schema = RESET;

-- Since when a bundle that was verified holds it, and since when it is back.
ALTER TABLE segment ADD COLUMN archived_ms INTEGER;
ALTER TABLE segment ADD COLUMN restored_ms INTEGER;

-- The name of what is in the archive alone may be used again.
DROP INDEX segment_path;
CREATE UNIQUE INDEX segment_path ON segment (path) WHERE state NOT IN ('archived', 'deleted');

CREATE TABLE bundle (
    id INTEGER PRIMARY KEY,
    -- The store's address, and the object in it.
    store TEXT NOT NULL,
    key TEXT NOT NULL,
    camera TEXT NOT NULL,
    hour_ms INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    class TEXT,
    -- `sending` until the store was seen to hold it whole, `leaving` until it was deleted there.
    state TEXT NOT NULL CHECK (state IN ('sending', 'stored', 'leaving')),
    begun_ms INTEGER NOT NULL,
    stored_ms INTEGER,
    -- When it was read and compared last.
    read_ms INTEGER,
    thaw_asked_ms INTEGER,
    thawed_until_ms INTEGER,
    UNIQUE (store, key)
) STRICT;
CREATE INDEX bundle_hour ON bundle (camera, hour_ms);
CREATE INDEX bundle_sending ON bundle (state) WHERE state = 'sending';

-- The index of a bundle. A segment has its video, its sidecar and its cues in it.
CREATE TABLE bundle_member (
    bundle_id INTEGER NOT NULL REFERENCES bundle (id),
    name TEXT NOT NULL,
    segment_id INTEGER NOT NULL REFERENCES segment (id),
    kind TEXT NOT NULL CHECK (kind IN ('video', 'sidecar', 'cues')),
    -- Of its bytes in the bundle.
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (bundle_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX bundle_member_segment ON bundle_member (segment_id);
