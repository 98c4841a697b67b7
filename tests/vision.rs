//! The vision model: what it is shown, what is kept of its answers, and that none is bought twice, whatever its
//! server does.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{Timelike, Utc};
use serde_json::{Value, json};

use crate::support::media::{finished, let_rest, put_segments, sidecars};
use crate::support::{
    Clip, DOME, Nightreel, Outcome, Received, Reply, Running, Seen, VisionServer, assert_sidecar,
    dome_footage, footage,
};

pub(crate) const KEY: &str = "sk-Q7vv-3mWd";

/// Segments of six seconds have two looks each.
const LOOKS_EACH: usize = 2;

/// A config that asks this server, for plain text unless `keys` say otherwise.
pub(crate) fn configure(nightreel: &Nightreel, server: &VisionServer, keys: &str) {
    let base_url = server.base_url();
    let answer = if keys.contains("answer = ") { "" } else { "answer = \"text\"" };
    nightreel.configure(&format!(
        "[process]\nworkers = 1\n{}\n\n[detect]\nenabled = false\n\n\
         [[camera]]\nid = \"gate\"\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\napi_key_env = \"VISION_KEY\"\n\
         prompt = \"Who is there?\"\n{answer}\n{keys}\n\n\
         [[vision.price]]\nmodel = \"gpt-6-luna\"\ninput_per_million = 1.0\noutput_per_million = 10.0\n",
        timezone()
    ));
}

/// A zone in which it is not about midnight, when the count of the day's calls begins anew.
fn timezone() -> &'static str {
    match Utc::now().hour() {
        1..=22 => "timezone = \"UTC\"",
        _ => "timezone = \"Asia/Tokyo\"",
    }
}

pub(crate) fn command(nightreel: &Nightreel, key: &str) -> Command {
    let mut command = nightreel.command(&["-vv", "process", "--once", "--json"]);
    command.env("VISION_KEY", key);
    command
}

/// Processes with a log of everything, in which the key must not show.
#[track_caller]
pub(crate) fn process(nightreel: &Nightreel, code: i32) -> Outcome {
    let outcome = Outcome::of(&mut command(nightreel, KEY)).with_code(code);
    assert!(!outcome.said().contains(KEY), "{}", outcome.said());
    outcome
}

/// Reads the results of all processed segments, in the order of their names.
pub(crate) fn results(nightreel: &Nightreel) -> Vec<Value> {
    let folder = nightreel.root().join("gate/processed");
    sidecars(&folder).iter().map(|sidecar| assert_sidecar(sidecar)).collect()
}

pub(crate) fn captions(results: &[Value]) -> Vec<Option<&str>> {
    results.iter().flat_map(Seen::views).map(|view| view["caption"].as_str()).collect()
}

pub(crate) fn calls(results: &[Value]) -> Vec<Value> {
    results.iter().flat_map(|sidecar| sidecar.list("calls").clone()).collect()
}

