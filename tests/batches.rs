//! Batches: a night's questions go out as files, and come back once, whatever dies or fails in between.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use chrono::{Timelike, Utc};
use serde_json::Value;

use crate::support::media::{finished, let_rest, put_segments, sidecars};
use crate::support::{
    BatchServer, Nightreel, Outcome, PATIENCE, Reply, Rules, Running, Step, VisionServer, assert_sidecar,
    eventually,
};

/// Segments of six seconds have two looks each.
const LOOKS_EACH: usize = 2;

/// Of a thousand tokens at half a dollar a million and a hundred at five dollars.
const COST: f64 = 0.001;

fn configure(nightreel: &Nightreel, server: &BatchServer, how: (&str, &str)) {
    configure_at(nightreel, &server.base_url(), how);
}

fn configure_at(nightreel: &Nightreel, base_url: &str, (mode, vision): (&str, &str)) {
    let answer = if vision.contains("answer =") { "" } else { "answer = \"text\"\n" };
    // Where it is not about midnight, when the day's count begins anew.
    let zone = if (1..=22).contains(&Utc::now().hour()) { "UTC" } else { "Asia/Tokyo" };
    nightreel.configure(&format!(
        "[process]\ntimezone = \"{zone}\"\nworkers = 2\n\n[detect]\nenabled = false\n\n[[camera]]\nid = \"gate\"\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\nmode = \"{mode}\"\n{answer}{vision}\n\n\
         [[vision.price]]\nmodel = \"gpt-6-luna\"\ninput_per_million = 1.0\noutput_per_million = 10.0\n"
    ));
}

/// A home with so many segments to be asked about by batches.
fn home(server: &BatchServer, segments: u32) -> Nightreel {
    let nightreel = Nightreel::new();
    configure(&nightreel, server, ("batch", "batch.poll_seconds = 0.1"));
    put_segments(&nightreel.root(), segments);
    nightreel
}

fn command(nightreel: &Nightreel) -> Command {
    nightreel.command(&["-v", "process", "--once", "--json"])
}

#[track_caller]
fn process(nightreel: &Nightreel) -> Outcome {
    Outcome::of(&mut command(nightreel)).with_code(0)
}

fn processed(nightreel: &Nightreel) -> usize {
    finished(&nightreel.root().join("gate/processed")).len()
}

/// Runs until all segments have their answers.
#[track_caller]
fn process_all(nightreel: &Nightreel, segments: usize) {
    let mut said = String::new();
    for _ in 0..20 {
        said += &process(nightreel).said();
        if processed(nightreel) == segments {
            return;
        }
    }
    panic!("{} of {segments} are processed: {said}", processed(nightreel));
}

/// What was said of each frame of each file.
fn captions(nightreel: &Nightreel) -> BTreeMap<(String, u64), String> {
    let mut captions = BTreeMap::new();
    for file in sidecars(&nightreel.root().join("gate/processed")) {
        let sidecar = assert_sidecar(&file);
        for sample in sidecar["samples"].as_array().unwrap() {
            for view in sample["views"].as_array().unwrap() {
                let spot = (
                    file.file_name().unwrap().to_string_lossy().into_owned(),
                    sample["frame"].as_u64().unwrap(),
                );
                captions.insert(spot, view["caption"].as_str().unwrap_or("(none)").to_owned());
            }
        }
    }
    captions
}

/// What the same footage gets when each picture is asked about by itself.
fn asked_directly(segments: u32) -> BTreeMap<(String, u64), String> {
    let server = BatchServer::start(Rules::default());
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, ("direct", ""));
    put_segments(&nightreel.root(), segments);
    process(&nightreel);
    captions(&nightreel)
}

fn ledger(nightreel: &Nightreel) -> Vec<Value> {
    nightreel.run(&["ledger", "--json"]).with_code(0).json_lines()
}

fn batches(nightreel: &Nightreel) -> Vec<Value> {
    nightreel.run(&["batch", "list", "--json"]).with_code(0).json_lines()
}

