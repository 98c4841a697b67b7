//! Killed by SIGKILL at one moment or another, started again: nothing is lost, and nothing is there twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::support::media::{files_under, finished, names, partials, put_segments, sidecars};
use crate::support::{
    Clip, FakeCamera, Nightreel, PATIENCE, Play, Seen, assert_sidecar, eventually, footage, sidecar_beside,
};

const EVERY: usize = 15;
const LOOK: &str = "[process]\nevery_nth_frame = 15\n\n[detect]\nlabels = [\"person\"]\n\n";

/// The camera's folder, and how many segments it had when the run began.
type Reached = fn(&Path, usize) -> bool;

/// A moment at which the program is killed.
#[derive(Clone, Copy)]
struct Moment {
    command: &'static [&'static str],
    what: &'static str,
    reached: Reached,
}

fn gate(nightreel: &Nightreel) -> PathBuf {
    nightreel.root().join("gate")
}

fn processed(gate: &Path) -> usize {
    finished(&gate.join("processed")).len()
}

/// Sidecars, before and after the move.
fn looked_at(gate: &Path) -> usize {
    sidecars(gate).len() + sidecars(&gate.join("processed")).len()
}

/// Segments, wherever they are in their life after recording.
fn recorded(gate: &Path) -> usize {
    finished(gate).len() + processed(gate)
}

fn has_pictures(partial: &Path) -> bool {
    partial.metadata().is_ok_and(|facts| facts.len() > 100_000)
}

fn camera() -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port: 0, options: &[] })
}

fn configure(nightreel: &Nightreel, camera: &FakeCamera) {
    let url = camera.url();
    nightreel.configure(&format!("{LOOK}[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 2\n"));
}

/// Starts, waits for the moment, kills.
fn kill_at(nightreel: &Nightreel, moment: Moment) {
    let gate = gate(nightreel);
    let before = recorded(&gate);
    let mut run = nightreel.start(moment.command);
    eventually(moment.what, PATIENCE, || (moment.reached)(&gate, before).then_some(()));
    assert!(run.kill(), "{}: it ended too soon: {}", moment.what, run.said());
}

/// Names that a segment has or is promised, at whatever point of its life.
fn promised(gate: &Path) -> BTreeSet<String> {
    let whole = [finished(gate), finished(&gate.join("processed"))].concat();
    let open: Vec<_> = partials(gate).iter().map(|partial| partial.with_extension("")).collect();
    names(&whole).union(&names(&open)).cloned().collect()
}

/// A partial that was cut before its first picture holds nothing to play, and is set aside.
fn set_aside(gate: &Path) -> BTreeSet<String> {
    let files = files_under(&gate.join("failed")).into_iter();
    names(&files.map(|file| file.with_extension("")).collect::<Vec<_>>())
}

/// When a segment began and ended.
fn span(sidecar: &Value) -> (DateTime<Utc>, DateTime<Utc>) {
    let segment = &sidecar["segment"];
    let start: DateTime<Utc> = segment["start"].as_str().unwrap().parse().unwrap();
    let length = Duration::from_secs_f64(segment["duration_s"].as_f64().unwrap());
    (start, start + TimeDelta::from_std(length).unwrap())
}

/// Each segment lies in processed/ once, has each of its samples once, and shares no second with another.
fn assert_all_there_once(nightreel: &Nightreel, promised: &BTreeSet<String>) {
    nightreel.verify();
    let (gate, processed) = (gate(nightreel), gate(nightreel).join("processed"));
    for left in [finished(&gate), partials(&gate), sidecars(&gate)] {
        assert_eq!(left, Vec::<PathBuf>::new(), "left over");
    }
    let files = finished(&processed);
    let there: BTreeSet<_> = names(&files).union(&set_aside(&gate)).cloned().collect();
    let lost: Vec<_> = promised.difference(&there).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let beside: Vec<_> = files.iter().map(|file| sidecar_beside(file)).collect();
    assert_eq!(sidecars(&processed), beside);

    let found: Vec<_> = beside.iter().map(|sidecar| assert_sidecar(sidecar)).collect();
    for sidecar in &found {
        let frames = sidecar["segment"]["frames"].as_u64().unwrap();
        assert_eq!(
            sidecar.frames(),
            (0..frames).step_by(EVERY).collect::<Vec<_>>(),
            "{}",
            sidecar["segment"]
        );
        assert!(sidecar.list("samples").iter().all(|sample| sample.list("views").len() == 1));
    }
    let contents: BTreeSet<_> = found.iter().map(|sidecar| sidecar["segment"]["sha256"].as_str()).collect();
    assert_eq!(contents.len(), found.len(), "two are the same");
    let mut spans: Vec<_> = found.iter().map(span).collect();
    spans.sort();
    for pair in spans.windows(2) {
        // A start is when the first packet arrived, which under load is late; what is there twice overlaps by all of it.
        let overlap = pair[0].1 - pair[1].0;
        assert!(overlap < TimeDelta::seconds(1), "recorded twice: {pair:?}");
    }
    let status = nightreel.status();
    assert_eq!(status["segments"]["processed"], files.len(), "{status}");
    assert_eq!(status["backlog"], 0);
}

