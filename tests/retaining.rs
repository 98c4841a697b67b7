//! Retention: the plan can be read before it runs, and only what it says happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::clock::faketime;
use crate::support::media::{contents, finished, let_rest};
use crate::support::{Clip, Nightreel, Outcome, Seen, footage, sidecar_beside};

const BLIND: &str = "[detect]\nenabled = false\n";
/// Segments whose names say that they are years old.
const OLD: [&str; 2] = ["segment_20200101_000000.mp4", "segment_20200101_000006.mp4"];

fn configure(nightreel: &Nightreel, retention: &str) {
    nightreel.configure(&format!("{BLIND}\n[retention]\n{retention}\n"));
}

fn put(nightreel: &Nightreel, name: &str) -> PathBuf {
    let file = nightreel.copy_in(&footage(Clip::default()), nightreel.root().join("gate").join(name));
    let_rest(&file);
    file
}

fn put_broken(nightreel: &Nightreel, name: &str) {
    let_rest(&nightreel.write(nightreel.root().join("gate").join(name), "a shopping list"));
}

/// Returns verdict and reasons of each file of a plan.
fn verdicts(plan: &Value) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entry = |entry: &Value| {
        let reasons: Vec<_> = entry.list("reasons").iter().map(text).collect();
        assert_eq!(entry["camera"], "gate");
        (text(&entry["file"]), (text(&entry["verdict"]), reasons.join("; ")))
    };
    plan.list("plan").iter().map(entry).collect()
}

fn plan(nightreel: &Nightreel) -> Value {
    nightreel.run(&["retain", "--dry-run", "--json"]).with_code(0).json()
}

#[track_caller]
fn assert_verdict(plan: &Value, file: &str, verdict: &str, because: &str) {
    let verdicts = verdicts(plan);
    let (found, reasons) = verdicts.get(file).unwrap_or_else(|| panic!("{file} is not in {verdicts:#?}"));
    assert_eq!(found, verdict, "{file}: {reasons}");
    assert!(reasons.contains(because), "{file}: {reasons}");
}

#[test]
fn a_dry_run_lists_everything_with_reasons_touches_nothing_and_is_what_happens() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "after_processing = \"keep\"");
    let [old, _] = OLD.map(|name| put(&nightreel, name));
    put_broken(&nightreel, "segment_20200101_000012.mp4");
    nightreel.run(&["process", "--once"]).with_code(1);
    put(&nightreel, "segment_20200101_000018.mp4");
    put(&nightreel, "fresh.mp4");
    configure(&nightreel, "after_processing = \"keep\"\nmax_age_days = 30");
    let before = contents(&nightreel.root());

    let planned = plan(&nightreel);

    assert_eq!(contents(&nightreel.root()), before);
    let too_old = "older than retention.max_age_days = 30";
    for name in OLD {
        assert_verdict(&planned, &format!("gate/{name}"), "delete", too_old);
    }
    assert_verdict(&planned, "gate/failed/segment_20200101_000012.mp4", "keep", "failed");
    assert_verdict(&planned, "gate/segment_20200101_000018.mp4", "keep", "waits to be processed");
    assert_verdict(&planned, "gate/fresh.mp4", "keep", "waits to be processed");
    assert_eq!(planned.list("plan").len(), 5);

    let done = nightreel.run(&["retain", "--json"]).with_code(0).json();

    assert_eq!(done, planned);
    let mut expected = before;
    for name in OLD {
        let file = old.with_file_name(name);
        expected.remove(&sidecar_beside(&file)).unwrap();
        expected.remove(&file.with_extension("vtt")).unwrap();
        expected.remove(&file).unwrap();
    }
    assert_eq!(contents(&nightreel.root()), expected);
    assert_eq!(nightreel.status()["segments"]["deleted"], 2);
    nightreel.verify();
}

