//! Footage that other recorders put into the cameras' folders: found whatever the way it came, and whatever it is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::media::{contents, files_under, let_rest, names};
use crate::support::{Clip, Nightreel, PATIENCE, Seen, assert_sidecar, eventually, footage, sidecar_beside};

/// The looks are not the point; waiting is kept short.
const QUICK: &str = "settle_seconds = 1\nscan_seconds = 1\n";
const BLIND: &str = "[detect]\nenabled = false\n";

const H264: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-g", "20"];

fn clip(extension: &'static str) -> PathBuf {
    let encoder: &[&str] = if extension == "avi" { &["-c:v", "mpeg4"] } else { H264 };
    footage(Clip { seconds: 4, extension, encoder, ..Clip::default() })
}

/// A file whose metadata says when it began.
fn stamped() -> PathBuf {
    const ENCODER: &[&str] =
        &["-c:v", "libx264", "-preset", "veryfast", "-metadata", "creation_time=2026-03-04T05:06:07Z"];
    footage(Clip { seconds: 4, encoder: ENCODER, ..Clip::default() })
}

/// Writes as a recorder does that takes its time: in pieces, the file unreadable until the last.
fn write_slowly(from: &Path, to: &Path) {
    let bytes = fs::read(from).unwrap();
    let mut file = File::create(to).unwrap();
    for piece in bytes.chunks(bytes.len().div_ceil(8)) {
        file.write_all(piece).unwrap();
        file.sync_data().unwrap();
        // waits for the program to look at the unfinished file, which must not show
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Waits until the file and its results lie in the camera's processed/, and reads them.
fn processed(root: &Path, camera: &str, name: &str) -> Value {
    let file = root.join(camera).join("processed").join(name);
    let sidecar = sidecar_beside(&file);
    eventually(&format!("{camera}/processed/{name}"), PATIENCE, || {
        (file.exists() && sidecar.exists()).then_some(())
    });
    assert_sidecar(&sidecar)
}

#[test]
fn is_found_and_looked_at_while_process_watches() {
    let nightreel = Nightreel::new();
    nightreel.configure_storage(QUICK, BLIND);
    let root = nightreel.root();
    fs::create_dir(root.join("gate")).unwrap();
    let mut run = nightreel.start(&["process"]);
    eventually("the catalogue", PATIENCE, || root.join(".nightreel/catalog.sqlite3").exists().then_some(()));

    // In place, slowly.
    write_slowly(&stamped(), &root.join("gate/slow.mp4"));
    // Renamed into place.
    let staged = nightreel.copy_in(&clip("mkv"), root.join("gate/2026-11-22_11-54-42.mkv.tmp"));
    fs::rename(&staged, staged.with_extension("")).unwrap();
    // In a folder that was not there when watching began, and in one below it.
    nightreel.copy_in(&clip("ts"), root.join("yard/cam-20261122T120000Z.ts"));
    nightreel.copy_in(&clip("avi"), root.join("yard/2026/11/plain.avi"));
    nightreel.copy_in(&clip("mov"), root.join("shop/RLC_20261122130000.mov"));

    let cases = [
        ("gate", "slow.mp4", "metadata", "2026-03-04T05:06:07", "h264"),
        ("gate", "2026-11-22_11-54-42.mkv", "name", "2026-11-22T11:54:42", "h264"),
        ("yard", "cam-20261122T120000Z.ts", "name", "2026-11-22T12:00:00", "h264"),
        ("yard", "2026/11/plain.avi", "mtime", "20", "mpeg4"),
        ("shop", "RLC_20261122130000.mov", "name", "2026-11-22T13:00:00", "h264"),
    ];
    for (camera, name, source, start, codec) in cases {
        let sidecar = processed(&root, camera, name);
        let segment = &sidecar["segment"];
        assert_eq!(segment["camera"], camera, "{name}");
        assert_eq!(segment["start_source"], source, "{name}");
        assert!(segment["start"].as_str().unwrap().starts_with(start), "{segment}");
        assert_eq!(segment["codec"], codec, "{name}");
        assert_eq!(segment["frames"], 40, "{name}");
        assert_eq!(sidecar.frames(), [0, 30], "{name}");
    }
    assert_eq!(run.terminate().code(), Some(0), "{}", run.said());
    nightreel.verify();
}

#[test]
fn begins_when_it_was_last_written_to_less_its_length_where_nothing_else_tells() {
    let nightreel = Nightreel::new();
    nightreel.configure(BLIND);
    let file = nightreel.copy_in(&clip("mkv"), nightreel.root().join("gate/holiday.mkv"));
    // 2026-01-01T00:00:04Z
    let written = UNIX_EPOCH + Duration::from_secs(1_767_225_604);
    File::options().append(true).open(file).unwrap().set_modified(written).unwrap();

    nightreel.run(&["process", "--once"]).with_code(0);

    let sidecar = processed(&nightreel.root(), "gate", "holiday.mkv");
    assert_eq!(sidecar["segment"]["start_source"], "mtime");
    assert!(sidecar["segment"]["start"].as_str().unwrap().starts_with("2026-01-01T00:00:00"), "{sidecar}");
}

/// A root with one good file and four that are no video; returns what is wrong with these by name.
fn good_and_bad(nightreel: &Nightreel) -> BTreeMap<&'static str, Vec<u8>> {
    nightreel.configure(BLIND);
    let whole = fs::read(clip("mp4")).unwrap();
    let noise: Vec<u8> = (0..60_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let bad = BTreeMap::from([
        ("cut.mp4", whole[..whole.len() / 2].to_vec()),
        ("empty.mp4", Vec::new()),
        ("noise.ts", noise),
        ("text.mkv", b"a shopping list".to_vec()),
    ]);
    for (name, bytes) in bad.iter().map(|(name, bytes)| (*name, bytes)).chain([("good.mp4", &whole)]) {
        let_rest(&nightreel.write(nightreel.root().join("gate").join(name), bytes));
    }
    bad
}

/// Returns the dead letters by the names of their files.
fn dead_letters(nightreel: &Nightreel) -> BTreeMap<String, Value> {
    let name = |letter: &Value| {
        let file = Path::new(letter["file"].as_str().unwrap()).file_name().unwrap();
        file.to_str().unwrap().to_owned()
    };
    let listed = nightreel.run(&["queue", "list", "--json"]).with_code(0).json_lines();
    listed.into_iter().map(|letter| (name(&letter), letter)).collect()
}

#[test]
fn that_is_no_video_is_set_aside_with_the_reason_and_stops_nothing_else() {
    let nightreel = Nightreel::new();
    let bad = good_and_bad(&nightreel);

    let summary = nightreel.run(&["process", "--once", "--json"]).with_code(1).json();

    assert_eq!(summary["segments"], json!({"processed": 1, "skipped": 0, "failed": bad.len()}));
    processed(&nightreel.root(), "gate", "good.mp4");
    let dead = dead_letters(&nightreel);
    let failures = summary.list("failures");
    for (name, bytes) in &bad {
        let aside = nightreel.root().join("gate/failed").join(name);
        assert_eq!(fs::read(&aside).unwrap(), *bytes, "{name} was changed");
        let letter = dead.get(*name).unwrap_or_else(|| panic!("{name} is not in {dead:?}"));
        assert_eq!(letter["file"], format!("gate/failed/{name}"));
        assert_eq!(letter["camera"], "gate");
        let reason = letter["reason"].as_str().unwrap();
        assert!(!reason.is_empty(), "{name} has no reason");
        let told = failures.iter().find(|failure| failure["file"].as_str().unwrap().ends_with(name));
        assert_eq!(told.unwrap()["reason"], reason, "{name}");
    }
    assert!(dead["cut.mp4"]["reason"].as_str().unwrap().contains("cut off"), "{dead:?}");
    assert!(dead["empty.mp4"]["reason"].as_str().unwrap().contains("empty"), "{dead:?}");
    assert_eq!(nightreel.status()["segments"]["failed"], bad.len());
    nightreel.verify();

    let before = contents(&nightreel.root());
    let again = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();
    assert_eq!(
        again["segments"],
        json!({"processed": 0, "skipped": 0, "failed": 0}),
        "nothing is tried again"
    );
    assert_eq!(contents(&nightreel.root()), before);
}

#[test]
fn that_was_repaired_is_looked_at_when_it_is_requeued() {
    let nightreel = Nightreel::new();
    good_and_bad(&nightreel);
    nightreel.run(&["process", "--once"]).with_code(1);
    let failed = nightreel.root().join("gate/failed");
    let_rest(&nightreel.copy_in(&clip("mp4"), failed.join("cut.mp4")));

    let planned = nightreel.run(&["queue", "requeue", "gate/failed/cut.mp4", "--dry-run"]).with_code(0);
    assert!(planned.stdout.contains("cut.mp4"), "{}", planned.stdout);
    assert!(failed.join("cut.mp4").exists(), "a dry run moves nothing");
    nightreel.run(&["queue", "requeue", "gate/failed/cut.mp4"]).with_code(0);

    assert_eq!(dead_letters(&nightreel).len(), 3);
    let summary = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();
    assert_eq!(summary["segments"], json!({"processed": 1, "skipped": 0, "failed": 0}));
    assert_eq!(processed(&nightreel.root(), "gate", "cut.mp4")["segment"]["frames"], 40);
    nightreel.verify();
}

#[test]
fn that_is_dropped_is_forgotten_and_stays_where_it_is() {
    let nightreel = Nightreel::new();
    let bad = good_and_bad(&nightreel);
    nightreel.run(&["process", "--once"]).with_code(1);
    let text = dead_letters(&nightreel)["text.mkv"]["id"].to_string();

    nightreel.run(&["queue", "drop", &text]).with_code(0);
    assert_eq!(dead_letters(&nightreel).len(), bad.len() - 1);
    nightreel.run(&["queue", "drop", "--all"]).with_code(0);

    assert_eq!(dead_letters(&nightreel), BTreeMap::new());
    let failed: Vec<_> = files_under(&nightreel.root().join("gate/failed")).into_iter().collect();
    assert!(names(&failed).iter().map(String::as_str).eq(bad.keys().copied()), "{failed:?}");
    let summary = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();
    assert_eq!(summary["segments"], json!({"processed": 0, "skipped": 0, "failed": 0}));
    nightreel.verify();
}

#[test]
fn that_is_not_in_the_queue_of_the_dead_cannot_be_requeued() {
    let nightreel = Nightreel::new();
    good_and_bad(&nightreel);
    nightreel.run(&["process", "--once"]).with_code(1);

    for typed in ["gate/processed/good.mp4", "gate/nothing.mp4", "4711"] {
        nightreel.run(&["queue", "requeue", typed]).with_code(1).telling(&[typed, "queue list"]);
    }
    nightreel.run(&["queue", "requeue"]).with_code(2);
}

#[test]
#[ignore = "long: a file that cannot be read gets half a minute to become whole"]
fn of_a_writer_that_pauses_is_waited_for() {
    let nightreel = Nightreel::new();
    nightreel.configure_storage(QUICK, BLIND);
    let root = nightreel.root();
    fs::create_dir(root.join("gate")).unwrap();
    let mut run = nightreel.start(&["process"]);
    let whole = fs::read(clip("mp4")).unwrap();
    let mut file = File::create(root.join("gate/pausing.mp4")).unwrap();
    file.write_all(&whole[..whole.len() / 2]).unwrap();
    // waits for the half file to be taken for whole, and to be found wanting
    std::thread::sleep(Duration::from_secs(5));
    file.write_all(&whole[whole.len() / 2..]).unwrap();
    drop(file);

    assert_eq!(processed(&root, "gate", "pausing.mp4")["segment"]["frames"], 40);
    assert_eq!(run.terminate().code(), Some(0), "{}", run.said());
    assert_eq!(dead_letters(&nightreel), BTreeMap::new());
    nightreel.verify();
}
