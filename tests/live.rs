//! `live`: a real RTSP stream looked at as it comes. What is seen, how far behind, and who is told.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{
    Clip, FakeCamera, Nightreel, PATIENCE, Play, Running, Seen, children, eventually, footage,
};

const LOOK: &str = "[detect]\nlabels = [\"person\"]\n\n";

fn camera(port: u16, options: &[&str]) -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port, options })
}

fn configure(nightreel: &Nightreel, camera: &FakeCamera, keys: &str) {
    let url = camera.url();
    nightreel.configure(&format!("{LOOK}[[camera]]\nid = \"gate\"\nurl = {url:?}\n{keys}"));
}

/// Returns the whole lines of samples among all that was said.
fn lines(run: &Running) -> Vec<Value> {
    let said = run.said();
    let whole = said.split_inclusive('\n').filter(|line| line.starts_with('{') && line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {line}"))
}

fn shows_somebody(line: &Value) -> bool {
    line.list("views").iter().any(|view| !view.list("objects").is_empty())
}

#[test]
fn people_are_seen_as_they_come_and_the_hook_is_told_once() {
    let (nightreel, camera) = (Nightreel::new(), camera(0, &[]));
    let told = nightreel.path("told");
    let script = format!("cat >> {told:?}");
    configure(&nightreel, &camera, &format!("\n[hook]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n"));
    let mut run = nightreel.start(&["live", "gate", "--every", "5"]);
    eventually("somebody in ten lines", PATIENCE, || {
        (lines(&run).iter().filter(|line| shows_somebody(line)).count() >= 10).then_some(())
    });

    assert_eq!(run.terminate().code(), Some(0));

    let lines = lines(&run);
    for pair in lines.windows(2) {
        assert!(number(&pair[0], "frame") < number(&pair[1], "frame"), "{pair:?}");
        assert!(number(&pair[0], "dropped") <= number(&pair[1], "dropped"), "{pair:?}");
        let left_out = (number(&pair[1], "frame") - number(&pair[0], "frame")) / 5 - 1;
        assert_eq!(left_out, number(&pair[1], "dropped") - number(&pair[0], "dropped"), "{pair:?}");
    }
    for line in &lines {
        assert!(number(line, "frame").is_multiple_of(5), "{line}");
        assert!(number(line, "lag_ms") < 10_000, "{line}");
        assert_eq!(line["camera"], "gate");
        assert!(line["gate"]["reason"].is_string() && line["gate"]["score"].is_number(), "{line}");
        assert!(line["gate"]["kept"] == true || line.list("views").is_empty(), "{line}");
    }
    let told: Vec<Value> =
        fs::read_to_string(told).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 1, "one event: {told:?}");
    assert_eq!((&told[0]["event"], &told[0]["camera"]), (&"object_seen".into(), &"gate".into()));
    assert_eq!((&told[0]["label"], &told[0]["view"]), (&"person".into(), &"original".into()));
    let began: usize = lines.iter().map(|line| line.list("began").len()).sum();
    assert_eq!(began, 1);
    let said = run.said();
    assert!(said.contains("the watch is over") && said.contains("events=1"), "{said}");
}

#[test]
fn a_reader_that_sleeps_gets_the_newest_and_is_told_what_was_dropped() {
    let (nightreel, camera) = (Nightreel::new(), camera(0, &[]));
    configure(&nightreel, &camera, "");
    let mut command = nightreel.command(&["live", "gate", "--every", "1"]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut read = BufReader::new(run.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&read.next().unwrap().unwrap()).unwrap();
    let before = next();

    // waits for some fifty frames to come that nobody reads of
    thread::sleep(Duration::from_secs(5));
    // what was written before, and what waited to be written
    let waited = [next(), next(), next()];
    let after = next();

    let dropped = number(&after, "dropped") - number(&before, "dropped");
    assert!(dropped >= 20, "{before} {waited:?} {after}");
    assert!(number(&after, "lag_ms") < 5000, "{after}");
    let newest = number(&after, "frame") - number(&before, "frame");
    assert!(newest >= 30, "the newest is shown: {before} {after}");
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn a_camera_that_went_away_is_watched_again_when_it_comes_back() {
    let (nightreel, gone) = (Nightreel::new(), camera(0, &[]));
    let url = gone.url();
    nightreel.configure("[detect]\nenabled = false\n");
    let mut run = nightreel.start(&["live", &url, "--every", "10"]);
    eventually("a line before", PATIENCE, || lines(&run).pop());
    let port = gone.port();
    drop(gone);
    eventually("it to be noticed", PATIENCE, || run.said().contains("the stream is lost").then_some(()));
    let before = lines(&run);

    let _back = camera(port, &[]);

    eventually("lines after", PATIENCE, || (lines(&run).len() > before.len() + 2).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
    let lines = lines(&run);
    assert!(lines.windows(2).all(|pair| number(&pair[0], "frame") < number(&pair[1], "frame")), "{lines:?}");
    assert!(lines.iter().all(|line| line["camera"].is_null()));
    assert!(run.said().contains("the stream is back"));
}

#[test]
fn a_killed_decoder_is_replaced() {
    let (nightreel, camera) = (Nightreel::new(), camera(0, &[]));
    configure(&nightreel, &camera, "\n[gate]\nenabled = false\n");
    let mut run = nightreel.start(&["live", "gate", "--every", "10"]);
    eventually("a line before", PATIENCE, || lines(&run).pop());
    let before = lines(&run).len();
    children(run.id(), "decode-worker").into_iter().for_each(|child| child.kill());

    eventually("lines after", PATIENCE, || (lines(&run).len() > before + 2).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
}

#[test]
fn a_password_is_neither_said_nor_in_the_list_of_processes() {
    let password = "hunter2-of-the-gate";
    let camera = camera(0, &["--auth", "digest", "--password", password]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &camera, &format!("username = \"admin\"\npassword = {password:?}\n"));
    let mut run = nightreel.start(&["-vv", "live", "gate", "--every", "10"]);
    eventually("a line", PATIENCE, || lines(&run).pop());
    let workers = children(run.id(), "decode-worker");
    assert!(!workers.is_empty());
    for worker in workers {
        assert!(!worker.command_line.contains(password), "{}", worker.command_line);
    }
    assert_eq!(run.terminate().code(), Some(0));
    assert!(!run.said().contains(password), "{}", run.said());

    configure(&nightreel, &camera, "username = \"admin\"\npassword = \"wrong-hunter2\"\n");
    let refused = nightreel.run(&["live", "gate"]).with_code(1).telling(&["`gate`", "password refused"]);
    assert!(!refused.said().contains("wrong-hunter2"), "{}", refused.said());
}

#[test]
fn what_cannot_be_watched_is_said_at_once() {
    let nightreel = Nightreel::new();
    nightreel.configure("[[camera]]\nid = \"gate\"\n");
    nightreel.run(&["live", "yard"]).with_code(1).telling(&["no camera `yard`", "gate"]);
    nightreel.run(&["live", "gate"]).with_code(1).telling(&["`gate`", "no `url`"]);
    nightreel.run(&["live", "file:///srv/a.mp4"]).with_code(1).telling(&["nightreel process"]);
    let begun = Instant::now();
    // nobody listens on the port of discard
    let refused = nightreel.run(&["live", "rtsp://me:hunter2@127.0.0.1:9/a"]).with_code(1);
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(
        refused.stderr.contains("rtsp://127.0.0.1:9/a") && !refused.said().contains("hunter2"),
        "{refused:?}"
    );
}
