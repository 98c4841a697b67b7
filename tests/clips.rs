//! Clips: a span of footage as one file that other programs play.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::pages::{ask, ask_for_bytes, serve};
use crate::support::media::{finished, put_segments};
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, Seen, eventually, footage};

const BORDER: [&str; 6] =
    ["--camera", "gate", "--from", "2026-11-22T22:00:03.400Z", "--to", "2026-11-22T22:00:10Z"];

fn clip(nightreel: &Nightreel, span: &[&str]) -> crate::support::Outcome {
    let out = nightreel.path("clip.mp4");
    nightreel.run(&[&["clip"], span, &["--json", "--out", out.to_str().unwrap()]].concat())
}

/// Catalogues segments, and looks at none of them.
fn with_segments(count: u32) -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure("[detect]\nenabled = false\n");
    put_segments(&nightreel.root(), count);
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel
}

/// Decodes all of a file, where every complaint is a failure, and tells its frames' times.
fn decoded(file: &Path) -> Vec<f64> {
    let ffmpeg = ["-nostdin", "-v", "warning", "-xerror", "-i", file.to_str().unwrap(), "-f", "null", "-"];
    let said = Command::new("ffmpeg").args(ffmpeg).output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    let entries =
        ["-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0"];
    let told = Command::new("ffprobe").args(entries).arg(file).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    // some frames have side data, which is a line of its own
    told.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

fn streams(file: &Path) -> Vec<String> {
    let entries = ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"];
    let told = Command::new("ffprobe").args(entries).arg(file).output().unwrap();
    String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_clip_over_a_border_begins_at_a_keyframe_and_misses_no_frame() {
    let nightreel = with_segments(3);
    let told = clip(&nightreel, &BORDER).with_code(0).json();
    assert_eq!((&told["begins"], &told["frames"]), (&"2026-11-22T22:00:03Z".into(), &70.into()), "{told}");
    assert_eq!(told["holes"], Value::Array(vec![]));
    let file = nightreel.path("clip.mp4");
    assert_eq!(streams(&file), ["video"]);
    let times = decoded(&file);
    assert_eq!(times.len(), 70);
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.1).abs() < 0.001), "{times:?}");

    fs::rename(nightreel.root().join("gate/processed/segment_20261122_220006.mp4"), nightreel.path("away"))
        .unwrap();
    let holed = clip(&nightreel, &[&BORDER[..5], &["2026-11-22T22:00:14Z"]].concat()).with_code(0).json();
    let [hole] = &holed.list("holes")[..] else { panic!("{holed}") };
    assert_eq!(
        (&hole["from"], &hole["to"]),
        (&"2026-11-22T22:00:06Z".into(), &"2026-11-22T22:00:12Z".into())
    );
    let times = decoded(&file);
    assert_eq!((times.len(), times.last().unwrap().round()), (50, 11.0), "{times:?}");
}

#[test]
fn what_is_no_clip_is_refused_with_clear_words_and_leaves_no_file() {
    let nightreel = with_segments(1);
    let cases = [
        (["gate", "2026-11-22T22:00:05Z", "2026-11-22T22:00:04Z"], "later than `from`"),
        (["gate", "2026-11-21T22:00:00Z", "2026-11-21T22:00:04Z"], "nothing was recorded then"),
        (["gate", "2026-11-22T20:00:00Z", "2026-11-22T22:00:04Z"], "an hour at most"),
        (["yard", "2026-11-22T22:00:00Z", "2026-11-22T22:00:04Z"], "know such a camera"),
    ];
    for ([camera, from, to], words) in cases {
        let asked = clip(&nightreel, &["--camera", camera, "--from", from, "--to", to]);
        asked.with_code(1).telling(&[words]);
        assert!(!nightreel.path("clip.mp4").exists(), "{words}");
    }
}

#[test]
fn the_server_sends_the_same_clip_and_says_what_it_is() {
    let nightreel = with_segments(2);
    clip(&nightreel, &BORDER).with_code(0);
    let (mut server, address) = serve(&nightreel);
    let query = "from=2026-11-22T22:00:03.400Z&to=2026-11-22T22:00:10Z";
    let (_, line) = ask(&address, &format!("GET /api/v1/clip?camera=gate&{query}"), "");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["frames"], &line["begins"]), (&70.into(), &"2026-11-22T22:00:03Z".into()));

    let (head, content) = ask_for_bytes(&address, &format!("GET {}", line["download"].as_str().unwrap()), "");
    assert!(head.contains("filename=\"gate_20261122_220003-220010.mp4\""), "{head}");
    assert!(head.contains(&format!("content-length: {}", content.len())), "{head}");
    assert!(content == fs::read(nightreel.path("clip.mp4")).unwrap());

    let (_, page) = ask(&address, &format!("GET /clip/gate?{query}"), "");
    assert!(page.contains("the keyframe before 22:00:03"), "{page}");
    let refused = [
        ("gate", "from=2026-11-22T22:00:10Z&to=2026-11-22T22:00:03Z", 400, "later than `from`"),
        ("gate", "from=2026-11-22T20:00:00Z&to=2026-11-22T22:00:03Z", 400, "an hour at most"),
        ("gate", "from=2026-11-22T22:00:03Z", 400, "`from` and `to`"),
        ("gate", "from=noon&to=2026-11-22T22:00:03Z", 400, "is no time"),
        ("gate", "from=2026-11-20&to=2026-11-20T00:10", 404, "nothing was recorded then"),
        ("yard", query, 404, "no such camera"),
    ];
    for (camera, query, status, words) in refused {
        for path in ["", "/download"] {
            let (got, body) = ask(&address, &format!("GET /clip/{camera}{path}?{query}"), "");
            assert_eq!(got, status, "{camera} {query}");
            assert!(body.contains(words), "{body}");
        }
    }
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn footage_of_a_camera_becomes_a_clip_over_its_segments() {
    let (nightreel, footage) = (Nightreel::new(), footage(Clip { seconds: 20, ..Clip::default() }));
    let camera = FakeCamera::start(Play { clip: &footage, port: 0, options: &[] });
    nightreel
        .configure(&format!("[[camera]]\nid = \"gate\"\nurl = {:?}\nsegment_seconds = 3\n", camera.url()));
    let mut record = nightreel.start(&["record"]);
    eventually("three segments", PATIENCE, || {
        (finished(&nightreel.root().join("gate")).len() >= 3).then_some(())
    });
    assert_eq!(record.terminate().code(), Some(0));
    let told = clip(&nightreel, &["--camera", "gate", "--from", "10m", "--to", "now"]).with_code(0).json();
    assert_eq!(told["holes"], Value::Array(vec![]), "{told}");
    let times = decoded(&nightreel.path("clip.mp4"));
    assert_eq!(Some(times.len() as u64), told["frames"].as_u64());
    assert!(times.len() > 50, "{} frames", times.len());
    assert!(times.windows(2).all(|pair| (pair[1] - pair[0] - 0.1).abs() < 0.06), "{times:?}");
}
