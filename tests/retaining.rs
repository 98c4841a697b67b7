//! Retention: the plan can be read before it runs, and only what it says happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::clock::faketime;
use crate::support::media::{contents, let_rest};
use crate::support::{Clip, FakeCamera, Nightreel, Outcome, Play, Seen, footage, sidecar_beside};

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

    assert_eq!(done["plan"], planned["plan"]);
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

/// What a shell does in a namespace where a disk of so many megabytes lies under the root.
pub(crate) fn on_a_small_disk(nightreel: &Nightreel, megabytes: u32, script: &str) -> Outcome {
    let root = nightreel.root();
    let mounting =
        format!("set -e; mount -t tmpfs -o size={megabytes}M none {root:?}; mkdir {root:?}/gate; {script}");
    let mut command = nightreel.command_under(&["unshare", "-rm", "sh", "-c", &mounting], &[] as &[&str]);
    Outcome::of(&mut command)
}

/// Tells whether a user may mount a disk of memory here.
pub(crate) fn may_mount() -> bool {
    let allowed = std::process::Command::new("unshare").args(["-rm", "true"]).status();
    let allowed = allowed.is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("skipped: no user namespaces here");
    }
    allowed
}

#[test]
fn a_floor_takes_the_oldest_processed_first_and_nothing_unprocessed() {
    if !may_mount() {
        return;
    }
    let nightreel = Nightreel::new();
    // Two clips are processed, one waits, and a floor of which a clip and a half are lacking.
    let clip = footage(Clip::default());
    let size = clip.metadata().unwrap().len();
    let floor_gb = (24_000_000 - 3 * size + 3 * size / 2) as f64 / 1e9;
    configure(&nightreel, "");
    let policy = std::fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    nightreel.write("floor.toml", format!("{policy}min_free_gb = {floor_gb}\n"));
    let put =
        |name: &str| format!("cp {clip:?} media/gate/{name}; touch -d '1 hour ago' media/gate/{name}; ");
    let script = format!(
        "{}{}$0 process --once; {}head -c $(($(df --output=avail -B1 media | tail -1) - {})) /dev/zero > media/other; \
         $0 --config floor.toml retain --json; find media/gate -name '*.mp4'; $0 verify >&2; \
         $0 --config floor.toml status --json",
        put(OLD[0]),
        put(OLD[1]),
        put("segment_20190101_000000.mp4"),
        24_000_000 - 3 * size,
    );
    let done = on_a_small_disk(&nightreel, 40, &script).with_code(0).telling(&["floor"]);
    let lines: Vec<_> = done.stdout.lines().collect();
    let plan = lines.iter().find_map(|line| serde_json::from_str::<Value>(line).ok()).unwrap();
    for name in OLD {
        assert_verdict(&plan, &format!("gate/processed/{name}"), "delete", "retention.min_free_gb");
    }
    assert_verdict(&plan, "gate/segment_20190101_000000.mp4", "keep", "waits to be processed");
    let left: Vec<_> = lines.iter().filter(|line| line.ends_with(".mp4")).collect();
    assert_eq!(left, [&"media/gate/segment_20190101_000000.mp4"]);
    assert_eq!(done.json()["alarms"], json!([]));
}

#[test]
fn a_disk_that_others_fill_costs_no_footage_in_vain_and_is_told_of() {
    if !may_mount() {
        return;
    }
    let nightreel = Nightreel::new();
    let clip = footage(Clip::default());
    configure(&nightreel, "min_free_gb = 0.02");
    let script = format!(
        "head -c 30000000 /dev/zero > media/other; cp {clip:?} media/gate/a.mp4; touch -d '1 hour ago' media/gate/a.mp4; \
         $0 process --once; $0 retain; ls media/gate/processed; $0 status --json"
    );
    let done = on_a_small_disk(&nightreel, 40, &script).with_code(0);
    assert!(done.stdout.contains("a.mp4.json"), "{}", done.said());
    let status = done.json();
    let alarm = &status.list("alarms")[0];
    assert_eq!(alarm["kind"], "floor");
    let text = alarm["text"].as_str().unwrap();
    assert!(text.contains("retention.min_free_gb") && text.contains("is not nightreel's"), "{text}");
}

