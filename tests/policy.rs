//! Policies: rules by camera and by what was seen, holds, the guard, and the story of a file.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::media::let_rest;
use crate::support::{Clip, Nightreel, PATIENCE, Seen, eventually, footage};

const BLIND: &str = "[detect]\nenabled = false\n";
const WITH_PEOPLE: &str = "segment_20200101_000000.mp4";
const DARK: &str = "segment_20200101_000006.mp4";

/// A second of a lens cap.
fn dark() -> PathBuf {
    let encoder =
        &["-vf", "drawbox=color=black:t=fill", "-c:v", "libx264", "-preset", "veryfast", "-g", "10"];
    footage(Clip { seconds: 1, encoder, ..Clip::default() })
}

fn put(nightreel: &Nightreel, clip: &std::path::Path, name: &str) -> PathBuf {
    let file = nightreel.copy_in(clip, nightreel.root().join(name));
    let_rest(&file);
    file
}

fn why(nightreel: &Nightreel, file: &str) -> Value {
    nightreel.run(&["why", file, "--json"]).with_code(0).json()
}

#[test]
fn footage_with_people_is_kept_longer_and_why_tells_of_both() {
    let nightreel = Nightreel::new();
    nightreel.configure(
        "[process]\nevery_nth_frame = 5\n[gate]\nenabled = false\n\
         [[retention.rule]]\nlabels = ['person']\nmax_age_days = 36500\n\
         [[retention.rule]]\nmax_age_days = 30\n",
    );
    let people = footage(Clip { seconds: 1, ..Clip::default() });
    put(&nightreel, &people, &format!("gate/{WITH_PEOPLE}"));
    put(&nightreel, &dark(), &format!("gate/{DARK}"));
    nightreel.run(&["process", "--once"]).with_code(0);
    let next = &why(&nightreel, &format!("gate/{DARK}"))["next"];
    assert_eq!(next["verdict"], "delete");

    let done = nightreel.run(&["retain", "--json"]).with_code(0).json();

    let by_rule: Vec<_> =
        done["totals"].list("by_rule").iter().map(|rule| rule["delete"]["segments"].clone()).collect();
    assert_eq!(by_rule, [0, 1, 0]);
    let kept = why(&nightreel, &format!("gate/{WITH_PEOPLE}"));
    assert_eq!(kept["file"], format!("gate/processed/{WITH_PEOPLE}"));
    assert!(kept["moved"].as_str() > kept.list("results")[0]["finished"].as_str(), "{kept}");
    let labels = &kept.list("results")[0]["labels"];
    assert!(labels.to_string().contains("person"), "{labels}");
    assert_eq!(kept["next"]["verdict"], "keep");
    assert!(kept["next"]["deleted_by_age_at"].as_str().unwrap().starts_with("2119-"), "{kept}");
    let deleted = why(&nightreel, &format!("gate/processed/{DARK}"));
    assert_eq!((&deleted["state"], &deleted["next"]), (&"deleted".into(), &Value::Null));
    assert_eq!(deleted["deletion"]["why"], "older than retention.rule[1].max_age_days = 30");
    let of_time = ["why", "--camera", "gate", "--at", "2020-01-01T00:00:06Z", "--json"];
    assert_eq!(nightreel.run(&of_time).with_code(0).json(), deleted);
    nightreel.run(&["why", "--camera", "gate", "--at", "2020-01-02"]).with_code(1).telling(&["no footage"]);
    let told = nightreel.run(&["why", &format!("gate/{DARK}")]).with_code(0);
    assert!(told.stdout.contains("deleted   ") && told.stdout.contains("looked at "), "{}", told.stdout);
    nightreel.verify();
}