/// Each answer that the server gave is in the ledger, once, at the price of batches; each segment has its own.
#[track_caller]
fn assert_paid_once(nightreel: &Nightreel, server: &BatchServer, segments: u32) {
    let answered = server.answered();
    assert_eq!(answered.len(), LOOKS_EACH * segments as usize);
    assert!(answered.values().all(|times| *times == 1), "{answered:?}");
    let ledger = ledger(nightreel);
    let paid: BTreeSet<_> = ledger
        .iter()
        .filter(|row| row["status"] == "answered")
        .map(|row| {
            assert!((row["cost_usd"].as_f64().unwrap() - COST).abs() < 1e-9, "{row}");
            assert_eq!(row["mode"], "batch");
            row["request_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(paid, answered.keys().cloned().collect());
    assert_eq!(server.direct(), 0);
    assert_eq!(captions(nightreel), asked_directly(segments));
    let vision = nightreel.status()["vision"].clone();
    assert!((vision["usd_today"].as_f64().unwrap() - COST * paid.len() as f64).abs() < 1e-9, "{vision}");
    nightreel.verify();
}

#[test]
fn a_night_by_batch_costs_half_and_brings_the_same() {
    let server = BatchServer::start(Rules::default());
    let nightreel = home(&server, 3);

    process(&nightreel);
    let status = nightreel.status();
    assert_eq!(status["vision"]["batches"]["under_way"], 1, "{status}");
    assert_eq!(status["vision"]["batches"]["segments"], 3);
    assert_eq!(status["backlog"], 3);
    assert!(status["vision"]["usd_today"].as_f64().unwrap() > 6.0 * COST, "all it may cost is set aside");
    assert_eq!(processed(&nightreel), 0);
    let text = nightreel.run(&["status"]).with_code(0).stdout;
    assert!(text.contains("3 segments wait for answers"), "{text}");

    process_all(&nightreel, 3);
    assert_paid_once(&nightreel, &server, 3);
    let [batch] = &batches(&nightreel)[..] else { panic!("one batch") };
    assert_eq!((&batch["state"], &batch["open"]), (&"completed".into(), &0.into()), "{batch}");
    assert_eq!(server.files(), 0, "nothing is left lying at the provider");
    // The pictures go when nobody needs them any more.
    for entry in std::fs::read_dir(nightreel.root().join(".nightreel/batch")).unwrap() {
        let_rest(&entry.unwrap().path());
    }
    process(&nightreel);
    assert_eq!(std::fs::read_dir(nightreel.root().join(".nightreel/batch")).unwrap().count(), 0);
}

#[test]
fn a_run_that_stays_follows_its_batches_and_many_small_ones_go_out() {
    let server = BatchServer::start(Rules { max_lines: 2, ..Rules::default() });
    let nightreel = home(&server, 3);
    configure(&nightreel, &server, ("batch", "batch.poll_seconds = 0.1\nbatch.max_lines = 2"));
    let mut running = nightreel.start(&["process"]);
    eventually("all are processed", PATIENCE, || (processed(&nightreel) == 3).then_some(()));
    assert!(running.terminate().success());
    assert_eq!(server.batches().iter().map(|batch| batch.lines).collect::<Vec<_>>(), [2, 2, 2]);
    assert_paid_once(&nightreel, &server, 3);
}

#[test]
fn a_kill_at_any_step_pays_nothing_twice() {
    for step in [Step::Upload, Step::Create, Step::Poll, Step::Download] {
        let server = BatchServer::start(Rules::default());
        let nightreel = home(&server, 2);
        if matches!(step, Step::Poll | Step::Download) {
            process(&nightreel);
        }
        server.hang_at(Some(step));
        let mut run = Running::spawn(command(&nightreel));
        server.wait_until_hung();
        assert!(run.kill(), "{}", run.said());
        server.hang_at(None);

        process_all(&nightreel, 2);
        assert_paid_once(&nightreel, &server, 2);
        assert_eq!(server.batches().len(), 1, "{step:?}");
        assert_eq!(server.uploads(), if step == Step::Upload { 2 } else { 1 }, "{step:?}");
    }
}

#[test]
fn what_fails_or_expires_goes_with_another_batch() {
    for rules in [
        Rules { fail_permille: 500, ..Rules::default() },
        Rules { expires_after: Some(3), ..Rules::default() },
    ] {
        let server = BatchServer::start(rules);
        let nightreel = home(&server, 4);
        process_all(&nightreel, 4);
        assert!(server.batches().len() > 1, "{:?}", server.batches());
        assert_paid_once(&nightreel, &server, 4);
        let failed = ledger(&nightreel).iter().filter(|row| row["status"] == "failed").count();
        assert!(failed > 0, "what came back without an answer is in the ledger too");
    }
}

#[test]
fn a_cancelled_batch_keeps_what_it_brought_and_its_segments_wait() {
    let server = BatchServer::start(Rules { polls: 1000, ..Rules::default() });
    let nightreel = home(&server, 2);
    process(&nightreel);
    nightreel.run(&["pause"]).with_code(0);
    let id = batches(&nightreel)[0]["id"].as_str().unwrap().to_owned();
    nightreel.run(&["batch", "cancel", &id[..8]]).with_code(0);
    nightreel.run(&["batch", "cancel", "nothing"]).with_code(1).telling(&["nightreel batch list"]);
    process(&nightreel);
    process(&nightreel);

    assert_eq!(batches(&nightreel)[0]["state"], "cancelled");
    assert_eq!(server.answered().len(), LOOKS_EACH);
    // Both answers may be of one segment, which then is done.
    let backlog = nightreel.status()["backlog"].as_u64().unwrap() as usize;
    assert!(backlog > 0 && backlog + processed(&nightreel) == 2, "{backlog}");
    assert!((nightreel.status()["vision"]["usd_today"].as_f64().unwrap() - 2.0 * COST).abs() < 1e-9);
    nightreel.run(&["resume"]).with_code(0);
    configure(&nightreel, &server, ("direct", ""));
    process(&nightreel);
    assert_eq!(processed(&nightreel), 2);
    assert_eq!(server.direct(), LOOKS_EACH, "what the batch brought is not asked again");
    assert_eq!(captions(&nightreel), asked_directly(2));
    nightreel.verify();
}

#[test]
fn a_server_without_batches_is_asked_directly_and_it_is_said_once() {
    let server = BatchServer::start(Rules { has_batches: false, ..Rules::default() });
    let nightreel = home(&server, 3);
    let said = process(&nightreel).said();
    assert_eq!(said.matches("has no batches").count(), 1, "{said}");
    assert_eq!((processed(&nightreel), server.direct()), (3, 3 * LOOKS_EACH));
    assert!(ledger(&nightreel).iter().all(|row| row["mode"] == "direct"));
    let doctor = nightreel.run(&["doctor"]).said();
    assert!(doctor.contains("`vision.mode`"), "{doctor}");
}

#[test]
fn groups_of_pictures_and_second_looks_go_by_batch_too() {
    const KEYS: &str = "answer = \"json\"\nframes_per_request = 4\nimage_max_px = 320\nsecond_look = true\n\
                        batch.poll_seconds = 0.1";
    let rules = Rules { is_curious: true, ..Rules::default() };
    let (by_batch, directly) = (BatchServer::start(rules), BatchServer::start(rules));
    let homes = [("batch", &by_batch), ("direct", &directly)].map(|(mode, server)| {
        let nightreel = Nightreel::new();
        configure(&nightreel, server, (mode, KEYS));
        put_segments(&nightreel.root(), 2);
        process_all(&nightreel, 2);
        nightreel
    });
    assert_eq!(captions(&homes[0]), captions(&homes[1]));
    let answered = by_batch.answered();
    assert!(answered.values().all(|times| *times == 1), "{answered:?}");
    assert_eq!((answered.len(), by_batch.direct()), (directly.direct(), 0));
    let lines: Vec<_> = by_batch.batches().iter().map(|batch| batch.lines).collect();
    assert!(lines.len() > 1, "the second looks come after the first: {lines:?}");
    homes[0].verify();
}

#[test]
fn a_batch_takes_no_more_than_the_cap_lets_it() {
    let server = BatchServer::start(Rules::default());
    let nightreel = home(&server, 3);
    configure(&nightreel, &server, ("batch", "max_calls_per_day = 4\nbatch.poll_seconds = 0.1"));
    for _ in 0..4 {
        process(&nightreel);
    }
    assert_eq!(server.answered().len(), 4);
    assert_eq!(processed(&nightreel), 2);
    let vision = nightreel.status()["vision"].clone();
    assert_eq!((&vision["calls_today"], &vision["batches"]["gathered"]), (&4.into(), &2.into()), "{vision}");
    assert_eq!(vision["deferred"][0]["cap"], "vision.max_calls_per_day");
    configure(&nightreel, &server, ("batch", "batch.poll_seconds = 0.1"));
    process_all(&nightreel, 3);
    assert_paid_once(&nightreel, &server, 3);
}

#[test]
fn files_that_are_named_wait_for_no_batch() {
    let server = BatchServer::start(Rules::default());
    let nightreel = home(&server, 1);
    let file = finished(&nightreel.root().join("gate")).remove(0);
    let named = nightreel.copy_in(&file, "elsewhere/clip.mp4");
    nightreel.run(&["process", named.to_str().unwrap()]).with_code(0);
    assert_eq!((server.direct(), server.batches().len()), (LOOKS_EACH, 0));
}

#[test]
fn the_flex_tier_costs_half_and_is_left_where_it_has_no_room() {
    let no_room = || Reply::error(429, "resource_unavailable", "no room").retry_after("0");
    let server = VisionServer::scripted([no_room(), no_room(), no_room()]);
    let nightreel = Nightreel::new();
    configure_at(&nightreel, &server.base_url(), ("flex", "concurrency = 1"));
    put_segments(&nightreel.root(), 1);
    process(&nightreel);

    let tiers: Vec<_> =
        server.journal().iter().map(|received| received.body["service_tier"].clone()).collect();
    let flex = Value::from("flex");
    assert_eq!(tiers, [flex.clone(), flex.clone(), flex.clone(), Value::Null, flex]);
    let ledger = ledger(&nightreel);
    let answered: Vec<_> = ledger
        .iter()
        .filter(|row| row["status"] == "answered")
        .map(|row| (row["mode"].as_str().unwrap(), row["cost_usd"].as_f64().unwrap()))
        .collect();
    assert_eq!(answered, [("direct", 0.002), ("flex", 0.001)]);
    assert_eq!(ledger.len(), 5);
}