/// Six cameras fill a disk that has room for half a minute, and nothing is processed.
#[test]
fn a_disk_that_cameras_fill_is_kept_at_its_floor() {
    if !may_mount() {
        return;
    }
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let nightreel = Nightreel::new();
    let cameras: String = (0..6)
        .map(|number| {
            format!("[[camera]]\nid = \"c{number}\"\nurl = {:?}\nsegment_seconds = 2\n", camera.url())
        })
        .collect();
    let retention = "[retention]\nmin_free_gb = 0.012\nprotect_unprocessed = false\n";
    let state = format!("state_dir = {:?}\n", nightreel.path("state"));
    nightreel.configure_storage(&state, &format!("{BLIND}{cameras}{retention}[process]\nworkers = 1\n"));
    nightreel.write("avail", "");
    // Ends when the floor has held for eight seconds.
    let script = "$0 pause; $0 run 2> run.log & run=$!; kept=0; \
        for look in $(seq 600); do \
            avail=$(df --output=avail -B1 media | tail -1); echo $avail >> avail; \
            test $avail -gt 13000000 || kept=$((kept + 1)); test $kept -lt 40 || break; sleep 0.2; \
        done; kill -TERM $run; wait $run; $0 verify >&2; $0 status --json";
    let done = on_a_small_disk(&nightreel, 32, script).with_code(0);
    let avail = std::fs::read_to_string(nightreel.path("avail")).unwrap();
    let least = avail.lines().map(|bytes| bytes.trim().parse::<u64>().unwrap()).min().unwrap();
    assert!(least > 4_000_000, "only {least} bytes were free");
    let status = done.json();
    assert!(status["segments"]["deleted"].as_u64().unwrap() > 5, "{status}");
    assert_eq!(status["alarms"], json!([]));
    let log = std::fs::read_to_string(nightreel.path("run.log")).unwrap();
    assert!(!log.contains("disk is full") && log.contains("deleted footage to keep the floor"), "{log}");
}

#[test]
fn another_disk_that_is_mounted_inside_is_not_touched() {
    if !may_mount() {
        return;
    }
    let nightreel = Nightreel::new();
    let clip = footage(Clip::default());
    configure(&nightreel, "after_processing = \"keep\"");
    let policy = std::fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    nightreel.write("aged.toml", policy.replace("after_processing", "max_age_days = 30\nafter_processing"));
    // The row of a file fits its copy on the disk that is mounted over it, and that of its neighbour fits the file.
    let script = format!(
        "mkdir media/gate/old; cp {clip:?} media/gate/old/{0}; touch -d '1 hour ago' media/gate/old/{0}; \
         cp -p media/gate/old/{0} media/gate/{1}; $0 process --once; cp -rp media/gate/old backup; \
         mount -t tmpfs -o size=8M none media/gate/old; cp -p backup/* media/gate/old/; \
         $0 --config aged.toml retain --json || echo failed; find media/gate -type f",
        OLD[0], OLD[1],
    );
    let done =
        on_a_small_disk(&nightreel, 40, &script).with_code(0).telling(&["lies outside the media folder"]);
    let left: Vec<_> =
        done.stdout.lines().filter(|line| line.starts_with("media/gate/") || *line == "failed").collect();
    assert!(left.contains(&format!("media/gate/old/{}", OLD[0]).as_str()) && left[0] == "failed", "{left:?}");
    assert!(!left.iter().any(|file| file.contains(OLD[1])), "{left:?}");
}

#[test]
fn a_floor_above_the_disk_is_refused() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "min_free_gb = 1000000");
    nightreel.run(&["retain", "--dry-run"]).with_code(1).telling(&["retention.min_free_gb", "whole disk"]);
    let checks = nightreel.run(&["doctor"]).with_code(1);
    assert!(checks.stdout.contains("FAULT   disk") && checks.stdout.contains("retention.min_free_gb"));
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