pub(crate) fn statuses(calls: &[Value]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call["status"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

fn in_ledger(calls: &[Value]) -> BTreeSet<&str> {
    calls.iter().map(|call| call["request_id"].as_str().unwrap()).collect()
}

fn arrived(journal: &[Received]) -> BTreeSet<&str> {
    journal.iter().map(Received::request_id).collect()
}

/// The ledger names each request that arrived, and no other.
pub(crate) fn assert_ledger_is(calls: &[Value], journal: &[Received]) {
    assert_eq!(in_ledger(calls), arrived(journal));
    assert_eq!(calls.len(), journal.len());
}

/// Counts how often each question was asked: the pictures of two looks differ.
pub(crate) fn asked(journal: &[Received]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for received in journal {
        *counts.entry(received.body.to_string()).or_default() += 1;
    }
    counts
}

fn backlog(nightreel: &Nightreel) -> Value {
    nightreel.status()["backlog"].clone()
}

/// Nothing was set aside, nothing is gone.
pub(crate) fn assert_all_wait(nightreel: &Nightreel, segments: usize) {
    let gate = nightreel.root().join("gate");
    assert_eq!(finished(&gate).len(), segments);
    assert_eq!(finished(&gate.join("failed")), Vec::<PathBuf>::new());
    assert_eq!(backlog(nightreel), segments);
    nightreel.verify();
}

#[test]
fn captions_and_their_calls_are_in_the_sidecars() {
    let server =
        VisionServer::start(Some(KEY), |received| Reply::Caption(format!("caption {}", received.number)));
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1");
    put_segments(&nightreel.root(), 2);

    let summary = process(&nightreel, 0).json();

    let results = results(&nightreel);
    let expected = ["caption 1", "caption 2", "caption 3", "caption 4"].map(Some);
    assert_eq!(captions(&results), expected);
    let calls = calls(&results);
    assert_eq!(statuses(&calls), BTreeMap::from([("answered", 4)]));
    assert_ledger_is(&calls, &server.journal());
    for call in &calls {
        assert_eq!(call["model"], "gpt-6-luna");
        assert_eq!((&call["input_tokens"], &call["output_tokens"]), (&json!(1000), &json!(100)));
        // A thousand tokens at a dollar and a hundred at ten dollars a million.
        assert!((call["cost_usd"].as_f64().unwrap() - 0.002).abs() < 1e-9, "{call}");
    }
    assert_eq!(summary["calls"], 4);
    assert!((summary["cost_usd"].as_f64().unwrap() - 0.008).abs() < 1e-9, "{summary}");
    assert_eq!(results[0]["profile"]["vision_model"], "gpt-6-luna");
    for received in server.journal() {
        assert!(received.body.to_string().contains("Who is there?"), "{}", received.body);
        assert_eq!(received.images.len(), 1);
    }
    nightreel.verify();
}

/// Runs ffmpeg on an input from memory or a file, and returns a grey picture.
fn grey(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error"])
        .args(arguments)
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed: see scripts/setup.sh test");
    ffmpeg.stdin.take().unwrap().write_all(input).unwrap();
    let output = ffmpeg.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Cuts a view out of a frame of the fisheye clip by ffmpeg's own means.
fn dewarped(clip: &Path, frame: u64, yaw: i32) -> Vec<u8> {
    let filter = format!(
        "select=eq(n\\,{frame}),v360=fisheye:flat:ih_fov=120:iv_fov=120:h_fov=60:v_fov=46.826:yaw={yaw}:w=640:h=480"
    );
    grey(&["-i", clip.to_str().unwrap(), "-vf", &filter], b"")
}

/// Peak signal-to-noise ratio of two grey pictures, in dB: how alike they are.
fn psnr(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let squares = one.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    let mean = squares.sum::<f64>() / one.len() as f64;
    10.0 * (255.0_f64.powi(2) / mean).log10()
}

#[test]
fn the_picture_sent_is_the_dewarped_view() {
    let server = VisionServer::scripted([]);
    let base_url = server.base_url();
    let nightreel = Nightreel::new();
    nightreel.configure(&format!(
        "[detect]\nenabled = false\n\n[vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\n\n\
         [[camera]]\nid = \"dome\"\n{DOME}"
    ));
    let clip = dome_footage(6);
    let_rest(&nightreel.copy_in(&clip, nightreel.root().join("dome/a.mp4")));

    nightreel.run(&["process", "--once"]).with_code(0);

    let results = assert_sidecar(&nightreel.root().join("dome/processed/a.mp4.json"));
    let journal = server.journal();
    assert_eq!(journal.len(), 4, "two frames of two views");
    for sample in results.list("samples") {
        let frame = sample["frame"].as_u64().unwrap();
        let truths = [("left", -22), ("right", 22)].map(|(view, yaw)| (view, dewarped(&clip, frame, yaw)));
        for view in sample.list("views") {
            let caption = view["caption"].as_str().unwrap();
            let received = journal.iter().find(|received| caption == format!("caption {}", received.number));
            let [jpeg] = &received.unwrap().images[..] else { panic!("one picture per question") };
            assert_eq!(jpeg[..3], [0xff, 0xd8, 0xff], "it is a JPEG");
            let picture = grey(&["-f", "jpeg_pipe", "-i", "pipe:0"], jpeg);
            assert_eq!(picture.len(), 640 * 480, "as large as the view");
            for (name, truth) in &truths {
                let likeness = psnr(&picture, truth);
                let is_it = view["view"] == *name;
                assert_eq!(
                    likeness > 28.0,
                    is_it,
                    "{view} of frame {frame} against {name}: {likeness:.1} dB"
                );
                assert!(is_it || likeness < 22.0, "the views differ enough to tell: {likeness:.1} dB");
            }
        }
    }
}

#[test]
fn at_the_days_cap_the_rest_waits_and_nothing_is_asked_twice() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1\nmax_calls_per_day = 3");
    put_segments(&nightreel.root(), 3);

    let summary = process(&nightreel, 0).telling(&["vision.max_calls_per_day"]).json();
    assert_eq!(summary["segments"], json!({"processed": 1, "skipped": 0, "failed": 0}));
    assert_eq!(server.journal().len(), 3);
    assert_eq!(backlog(&nightreel), 2);
    let vision = &nightreel.status()["vision"];
    assert_eq!((&vision["calls_today"], &vision["max_calls_per_day"]), (&json!(3), &json!(3)));
    assert_eq!(vision["tokens_today"], 3300);
    assert_eq!(vision["deferred"][0]["cap"], "vision.max_calls_per_day");
    assert_eq!(vision["deferred"][0]["camera"], Value::Null);

    process(&nightreel, 0).telling(&["vision.max_calls_per_day"]);
    assert_eq!(server.journal().len(), 3, "the cap holds for the day, not for the run");

    // "raise the key to go on now"
    configure(&nightreel, &server, "concurrency = 1\nmax_calls_per_day = 1000");
    process(&nightreel, 0);

    let results = results(&nightreel);
    let expected: Vec<_> = (1..=6).map(|number| format!("caption {number}")).collect();
    assert_eq!(captions(&results), expected.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
    assert_ledger_is(&calls(&results), &server.journal());
    assert!(asked(&server.journal()).into_values().all(|times| times == 1));
    nightreel.verify();
}

#[test]
fn an_answer_that_was_paid_for_is_not_bought_again_under_other_settings() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1");
    let file = nightreel.copy_in(&footage(Clip::default()), "old/clip.mp4");
    let look = |every: &str| {
        let mut command = nightreel.command(&["process", "old", "--every", every]);
        Outcome::of(command.env("VISION_KEY", KEY)).with_code(0);
        let sidecar = assert_sidecar(&crate::support::sidecar_beside(&file));
        captions(&[sidecar]).into_iter().map(|caption| caption.unwrap().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(look("30"), ["caption 1", "caption 2"]);
    assert_eq!(look("15"), ["caption 1", "caption 3", "caption 2", "caption 4"]);
    assert_eq!(server.journal().len(), 4);
}

#[test]
fn killed_in_the_middle_it_asks_again_at_most_what_was_under_way() {
    let server = VisionServer::start(None, |received| {
        Reply::Caption(format!("caption {}", received.number)).late(Duration::from_millis(100))
    });
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 2");
    put_segments(&nightreel.root(), 4);
    let looks = 4 * LOOKS_EACH;

    for calls_before_the_kill in [2, 5, 8] {
        let mut run = Running::spawn(command(&nightreel, KEY));
        server.wait_for(calls_before_the_kill);
        assert!(run.kill(), "{}", run.said());
    }
    process(&nightreel, 0);

    let (results, journal) = (results(&nightreel), server.journal());
    let captions: BTreeSet<_> = captions(&results).into_iter().flatten().collect();
    assert_eq!(captions.len(), looks, "each look has an answer of its own");
    assert_eq!(asked(&journal).len(), looks);
    let calls = calls(&results);
    let counts = statuses(&calls);
    // A row without its request is one that was killed before it was sent.
    let (ledger, arrived) = (in_ledger(&calls), arrived(&journal));
    assert!(ledger.is_superset(&arrived), "sent without a row: {:?}", arrived.difference(&ledger));
    assert_eq!(counts.get("answered"), Some(&looks));
    let unknown = counts.get("unknown").copied().unwrap_or_default();
    assert_eq!(looks + unknown, calls.len(), "{counts:?}");
    assert!(unknown <= 3 * 2, "three kills with two under way, {unknown} asked again");
    assert!(server.most_under_way() <= 4, "at most two of a dead run and two of the next");
    nightreel.verify();
}
