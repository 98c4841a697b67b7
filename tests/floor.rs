//! The floor under 64 cameras: they fill a small disk, and it never does get full.

use serde_json::Value;

use crate::retaining::{may_mount, on_a_small_disk};
use crate::support::{Clip, FakeCamera, Nightreel, Outcome, Play, footage};

const CAMERAS: usize = 64;
/// Footage from before, which is processed.
const BEFORE: [&str; 4] = ["000000", "000006", "000012", "000018"];
/// What becomes known later may be as much older than what is known.
const KNOWN_WITHIN_MS: i64 = 8_000;

/// Of 64 cameras a megabyte a second.
fn small_stream() -> Clip {
    let encoder = &[
        "-vf",
        "scale=192:144",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-b:v",
        "120k",
        "-minrate",
        "120k",
        "-maxrate",
        "120k",
        "-bufsize",
        "60k",
        "-x264-params",
        "nal-hrd=cbr",
        "-g",
        "10",
        "-bf",
        "0",
        "-sc_threshold",
        "0",
    ];
    Clip { seconds: 20, encoder, ..Clip::default() }
}

/// Prints what the catalogue knows of each segment, also of those that are gone.
const ROWS: &str = "import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute('''SELECT camera, start_ms, duration_ms, at_ms, start_ms < 1600000000000
    FROM segment LEFT JOIN deletion ON segment_id = id ORDER BY camera, start_ms''')
for row in rows: print(json.dumps(row))";

struct Row {
    camera: String,
    start_ms: i64,
    end_ms: i64,
    deleted_ms: Option<i64>,
    was_processed: bool,
}

fn rows(nightreel: &Nightreel) -> Vec<Row> {
    let mut python = std::process::Command::new("/usr/bin/python3");
    python.args(["-c", ROWS]).arg(nightreel.path("state/catalog.sqlite3"));
    let row = |row: Value| {
        let start_ms = row[1].as_i64().unwrap();
        Row {
            camera: row[0].as_str().unwrap().to_owned(),
            start_ms,
            end_ms: start_ms + row[2].as_i64().unwrap(),
            deleted_ms: row[3].as_i64(),
            was_processed: row[4] == 1,
        }
    };
    Outcome::of(&mut python).with_code(0).json_lines().into_iter().map(row).collect()
}

#[test]
fn a_disk_that_64_cameras_fill_never_gets_full_and_loses_the_oldest_alone() {
    if !may_mount() {
        return;
    }
    let (stream, before) = (footage(small_stream()), footage(Clip::default()));
    let camera = FakeCamera::start(Play { clip: &stream, port: 0, options: &[] });
    let nightreel = Nightreel::new();
    configure(&nightreel, &camera);
    let put: String = BEFORE
        .iter()
        .map(|time| format!("media/c0/segment_20200101_{time}.mp4"))
        .map(|file| format!("cp {before:?} {file}; touch -d '1 hour ago' {file}; "))
        .collect();
    nightreel.write("avail", "");
    // Ends when the floor has been held for twelve seconds.
    let script = format!(
        "mkdir media/c0; {put}$0 process --once >&2; $0 pause; $0 run 2> run.log & run=$!; kept=0; \
         for look in $(seq 600); do \
            avail=$(df --output=avail -B1 media | tail -1); echo $avail >> avail; \
            test $avail -gt 13000000 || kept=$((kept + 1)); test $kept -lt 80 || break; sleep 0.15; \
         done; kill -TERM $run; wait $run; $0 verify >&2; $0 status --json"
    );
    let done = on_a_small_disk(&nightreel, 28, &script).with_code(0);
    let avail = std::fs::read_to_string(nightreel.path("avail")).unwrap();
    let avail: Vec<u64> = avail.lines().map(|bytes| bytes.trim().parse().unwrap()).collect();
    assert!(avail.last().is_some_and(|bytes| *bytes < 14_000_000), "the disk was never near its floor");
    let least = avail.iter().min().unwrap();
    assert!(*least > 2_000_000, "only {least} bytes were free");
    assert_eq!(done.json()["alarms"], serde_json::json!([]));
    let log = std::fs::read_to_string(nightreel.path("run.log")).unwrap();
    assert!(!log.contains("disk is full") && log.contains("deleted footage to keep the floor"), "{log}");
    let rows = rows(&nightreel);
    assert_no_footage_is_lost(&rows);
    assert_the_oldest_went(&rows);
}

fn configure(nightreel: &Nightreel, camera: &FakeCamera) {
    let camera =
        |number| format!("[[camera]]\nid = \"c{number}\"\nurl = {:?}\nsegment_seconds = 4\n", camera.url());
    let cameras: String = (0..CAMERAS).map(camera).collect();
    let state = format!("state_dir = {:?}\n", nightreel.path("state"));
    let rest = "[detect]\nenabled = false\n[retention]\nmin_free_gb = 0.012\nprotect_unprocessed = false\n\
                [process]\nworkers = 1\n";
    nightreel.configure_storage(&state, &format!("{cameras}{rest}"));
}

/// What each camera recorded follows on without a gap, from its first second to the end.
fn assert_no_footage_is_lost(rows: &[Row]) {
    let recorded: Vec<&Row> = rows.iter().filter(|row| !row.was_processed).collect();
    let end = recorded.iter().map(|row| row.end_ms).max().unwrap();
    let of_each: Vec<&[&Row]> = recorded.chunk_by(|a, b| a.camera == b.camera).collect();
    assert_eq!(of_each.len(), CAMERAS);
    for rows in of_each {
        for pair in rows.windows(2) {
            let gap = pair[1].start_ms - pair[0].end_ms;
            assert!(gap.abs() < 500, "{} lacks {gap} ms", pair[0].camera);
        }
        let last = rows.last().unwrap();
        assert!(end - last.end_ms < 3_000, "{} ended early", last.camera);
    }
}

/// Processed footage went before any other, and of each what was older.
fn assert_the_oldest_went(rows: &[Row]) {
    let (before, recorded): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.was_processed);
    let gone = |rows: &[&Row]| rows.iter().filter_map(|row| row.deleted_ms).collect::<Vec<_>>();
    let (before, since) = (gone(&before), gone(&recorded));
    assert_eq!(before.len(), BEFORE.len(), "all that was processed");
    assert!(since.len() > CAMERAS, "and some that was not");
    assert!(before.iter().max() <= since.iter().min());
    let mut recorded = recorded;
    recorded.sort_by_key(|row| (row.deleted_ms.unwrap_or(i64::MAX), row.start_ms));
    let mut newest_gone = i64::MIN + KNOWN_WITHIN_MS;
    for row in recorded {
        let (id, start) = (&row.camera, row.start_ms);
        assert!(start > newest_gone - KNOWN_WITHIN_MS, "{id} of {start} is older than what went before it");
        newest_gone = newest_gone.max(start);
    }
}
