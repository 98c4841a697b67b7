//! Measures the CPU time of `search` and `events` in a catalogue of a million observations, made for it.
//!
//! usage: cargo run -p nightreel-catalog --example search_speed [OBSERVATIONS]

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement, not a part of the program")]

use std::time::{Duration, Instant};

use nightreel_catalog::{Catalog, EventFilter};
use rusqlite::Connection;

/// A segment a minute with twenty observations, and an event in four of ten.
const FILL: &str = "
    BEGIN;
    INSERT INTO profile VALUES ('p', '{}');
    CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) SELECT i FROM n;
    CREATE TEMP TABLE word (k, w);
    INSERT INTO word VALUES (0, 'a cyclist rides past the lamp post'), (1, 'two people carry a ladder to the shed'),
        (2, 'a red van turns in the yard'), (3, 'nothing moves, it rains'), (4, 'a person waits at the gate'),
        (5, 'a fox crosses the lawn'), (6, 'somebody leaves a parcel at the door');
    INSERT INTO segment (path, camera, state, start_ms, start_source, size, mtime_ns, inode, added_ms)
        SELECT 'cam' || (i % 8) || '/' || i || '.mp4', 'cam' || (i % 8), 'processed', 60000 * (i / 8), 'recorder', 1, 1, i, 0 FROM n;
    INSERT INTO result SELECT id, 'p', '', '{}', 0 FROM segment;
    INSERT INTO observation SELECT id, 'p', 30 * k, 0, 'original', start_ms + 3000 * k,
        '[{\"label\":\"person\",\"score\":0.8,\"box\":[0.1,0.2,0.3,0.4]}]', NULL, NULL
        FROM segment, (WITH RECURSIVE k (k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k WHERE k < 19) SELECT k FROM k);
    INSERT INTO event (camera, view, label, start_ms, end_ms, still, peak, segment_id, frame, best_ms, score, area, captions)
        SELECT camera, 'original', CASE id % 3 WHEN 0 THEN 'car' ELSE 'person' END, start_ms, start_ms + 40000, 0, 2, id, 30,
               start_ms, 0.8, '[0.1,0.2,0.3,0.4]', json_array((SELECT w FROM word WHERE k = id % 7) || ', number ' || id)
        FROM segment, (SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7);
    INSERT INTO event_text (rowid, labels, captions, camera, view)
        SELECT id, label, json_extract(captions, '$[0]'), camera, view FROM event;
    COMMIT;";

fn main() {
    let observations: u64 = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).unwrap();
    let began = Instant::now();
    let connection = Connection::open(catalog.path()).unwrap();
    connection.execute_batch(&FILL.replace("?1", &(observations / 20).to_string())).unwrap();
    let count = |table: &str| -> u64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let (rows, events) = (count("observation"), count("event"));
    println!("{rows} observations, {events} events, made in {:.1?}", began.elapsed());
    let all = EventFilter::default();
    let one = EventFilter { cameras: vec!["cam3".to_owned()], ..EventFilter::default() };
    for typed in
        ["person", "red van", "parcel door", "number 4711", "person at the gate", "fox zebra", "p", "zebra"]
    {
        for (name, filter) in [("all", &all), ("one camera", &one)] {
            let began = cpu_time();
            let found = catalog.search(typed, filter).unwrap();
            println!("search {typed:?}, {name}: {} hits in {:.1?}", found.hits.len(), cpu_time() - began);
        }
    }
    let began = cpu_time();
    let newest = catalog.events(&EventFilter { limit: Some(100), ..all }).unwrap();
    println!("events, the newest {}: {:.1?}", newest.len(), cpu_time() - began);
}

/// Unlike the clock's, these seconds do not depend on what else the machine does.
fn cpu_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}
