//! What planning costs over a large catalogue: `cargo nextest run --release -p nightreel-retention --run-ignored only
//! --no-capture`, with the number of segments in `SEGMENTS`.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]
#![expect(clippy::print_stdout, reason = "a measurement is to be read")]

use std::time::{Duration, Instant};

use catalog::{Catalog, MediaRoot};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Retention, RetentionRule};
use nightreel_retention::Retainer;

const CAMERAS: i64 = 64;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[test]
#[ignore = "a measurement of a minute"]
fn a_plan_of_many_segments_needs_little_memory() {
    let segments: i64 = std::env::var("SEGMENTS").map_or(300_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("state")).unwrap();
    let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
    fill(&catalog, segments);
    let scanned = timed("bare scan of the table", || scan(&catalog));
    assert_eq!(scanned, segments);
    let age = Some(Duration::from_secs(20 * 86_400));
    let aged = Retention { max_age: age, ..Retention::default() };
    let pressed = Retention { min_free: Some(u64::MAX / 2), ..aged.clone() };
    let person =
        RetentionRule { labels: vec!["person".to_owned()], max_age: age, ..RetentionRule::default() };
    let ruled = Retention { rules: vec![person], max_bytes: Some(1 << 40), ..Retention::default() };
    let before = peak_memory();
    for (what, policy) in [("by age", aged), ("with a floor", pressed), ("by labels and size", ruled)] {
        let retainer = Retainer::new(catalog.clone(), root.clone(), policy);
        let mut planned = 0;
        let plan = timed(what, || retainer.plan(now(), |_| planned += 1).unwrap());
        println!("peak memory {} MB, grown by {} MB", peak_memory() >> 20, (peak_memory() - before) >> 20);
        println!("keep {}, delete {}", plan.totals.keep.segments, plan.totals.delete.segments);
        assert_eq!(planned, segments);
    }
    let most = 64 + 40 * segments as u64 / 1_000_000;
    assert!((peak_memory() - before) >> 20 < most, "a plan holds a few bytes for each step");
}

/// Tells what CPU time this process took, which others on the machine do not make longer.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = (Instant::now(), cpu_time());
    let done = work();
    let (wall, cpu) = (begun.0.elapsed(), cpu_time() - begun.1);
    println!("{what}: {:.2} s of CPU, {:.2} s", cpu.as_secs_f64(), wall.as_secs_f64());
    done
}

/// User and system time, in the kernel's hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Thirty days of footage, most of it processed.
fn fill(catalog: &Catalog, segments: i64) {
    let mut raw = rusqlite::Connection::open(catalog.path()).unwrap();
    let t = raw.transaction().unwrap();
    let step = TimeDelta::days(30).num_milliseconds() / segments;
    let first = (now() - TimeDelta::days(30)).timestamp_millis();
    for number in 0..segments {
        let start = first + number * step;
        let (state, job) = match number {
            n if n > segments * 19 / 20 => ("ready", "queued"),
            n if n % 100 == 0 => ("failed", "dead"),
            _ => ("processed", "done"),
        };
        let time = DateTime::from_timestamp_millis(start).unwrap().format("%Y%m%d_%H%M%S");
        let camera = format!("camera-{:02}", number % CAMERAS);
        let path = format!("{camera}/processed/segment_{time}_{number}.mp4");
        t.prepare_cached(
            "INSERT INTO segment (id, path, camera, state, start_ms, start_source, duration_ms, size, mtime_ns,
                                  inode, added_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, 'recorder', 60000, 15000000, 0, ?1, ?5)",
        )
        .unwrap()
        .execute((number, path, camera, state, start))
        .unwrap();
        t.prepare_cached(
            "INSERT INTO job (segment_id, state, scope, start_ms, available_ms) VALUES (?1, ?2, '', ?3, ?3)",
        )
        .unwrap()
        .execute((number, job, start))
        .unwrap();
    }
    t.commit().unwrap();
}

/// Reads every row whole and does nothing with it; returns how many there were.
fn scan(catalog: &Catalog) -> i64 {
    let raw = rusqlite::Connection::open(catalog.path()).unwrap();
    let mut statement = raw.prepare("SELECT * FROM segment").unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut seen = 0;
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column).unwrap());
        }
        seen += 1;
    }
    seen
}

/// Bytes this process held at most.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}
