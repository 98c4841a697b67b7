-- What a day shows changes seldom once it is over, and is dear to make: whoever keeps it asks here whether it still holds.

-- How often something changed, by the hour since 1970 in which it lies; what lies in no hour alone, in hour -1.
CREATE TABLE changed (
    hour INTEGER PRIMARY KEY,
    times INTEGER NOT NULL
) STRICT;

CREATE TRIGGER segment_comes AFTER INSERT ON segment WHEN new.camera IS NOT NULL BEGIN
    INSERT INTO changed VALUES (new.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER segment_changes AFTER UPDATE OF path, camera, state, start_ms, duration_ms, archived_ms ON segment BEGIN
    INSERT INTO changed VALUES (new.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT old.start_ms / 3600000, 1 WHERE old.start_ms <> new.start_ms
        ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER segment_goes AFTER DELETE ON segment WHEN old.camera IS NOT NULL BEGIN
    INSERT INTO changed VALUES (old.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;

CREATE TRIGGER result_comes AFTER INSERT ON result BEGIN
    INSERT INTO changed SELECT start_ms / 3600000, 1 FROM segment WHERE id = new.segment_id
        ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER result_goes AFTER DELETE ON result BEGIN
    INSERT INTO changed SELECT start_ms / 3600000, 1 FROM segment WHERE id = old.segment_id
        ON CONFLICT DO UPDATE SET times = times + 1;
END;

CREATE TRIGGER event_comes AFTER INSERT ON event BEGIN
    INSERT INTO changed VALUES (new.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER event_changes AFTER UPDATE OF camera, view, label, start_ms ON event BEGIN
    INSERT INTO changed VALUES (new.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT old.start_ms / 3600000, 1 WHERE old.start_ms <> new.start_ms
        ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER event_goes AFTER DELETE ON event BEGIN
    INSERT INTO changed VALUES (old.start_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;

-- Of a gap both ends count; of one that is longer than a day, every hour does.
CREATE TRIGGER gap_comes AFTER INSERT ON gap BEGIN
    INSERT INTO changed VALUES (new.from_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT new.to_ms / 3600000, 1 WHERE new.to_ms IS NOT NULL
        ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT -1, 1 WHERE new.to_ms - new.from_ms > 86400000
        ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER gap_changes AFTER UPDATE ON gap BEGIN
    INSERT INTO changed VALUES (new.from_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed VALUES (old.from_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT new.to_ms / 3600000, 1 WHERE new.to_ms IS NOT NULL
        ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT old.to_ms / 3600000, 1 WHERE old.to_ms IS NOT NULL
        ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT -1, 1
        WHERE max(ifnull(new.to_ms - new.from_ms, 0), ifnull(old.to_ms - old.from_ms, 0)) > 86400000
        ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER gap_goes AFTER DELETE ON gap BEGIN
    INSERT INTO changed VALUES (old.from_ms / 3600000, 1) ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT old.to_ms / 3600000, 1 WHERE old.to_ms IS NOT NULL
        ON CONFLICT DO UPDATE SET times = times + 1;
    INSERT INTO changed SELECT -1, 1 WHERE old.to_ms - old.from_ms > 86400000
        ON CONFLICT DO UPDATE SET times = times + 1;
END;

CREATE TRIGGER expected_comes AFTER INSERT ON expected BEGIN
    INSERT INTO changed VALUES (-1, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER expected_changes AFTER UPDATE ON expected BEGIN
    INSERT INTO changed VALUES (-1, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;
CREATE TRIGGER expected_goes AFTER DELETE ON expected BEGIN
    INSERT INTO changed VALUES (-1, 1) ON CONFLICT DO UPDATE SET times = times + 1;
END;

-- A camera's time is reckoned from the index alone. The first character of the path tells files that were named on the
-- command line from the root's.
DROP INDEX segment_camera;
CREATE INDEX segment_camera
    ON segment (camera, start_ms, duration_ms, state, archived_ms, size, substr(path, 1, 1));

-- The speed of past runs is told by the latest results.
CREATE INDEX result_finished ON result (finished_ms);
