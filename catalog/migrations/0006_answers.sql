-- What structured answers say besides the caption. All of it is JSON as in the sidecar; absent where answers are plain text.

ALTER TABLE observation ADD COLUMN description TEXT;
-- What the answers about it say together.
ALTER TABLE sighting ADD COLUMN gist TEXT;
ALTER TABLE event ADD COLUMN gist TEXT;
ALTER TABLE event ADD COLUMN notable INTEGER NOT NULL DEFAULT 0;
CREATE INDEX event_notable ON event (start_ms) WHERE notable;

-- The same text as before, and tags and objects that the answers name.
DROP TABLE event_text;
CREATE VIRTUAL TABLE event_text USING fts5 (
    labels, captions, camera, view, tags, tokenize = 'porter unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO event_text (rowid, labels, captions, camera, view)
    SELECT id, label, (SELECT group_concat(value, char(10)) FROM json_each(event.captions)), camera, view FROM event;

-- What happened at a camera in one night, in a few sentences that the model made of the night's captions.
CREATE TABLE night_digest (
    -- A cap day.
    night TEXT NOT NULL,
    camera TEXT NOT NULL,
    request_id TEXT NOT NULL REFERENCES call (request_id),
    text TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (night, camera)
) STRICT, WITHOUT ROWID;
