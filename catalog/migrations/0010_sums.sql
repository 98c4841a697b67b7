-- What `status` and the pages sum up by camera and state is read from the index alone: a table of millions is not.
CREATE INDEX segment_sums ON segment (camera, state, start_ms, size);
