-- Events: what was seen, told by object and place instead of by frame. All of it follows from the newest results of
-- each segment, and is changed in the transaction that stores them. Invariants: docs/storage.md.

-- A row per segment whose results count for events: when it was looked at, and how often.
CREATE TABLE looked (
    segment_id INTEGER PRIMARY KEY REFERENCES segment (id),
    profile_id TEXT NOT NULL,
    -- The camera, or the path of a file that was named on the command line.
    source TEXT NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    frames INTEGER NOT NULL,
    -- Seconds without a sign after which an event is over, as they were set.
    event_gap_s INTEGER NOT NULL
) STRICT;
CREATE INDEX looked_order ON looked (source, from_ms, segment_id) WHERE frames > 0;

-- One object at one place of a view, in one segment; or, without a label, what only captions tell of.
CREATE TABLE sighting (
    id INTEGER PRIMARY KEY,
    segment_id INTEGER NOT NULL REFERENCES looked (segment_id),
    view TEXT NOT NULL,
    label TEXT,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    -- Numbers of the first and the last frame that shows it, among those looked at.
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    -- How many frames show it.
    seen INTEGER NOT NULL,
    -- The box as in the sidecar, on average.
    area TEXT NOT NULL,
    -- Most objects of its label in one view of one frame, while it was there.
    peak INTEGER NOT NULL,
    best_rank REAL NOT NULL,
    best_frame INTEGER NOT NULL,
    best_ms INTEGER NOT NULL,
    best_score REAL,
    best_area TEXT,
    captions TEXT,
    -- The sighting that it follows in its event.
    previous INTEGER,
    -- It stays at its place.
    still INTEGER NOT NULL DEFAULT 0,
    event_id INTEGER
) STRICT;
CREATE INDEX sighting_segment ON sighting (segment_id);
CREATE INDEX sighting_event ON sighting (event_id, from_ms);
CREATE INDEX sighting_previous ON sighting (previous) WHERE previous IS NOT NULL;

CREATE TABLE event (
    -- Never used again: pages and hooks may have told it to people.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    camera TEXT,
    view TEXT NOT NULL,
    label TEXT,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    still INTEGER NOT NULL,
    peak INTEGER NOT NULL,
    -- Where it shows best.
    segment_id INTEGER NOT NULL REFERENCES segment (id),
    frame INTEGER NOT NULL,
    best_ms INTEGER NOT NULL,
    score REAL,
    area TEXT,
    captions TEXT NOT NULL
) STRICT;
CREATE INDEX event_start ON event (start_ms);
CREATE INDEX event_camera ON event (camera, start_ms);
CREATE INDEX event_segment ON event (segment_id);

-- What search looks through; its rowid is the event's id.
CREATE VIRTUAL TABLE event_text USING fts5 (
    labels, captions, camera, view, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3'
);
