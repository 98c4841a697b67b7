//! What was not recorded, told by `coverage`, `status`, `estimate` and the hook.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::media::finished;
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, eventually, footage};

fn camera(port: u16) -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port, options: &[] })
}

fn covered(nightreel: &Nightreel) -> Value {
    // a test that runs over midnight finds its footage in one of the two
    let days = ["coverage", "--json", "--timezone", "UTC", "--day", "today", "--day", "yesterday"];
    let mut lines = nightreel.run(&days).with_code(0).json_lines();
    let recorded = |line: &Value| line["recorded_s"].as_f64().unwrap();
    lines.sort_by(|a, b| recorded(a).total_cmp(&recorded(b)));
    lines.pop().unwrap()
}

fn missing(covered: &Value, cause: &str) -> f64 {
    let causes = covered["missing"].as_array().unwrap().iter();
    causes.filter(|line| line["cause"] == cause).map(|line| line["seconds"].as_f64().unwrap()).sum()
}

#[test]
fn a_camera_that_is_lost_is_told_of_while_it_lasts_and_counted_when_it_is_over() {
    let (nightreel, gone) = (Nightreel::new(), camera(0));
    let (port, url, heard) = (gone.port(), gone.url(), nightreel.path("heard"));
    let script = format!("cat >> {}", heard.display());
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 2\n\n\
         [hook]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n"
    ));
    let mut run = nightreel.start(&["run"]);
    eventually("a segment", PATIENCE, || finished(&nightreel.root().join("gate")).pop());
    eventually("the camera to be shown as recorded for some seconds", PATIENCE, || {
        let health = &nightreel.status()["cameras"][0]["health"];
        (health["state"] == "recording" && health["frames"].as_u64()? >= 40).then_some(())
    });
    drop(gone);
    let lost = Instant::now();
    let events = || {
        let text = std::fs::read_to_string(&heard).unwrap_or_default();
        let told = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.filter(|told| told["event"].as_str().unwrap().starts_with("camera_")).collect::<Vec<_>>()
    };
    eventually("the hook to hear of it", PATIENCE, || events().pop());
    assert!(lost.elapsed() >= Duration::from_secs(9), "a short outage is none");
    assert_eq!((&events()[0]["event"], &events()[0]["camera"]), (&"camera_lost".into(), &"gate".into()));
    let health = nightreel.status()["cameras"][0]["health"].clone();
    assert!(health["live"] == true && health["reason"].as_str().unwrap().contains("gate"), "{health}");
    assert!(missing(&covered(&nightreel), "ended by the camera") >= 9.0, "{}", covered(&nightreel));

    let _back = camera(port);
    let back = eventually("the hook to hear that it is back", PATIENCE, || events().get(1).cloned());
    assert_eq!(back["event"], "camera_back");
    let estimate = nightreel.run(&["estimate", "--json"]).with_code(0).json();
    assert!(estimate["bytes_per_day"].as_u64().unwrap() > 0, "{estimate}");
    assert!(estimate["disk"]["days_until_full"].as_f64().unwrap() > 0.0, "{estimate}");
    assert_eq!(run.terminate().code(), Some(0));

    let all = covered(&nightreel);
    assert!(
        missing(&all, "ended by the camera") >= 9.0 && all["recorded_s"].as_f64().unwrap() > 2.0,
        "{all}"
    );
    assert!(all["unexplained_s"].as_f64().unwrap() < 1.0, "{all}");
    let sum = all["recorded_s"].as_f64().unwrap()
        + all["missing"].as_array().unwrap().iter().map(|c| c["seconds"].as_f64().unwrap()).sum::<f64>()
        + all["unexplained_s"].as_f64().unwrap();
    assert!((sum - all["expected_s"].as_f64().unwrap()).abs() < 0.1, "{all}");
    assert_eq!(nightreel.status()["cameras"][0]["health"]["live"], false);
    nightreel.run(&["coverage", "--day", "someday"]).with_code(1).telling(&["`--day someday`", "yesterday"]);
    nightreel.verify();
}