#[test]
fn what_is_on_hold_outlives_every_rule() {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("{BLIND}[retention]\nafter_processing = 'keep'\nmax_age_days = 30\n"));
    let clip = footage(Clip { seconds: 1, ..Clip::default() });
    let [first, second] = [WITH_PEOPLE, DARK].map(|name| put(&nightreel, &clip, &format!("gate/{name}")));
    let third = put(&nightreel, &clip, "yard/segment_20200101_000000.mp4");
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel.run(&["hold", first.to_str().unwrap(), "--reason", "police"]).with_code(0);
    let span = ["--camera", "yard", "--from", "2020-01-01", "--to", "2020-01-01"];
    let hold_span = [&["hold"], &span[..], &["--until", "2999-12-31"]].concat();
    nightreel.run(&hold_span).with_code(0);
    nightreel.run(&["hold", "--camera", "cellar", "--from", "today", "--to", "today"]).with_code(1);
    nightreel.run(&["hold", "gate/nothing.mp4"]).with_code(1).telling(&["gate/nothing.mp4"]);

    nightreel.run(&["retain"]).with_code(0);

    assert!(first.exists() && !second.exists() && third.exists());
    assert_eq!(nightreel.status()["holds"], 2);
    let held = why(&nightreel, &format!("gate/{WITH_PEOPLE}"));
    assert_eq!((&held["hold"]["reason"], &held["next"]["verdict"]), (&"police".into(), &"keep".into()));
    assert_eq!(nightreel.run(&["hold", "--json"]).with_code(0).json_lines().len(), 2);
    nightreel.run(&["hold", &format!("gate/{WITH_PEOPLE}"), "--off"]).with_code(0);
    nightreel.run(&[&["hold"], &span[..], &["--off"]].concat()).with_code(0);
    nightreel.run(&["retain"]).with_code(0);
    assert!(!first.exists() && !third.exists());
    nightreel.verify();
}

#[test]
fn what_would_delete_much_at_once_waits_for_a_word() {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("{BLIND}[retention]\nmax_unprocessed_age_days = 30\n"));
    for number in 0..120 {
        let name = format!("gate/segment_20200101_{:02}{:02}00.mp4", number / 60, number % 60);
        let_rest(&nightreel.write(nightreel.root().join(name), "footage"));
    }
    let files = || std::fs::read_dir(nightreel.root().join("gate")).unwrap().count();

    nightreel.run(&["retain"]).with_code(1).telling(&[
        "what the floor needs",
        "deleted 0",
        "retention.guard_share",
        "--yes",
    ]);

    assert_eq!(files(), 120);
    let status = nightreel.status();
    assert_eq!(status.list("alarms")[0]["kind"], "guard");
    assert!(status["stuck_since"].as_str().unwrap().starts_with("2020-01-01"));
    let guarded =
        nightreel.run(&["retain", "--dry-run", "--json"]).with_code(0).json()["totals"]["guarded"].clone();
    assert_eq!(guarded["delete"]["segments"], 120);
    nightreel.run(&["retain", "--yes"]).with_code(0);
    assert_eq!(files(), 0);
    assert_eq!(nightreel.status()["alarms"], serde_json::json!([]));
    nightreel.verify();
}

#[test]
fn a_run_that_is_guarded_tells_the_hook_and_touches_nothing() {
    let nightreel = Nightreel::new();
    let told = nightreel.path("told");
    let script = format!("cat >> {}", told.display());
    nightreel.configure(&format!(
        "{BLIND}[[camera]]\nid = 'gate'\n[process]\nwindows = ['00:00-00:01']\n\
         [retention]\nmax_unprocessed_age_days = 30\n[hook]\ncommand = ['/bin/sh', '-c', {script:?}]\n"
    ));
    for number in 0..120 {
        let name = format!("gate/segment_20200101_{:02}{:02}00.mp4", number / 60, number % 60);
        let_rest(&nightreel.write(nightreel.root().join(name), "footage"));
    }
    // Finds the files; the run would only do so beside its first pass.
    nightreel.run(&["retain", "--dry-run"]).with_code(0);
    nightreel.run(&["pause"]).with_code(0);
    let mut running = nightreel.start(&["run"]);
    let said = || std::fs::read_to_string(&told).ok().filter(|said| said.ends_with("}\n"));
    let said = eventually("the hook is told", PATIENCE, said);
    assert!(running.terminate().success());
    let event: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(event["event"], "retention_waits");
    assert_eq!(std::fs::read_dir(nightreel.root().join("gate")).unwrap().count(), 120);
}
