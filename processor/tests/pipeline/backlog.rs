//! A run over the backlog: footage becomes results, once, whatever died before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{Catalog, Queue, SegmentState, SqliteQueue};
use nightreel_processor::WindowRule;
use serde_json::{Value, json};

use crate::home::{BLIND, Home, Told, now, read_json, sidecar};

fn labels(sidecar: &Value, label: &str) -> usize {
    let views = sidecar["samples"].as_array().unwrap().iter().map(|sample| &sample["views"][0]);
    let objects = views.flat_map(|view| view["objects"].as_array().unwrap());
    objects.filter(|object| object["label"] == label).count()
}

#[test]
fn footage_becomes_rows_and_a_sidecar_and_is_handed_on() {
    let home = Home::new("");
    home.put_clip("media/gate/segment_20261122_220000.mp4");
    home.put_clip("media/yard/below/clip.mp4");

    let heard = home.drain();

    assert_eq!(heard.tally.segments.processed, 2);
    assert_eq!((heard.tally.samples, heard.tally.calls), (4, 0));
    let file = home.media("gate/processed/segment_20261122_220000.mp4");
    assert!(file.exists() && !home.media("gate/segment_20261122_220000.mp4").exists());
    let beside = sidecar(&file);
    let sidecar = read_json(&beside);
    assert_eq!(sidecar["segment"]["camera"], "gate");
    assert_eq!(sidecar["segment"]["start"], "2026-11-22T22:00:00.000Z");
    assert_eq!(sidecar["segment"]["start_source"], "name");
    assert_eq!(sidecar["segment"]["frames"], 40);
    assert_eq!(sidecar["samples"][1]["frame"], 30);
    assert_eq!(sidecar["samples"][1]["time"], "2026-11-22T22:00:03.000Z");
    assert!(labels(&sidecar, "person") >= 4, "{sidecar}");
    let persons = heard.tally.objects["person"];
    assert_eq!(persons, 2 * labels(&sidecar, "person") as u64);

    let segment = home.segment("gate/processed/segment_20261122_220000.mp4");
    assert_eq!(segment.state, SegmentState::Processed);
    assert_eq!(segment.duration, Some(Duration::from_secs(4)));
    let profile = sidecar["profile"]["id"].as_str().unwrap();
    let rows = home.catalog.results(segment.id, profile).unwrap().unwrap();
    assert_eq!(rows.to_json().unwrap(), std::fs::read(beside).unwrap());
    assert!(home.media("yard/processed/below/clip.mp4.json").exists());
}

#[test]
fn a_second_run_finds_nothing_to_do() {
    let home = Home::new(BLIND);
    home.put_clip("media/gate/a.mp4");
    assert_eq!(home.drain().tally.segments.processed, 1);
    let again = home.drain();
    assert_eq!(again.told, []);
    assert_eq!(
        serde_json::to_value(again.tally.segments).unwrap(),
        json!({"processed": 0, "skipped": 0, "failed": 0})
    );
}

#[test]
fn several_workers_share_the_backlog_and_each_segment_is_told_once() {
    let home = Home::new(&format!("{BLIND}\n[process]\nworkers = 4"));
    for number in 0..12 {
        home.put_clip(format!("media/gate/{number}.mp4"));
    }
    let heard = home.drain();
    let mut files: Vec<PathBuf> = heard
        .told
        .iter()
        .map(|told| match told {
            Told::Processed(file) => file.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 12);
}

#[test]
fn what_a_killed_run_had_in_hand_is_taken_up_at_once() {
    let home = Home::new(BLIND);
    home.put_clip("media/gate/a.mp4");
    let id = {
        // As good as killed: its leases stay, and nobody holds its mark of life.
        let killed = Catalog::open(&home.settings.storage.state_dir).unwrap();
        let mut scanner = catalog::Scanner::new(killed.clone(), home.root(), &home.settings);
        scanner.scan(&catalog::Hints::default(), now()).unwrap();
        let queue = SqliteQueue::new(killed, 3);
        queue.lease(1, Duration::from_secs(1200), now()).unwrap().pop().unwrap().segment.id
    };
    assert_eq!(home.stats().leased, 1);

    let heard = home.drain();

    assert_eq!(heard.told, [Told::Processed(PathBuf::from("gate/a.mp4"))]);
    assert_eq!(home.catalog.segment(id).unwrap().state, SegmentState::Processed);
    assert_eq!(home.stats().backlog(), 0);
}

#[test]
fn a_segment_that_kills_its_workers_is_set_aside_after_its_attempts() {
    let home = Home::new(BLIND);
    home.put_clip("media/gate/segment_20260101_000000.mp4");
    home.put_clip("media/gate/segment_20260101_000100.mp4");
    let mut scanner = catalog::Scanner::new(home.catalog.clone(), home.root(), &home.settings);
    scanner.scan(&catalog::Hints::default(), now()).unwrap();
    for _ in 0..3 {
        let killed = Catalog::open(&home.settings.storage.state_dir).unwrap();
        let lease = SqliteQueue::new(killed, 3).lease(1, Duration::from_secs(1200), now()).unwrap().pop();
        assert_eq!(lease.unwrap().segment.path, Path::new("gate/segment_20260101_000000.mp4"));
    }

    let heard = home.drain();

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 1));
    assert!(home.media("gate/failed/segment_20260101_000000.mp4").exists());
    assert!(heard.tally.failures[0].reason.contains("died"), "{:?}", heard.tally.failures);
}

#[test]
fn what_was_processed_but_not_handed_on_is_handed_on_by_the_next_run() {
    let home = Home::new(BLIND);
    home.put_clip("media/gate/a.mp4");
    let killed = home.processing();
    let run = nightreel_processor::BacklogRun {
        patience: nightreel_processor::Patience::UntilDrained,
        windows: WindowRule::Keep,
    };
    killed.run_backlog(&home.root(), run, &|_| {}, &|_| {}).unwrap();
    assert!(home.media("gate/a.mp4").exists());

    let heard = home.drain();

    assert_eq!(heard.told, []);
    assert!(
        home.media("gate/processed/a.mp4").exists() && sidecar(&home.media("gate/processed/a.mp4")).exists()
    );
}

#[test]
fn a_view_through_a_lens_is_looked_at_under_its_name() {
    let home = Home::new(
        "[[camera]]\nid = \"gate\"\n[camera.lens]\nfov_deg = 180\n\
         [[camera.view]]\nname = \"north\"\npitch_deg = 45\nsize = [320, 240]\n\
         [[camera.view]]\nname = \"all\"\nmode = \"original\"",
    );
    home.put_clip("media/gate/a.mp4");
    assert_eq!(home.drain().tally.segments.processed, 1);
    let sidecar = read_json(&sidecar(&home.media("gate/processed/a.mp4")));
    assert_eq!(sidecar["profile"]["views"], json!(["north", "all"]));
    let views = sidecar["samples"][0]["views"].as_array().unwrap();
    assert_eq!((&views[0]["view"], &views[1]["view"]), (&json!("north"), &json!("all")));
    assert!(views[1]["objects"].as_array().unwrap().iter().any(|object| object["label"] == "person"));
}
