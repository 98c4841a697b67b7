-- What a plan sums up before it decides is read from the index alone, in the order in which it decides.
DROP INDEX segment_state;
CREATE INDEX segment_state ON segment (
    state, start_ms, id, camera, size, duration_ms, archived_ms, restored_ms, intent
);
