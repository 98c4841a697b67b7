-- Money in whole billionths of a dollar, set aside before a request is sent. Invariants: docs/storage.md.

ALTER TABLE call ADD COLUMN cost_nanousd INTEGER;
UPDATE call SET cost_nanousd = CAST(round(cost_usd * 1e9) AS INTEGER) WHERE cost_usd IS NOT NULL;
ALTER TABLE call DROP COLUMN cost_usd;
-- `batch` counts on the day it is submitted.
ALTER TABLE call ADD COLUMN mode TEXT NOT NULL DEFAULT 'direct' CHECK (mode IN ('direct', 'flex', 'batch'));
-- The most that it was thought to take, before what earlier calls taught is added.
ALTER TABLE call ADD COLUMN bound_input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call ADD COLUMN bound_output_tokens INTEGER NOT NULL DEFAULT 0;
-- What it counts against the caps: what was set aside, until it is known what was used.
ALTER TABLE call ADD COLUMN counted_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call ADD COLUMN counted_nanousd INTEGER NOT NULL DEFAULT 0;
UPDATE call SET counted_tokens = coalesce(input_tokens, 0) + coalesce(output_tokens, 0),
                counted_nanousd = coalesce(cost_nanousd, 0);
CREATE INDEX call_begun ON call (begun_ms);

-- What each day and camera took, in sums that the triggers keep; no camera is the empty text.
CREATE TABLE spent (
    cap_day TEXT NOT NULL,
    camera TEXT NOT NULL,
    calls INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    nanousd INTEGER NOT NULL,
    PRIMARY KEY (cap_day, camera)
) STRICT, WITHOUT ROWID;
INSERT INTO spent SELECT cap_day, coalesce(camera, ''), count(*), sum(counted_tokens), sum(counted_nanousd)
    FROM call GROUP BY cap_day, coalesce(camera, '');
CREATE TRIGGER call_begins AFTER INSERT ON call BEGIN
    INSERT INTO spent VALUES (new.cap_day, coalesce(new.camera, ''), 1, new.counted_tokens, new.counted_nanousd)
    ON CONFLICT DO UPDATE SET calls = calls + 1, tokens = tokens + excluded.tokens,
                              nanousd = nanousd + excluded.nanousd;
END;
CREATE TRIGGER call_ends AFTER UPDATE OF counted_tokens, counted_nanousd ON call BEGIN
    UPDATE spent SET tokens = tokens + new.counted_tokens - old.counted_tokens,
                     nanousd = nanousd + new.counted_nanousd - old.counted_nanousd
    WHERE cap_day = new.cap_day AND camera = coalesce(new.camera, '');
END;

-- By how many thousandths calls to a model took more than was thought; only ever grows.
CREATE TABLE learnt_tokens (
    model TEXT PRIMARY KEY,
    input_permille INTEGER NOT NULL,
    output_permille INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What waits for the next day because of a cap; for all cameras under the empty text.
CREATE TABLE deferral (
    camera TEXT PRIMARY KEY,
    -- The key of the settings.
    cap TEXT NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Why a process begins nothing, as `nightreel pause` said.
CREATE TABLE pause (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    since_ms INTEGER NOT NULL,
    reason TEXT
) STRICT;