#[test]
fn a_recorder_killed_again_and_again_keeps_each_segment_once() {
    let moments: [(&str, Reached); 4] = [
        ("the first partial", |gate, _| !partials(gate).is_empty()),
        ("a partial with pictures in it", |gate, _| {
            partials(gate).iter().any(|partial| has_pictures(partial))
        }),
        ("a partial that was made whole", |gate, before| recorded(gate) > before),
        ("the change from one segment to the next", |gate, before| recorded(gate) > before + 1),
    ];
    let (nightreel, camera) = (Nightreel::new(), camera());
    configure(&nightreel, &camera);
    let gate = gate(&nightreel);
    let mut set = BTreeSet::new();
    for (what, reached) in moments {
        kill_at(&nightreel, Moment { command: &["record"], what, reached });
        set.extend(promised(&gate));
    }

    let before = recorded(&gate);
    let mut run = nightreel.start(&["record"]);
    eventually("one more segment", PATIENCE, || (recorded(&gate) > before + 1).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
    set.extend(promised(&gate));
    nightreel.run(&["process", "--once"]).with_code(0);
    assert_all_there_once(&nightreel, &set);
    assert!(set_aside(&gate).len() <= 1, "only the first was killed before it held a picture");
}

/// A root with five segments of six seconds that wait to be looked at.
fn backlog() -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(LOOK);
    put_segments(&nightreel.root(), 5);
    nightreel
}

fn has_catalogue(gate: &Path) -> bool {
    gate.with_file_name(".nightreel").join("catalog.sqlite3").exists()
}

#[test]
fn a_processor_killed_at_any_moment_looks_at_each_segment_once() {
    let moments: [(&str, Reached); 5] = [
        ("the catalogue", |gate, _| has_catalogue(gate)),
        ("the first sidecar", |gate, _| looked_at(gate) > 0),
        ("the first file in processed/", |gate, _| processed(gate) > 0),
        ("the third sidecar", |gate, _| looked_at(gate) > 2),
        ("the third file in processed/", |gate, _| processed(gate) > 2),
    ];
    for (what, reached) in moments {
        let nightreel = backlog();
        let set = promised(&gate(&nightreel));
        kill_at(&nightreel, Moment { command: &["process", "--once"], what, reached });

        let summary = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();

        assert_eq!(summary["segments"]["failed"], 0, "{what}: {summary}");
        assert_all_there_once(&nightreel, &set);
        assert_eq!(processed(&gate(&nightreel)), 5, "{what}");
    }
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let moments: [(&str, Reached); 3] = [
        ("a segment", |gate, before| recorded(gate) > before),
        ("a sidecar", |gate, _| looked_at(gate) > 0),
        ("more files in processed/", |gate, _| processed(gate) > 1),
    ];
    let (nightreel, camera) = (Nightreel::new(), camera());
    configure(&nightreel, &camera);
    let gate = gate(&nightreel);
    let mut set = BTreeSet::new();
    for (what, reached) in moments {
        kill_at(&nightreel, Moment { command: &["run"], what, reached });
        set.extend(promised(&gate));
    }

    let before = processed(&gate);
    let mut run = nightreel.start(&["run"]);
    eventually("one more in processed/", PATIENCE, || (processed(&gate) > before).then_some(()));
    assert_eq!(run.terminate().code(), Some(0), "{}", run.said());
    set.extend(promised(&gate));
    nightreel.run(&["process", "--once"]).with_code(0);
    assert_all_there_once(&nightreel, &set);
}

#[test]
#[ignore = "long: a hundred kills take some five minutes"]
fn a_hundred_kills_at_random_moments_lose_and_double_nothing() {
    for round in 0..100_u64 {
        let nightreel = backlog();
        let set = promised(&gate(&nightreel));
        let mut run = nightreel.start(&["process", "--once"]);
        // waits for nothing: the moment is the point, and differs from round to round
        std::thread::sleep(Duration::from_millis(round * 37 % 2000));
        run.kill();

        nightreel.run(&["process", "--once"]).with_code(0);

        assert_all_there_once(&nightreel, &set);
    }
}
