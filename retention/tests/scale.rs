//! What planning over a large catalogue, and carrying out a large plan, cost: `scripts/bench.sh plan`.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]
#![expect(clippy::print_stdout, reason = "a measurement is to be read")]

use std::ops::ControlFlow;
use std::time::Duration;

use catalog::{Catalog, MediaRoot};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Retention, RetentionRule};
use nightreel_retention::Retainer;

const CAMERAS: i64 = 64;
const LABELS: [&str; 7] = ["car", "person", "bicycle", "dog", "truck", "bus", "cat"];
const PROFILES: [&str; 2] = ["6f1d2a9c3b7e4051", "0b9e8d7c6a5f4e32"];
const DAY: Duration = Duration::from_secs(86_400);

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn number(variable: &str, default: i64) -> i64 {
    std::env::var(variable).map_or(default, |n| n.parse().unwrap())
}

#[test]
#[ignore = "a measurement of a minute"]
fn a_plan_of_many_segments_needs_little_memory() {
    let segments = number("SEGMENTS", 300_000);
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("state")).unwrap();
    let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
    fill(&catalog, segments);
    let aged = Retention { max_age: Some(20 * DAY), ..Retention::default() };
    let pressed = Retention { min_free: Some(u64::MAX / 2), ..aged.clone() };
    let person = RetentionRule {
        labels: vec!["person".to_owned()],
        max_age: Some(20 * DAY),
        ..RetentionRule::default()
    };
    let ruled = Retention { rules: vec![person], max_bytes: Some(1 << 40), ..Retention::default() };
    let before = peak_memory();
    for _ in 0..number("ROUNDS", 1) {
        timed("scan of the segments", || assert_eq!(scan(&catalog, "segment"), segments));
        timed("scan of what they show", || scan(&catalog, "seen") + scan(&catalog, "result"));
        for (what, policy) in [("by age", &aged), ("with a floor", &pressed), ("by labels and size", &ruled)]
        {
            let retainer = Retainer::new(catalog.clone(), root.clone(), policy.clone());
            let mut planned = 0;
            let plan = timed(what, || retainer.plan(now(), |_| planned += 1).unwrap());
            let (kept, deleted) = (plan.totals.keep.segments, plan.totals.delete.segments);
            assert!(planned == segments && kept > 0 && deleted > 0, "keep {kept}, delete {deleted}");
        }
    }
    let grown = peak_memory() - before;
    println!("memory: {} MB", grown >> 20);
    assert!(grown >> 20 < 64 + 40 * segments as u64 / 1_000_000, "a plan holds a few bytes for each step");
}

#[test]
#[ignore = "a measurement of a minute"]
fn carrying_out_many_deletions_needs_no_more_memory_than_a_few() {
    let segments = number("DELETIONS", 20_000);
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&folder.path().join("state")).unwrap();
    let root = MediaRoot::open(&catalog, &folder.path().join("media")).unwrap();
    fill(&catalog, segments);
    put_files(&catalog, root.path());
    let policy = Retention { max_age: Some(DAY), ..Retention::default() };
    let retainer = Retainer::new(catalog, root, policy);
    let plan = retainer.plan(now(), |_| {}).unwrap();
    let (mut first, mut done) = (0, 0);
    let applied = timed("carrying out", || {
        let tell = |_, _: Result<_, &_>| {
            done += 1;
            first = if done == 500 { peak_memory() } else { first };
            ControlFlow::Continue(())
        };
        retainer.apply(&plan, now(), tell).unwrap()
    });
    assert_eq!((applied.failed, applied.left_alone), (0, 0));
    assert!(applied.deleted.segments as i64 > segments / 2, "{applied:?}");
    let grown = peak_memory() - first;
    println!("memory: {} kB after the first 500 of {done}", grown >> 10);
    assert!(grown >> 20 < 4, "what is done leaves nothing behind");
}

/// Tells what CPU time this process took, which others on the machine do not make longer.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = cpu_time();
    let done = work();
    println!("{what}: {:.2} s", (cpu_time() - begun).as_secs_f64());
    done
}

/// User and system time, in the kernel's hundredths of a second.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Puts a small file where each row has one.
fn put_files(catalog: &Catalog, root: &std::path::Path) {
    let raw = rusqlite::Connection::open(catalog.path()).unwrap();
    for number in 0..CAMERAS {
        std::fs::create_dir_all(root.join(format!("camera-{number:02}/processed"))).unwrap();
    }
    let mut statement = raw.prepare("SELECT id, path FROM segment").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
    let rows: Vec<(i64, String)> = rows.collect::<rusqlite::Result<_>>().unwrap();
    let writing = raw.unchecked_transaction().unwrap();
    for (id, path) in rows {
        let file = root.join(path);
        std::fs::write(&file, "footage").unwrap();
        let stat = catalog::FileStat::of(&file.metadata().unwrap());
        writing
            .prepare_cached("UPDATE segment SET size = ?2, mtime_ns = ?3, inode = ?4 WHERE id = ?1")
            .unwrap()
            .execute((id, stat.size, stat.mtime_ns, stat.inode))
            .unwrap();
    }
    writing.commit().unwrap();
}

/// Thirty days of footage, most of it processed, showing none to three of the labels each.
fn fill(catalog: &Catalog, segments: i64) {
    let mut raw = rusqlite::Connection::open(catalog.path()).unwrap();
    let t = raw.transaction().unwrap();
    t.execute("INSERT INTO profile VALUES (?1, '{}'), (?2, '{}')", PROFILES).unwrap();
    let step = TimeDelta::days(30).num_milliseconds() / segments;
    let first = (now() - TimeDelta::days(30)).timestamp_millis();
    for number in 0..segments {
        let (state, job) = match number {
            n if n > segments * 19 / 20 => ("ready", "queued"),
            n if n % 100 == 0 => ("failed", "dead"),
            _ => ("processed", "done"),
        };
        add(&t, number, (state, job, first + number * step));
        if state == "processed" {
            add_seen(&t, number);
        }
    }
    t.commit().unwrap();
}

fn add(t: &rusqlite::Transaction<'_>, number: i64, (state, job, start): (&str, &str, i64)) {
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

/// One in fifty was looked at twice, and showed a person only then or only before.
fn add_seen(t: &rusqlite::Transaction<'_>, number: i64) {
    let add_result = |profile: &str, finished: i64| {
        t.prepare_cached("INSERT INTO result VALUES (?1, ?2, '', '', ?3)")
            .unwrap()
            .execute((number, profile, finished))
            .unwrap();
    };
    let add_label = |profile: &str, label: &str| {
        t.prepare_cached("INSERT INTO seen VALUES (?1, ?2, ?3, 5, 1, 0.75)")
            .unwrap()
            .execute((number, profile, label))
            .unwrap();
    };
    add_result(PROFILES[0], number);
    let labels = LABELS.iter().skip(number as usize % 7).take(number as usize % 4);
    labels.for_each(|label| add_label(PROFILES[0], label));
    if number % 50 == 0 {
        add_result(PROFILES[1], number + 1);
        LABELS.iter().take(number as usize % 3).for_each(|label| add_label(PROFILES[1], label));
    }
}

/// Reads every row whole and does nothing with it; returns how many there were.
fn scan(catalog: &Catalog, table: &str) -> i64 {
    let raw = rusqlite::Connection::open(catalog.path()).unwrap();
    let mut statement = raw.prepare(&format!("SELECT * FROM {table}")).unwrap();
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