#[test]
fn what_is_processed_is_moved_when_the_settings_come_to_say_so() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "after_processing = \"keep\"");
    let file = put(&nightreel, OLD[0]);
    nightreel.run(&["process", "--once"]).with_code(0);
    assert!(file.exists() && sidecar_beside(&file).exists(), "kept in place");
    configure(&nightreel, "after_processing = \"move\"");

    let done = nightreel.run(&["retain", "--json"]).with_code(0).json();

    assert_verdict(&done, &format!("gate/{}", OLD[0]), "move", "retention.after_processing = \"move\"");
    let moved = nightreel.root().join("gate/processed").join(OLD[0]);
    assert!(moved.exists() && sidecar_beside(&moved).exists(), "both moved");
    assert!(!file.exists() && !sidecar_beside(&file).exists(), "nothing stayed behind");
    assert_verdict(&plan(&nightreel), &format!("gate/processed/{}", OLD[0]), "keep", "in processed/ already");
    nightreel.verify();
}

#[test]
fn delete_after_processing_happens_on_its_own() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "after_processing = \"delete\"");
    for name in OLD {
        put(&nightreel, name);
    }
    put_broken(&nightreel, "broken.mp4");

    let summary = nightreel.run(&["process", "--once", "--json"]).with_code(1).json();

    assert_eq!(summary["segments"], json!({"processed": 2, "skipped": 0, "failed": 1}));
    let left: Vec<_> = contents(&nightreel.root()).into_keys().filter(|file| is_footage(file)).collect();
    assert_eq!(left, [nightreel.root().join("gate/failed/broken.mp4")]);
    assert_eq!(nightreel.status()["segments"]["deleted"], 2);
    nightreel.verify();
}

fn is_footage(file: &Path) -> bool {
    file.to_string_lossy().contains(".mp4")
}

#[test]
fn a_floor_takes_the_oldest_processed_first_and_nothing_unprocessed() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "");
    for name in OLD {
        put(&nightreel, name);
    }
    nightreel.run(&["process", "--once"]).with_code(0);
    put(&nightreel, "segment_20190101_000000.mp4");
    // No disk has so much room: all that may go must go.
    configure(&nightreel, "min_free_gb = 1000000");

    let planned = plan(&nightreel);
    let done = nightreel.run(&["retain", "--json"]).with_code(0);

    assert_eq!(done.json(), planned);
    done.telling(&["floor"]);
    for name in OLD {
        assert_verdict(&planned, &format!("gate/processed/{name}"), "delete", "retention.min_free_gb");
    }
    assert_verdict(&planned, "gate/segment_20190101_000000.mp4", "keep", "retention.protect_unprocessed");
    assert_eq!(finished(&nightreel.root().join("gate/processed")), Vec::<PathBuf>::new());
    assert_eq!(finished(&nightreel.root().join("gate")).len(), 1);
    nightreel.verify();
}

#[test]
fn age_deletes_nothing_while_the_clock_is_in_doubt() {
    let Some(later) = faketime("+400d") else { return };
    let nightreel = Nightreel::new();
    configure(&nightreel, "max_age_days = 30");
    put(&nightreel, "today.mp4");
    nightreel.run(&["process", "--once"]).with_code(0);
    let file = nightreel.root().join("gate/processed/today.mp4");
    let in_a_year = |arguments: &[&str]| {
        let mut command = nightreel.command_under(&later, arguments);
        Outcome::of(command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1")).with_code(0)
    };

    for _ in 0..2 {
        let withheld = in_a_year(&["retain", "--json"]);
        assert_verdict(&withheld.json(), "gate/processed/today.mp4", "keep", "clock is in doubt");
        withheld.telling(&["clock", "in doubt"]);
        assert!(file.exists(), "deleted by a clock that may be wrong");
    }
    assert!(!in_a_year(&["status", "--json"]).json()["clock_doubt"].is_null());

    in_a_year(&["retain", "--confirm-clock"]);
    let done = in_a_year(&["retain", "--json"]).json();

    assert_verdict(&done, "gate/processed/today.mp4", "delete", "retention.max_age_days = 30");
    assert!(!file.exists() && !sidecar_beside(&file).exists());
    nightreel.verify();
}
