//! Recording from a real RTSP server: what a person who stops, starts and restarts things relies on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::media::{finished, partials};
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, eventually, footage};

fn camera(port: u16) -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port, options: &[] })
}

fn configure(nightreel: &Nightreel, camera: &FakeCamera) {
    let url = camera.url();
    nightreel.configure(&format!("[[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 2\n"));
}

/// Waits until nothing is being recorded; one look could fall between two segments.
fn until_nothing_is_open(folder: &Path) {
    let mut empty_since = None;
    eventually("the open segment to be closed", PATIENCE, || {
        if partials(folder).is_empty() {
            empty_since.get_or_insert_with(Instant::now).elapsed().gt(&Duration::from_secs(1)).then_some(())
        } else {
            empty_since = None;
            None
        }
    });
}

#[test]
fn finishes_the_open_segment_on_sigterm_within_ten_seconds() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    configure(&nightreel, &camera);
    let folder = nightreel.root().join("gate");
    let mut run = nightreel.start(&["record"]);
    eventually("a finished segment and an open one", PATIENCE, || {
        (!finished(&folder).is_empty() && !partials(&folder).is_empty()).then_some(())
    });

    let asked = Instant::now();
    let status = run.terminate();

    assert_eq!(status.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    assert_eq!(partials(&folder), Vec::<PathBuf>::new());
    for segment in finished(&folder) {
        nightreel.run(&["frames", segment.to_str().unwrap(), "--json"]).with_code(0);
    }
}

/// As `timeout` does it.
#[test]
fn finishes_the_open_segment_when_the_signal_comes_twice() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    configure(&nightreel, &camera);
    let folder = nightreel.root().join("gate");
    let mut run = nightreel.start(&["record"]);
    eventually("an open segment", PATIENCE, || (!partials(&folder).is_empty()).then_some(()));

    run.ask_to_finish();
    eventually("the first signal to be heard", PATIENCE, || run.said().contains("finishing").then_some(()));

    assert_eq!(run.terminate().code(), Some(0));
    assert_eq!(partials(&folder), Vec::<PathBuf>::new());
}

#[test]
fn records_the_other_cameras_when_the_password_of_one_is_missing() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    let url = camera.url();
    nightreel.configure(&format!(
        "[[camera]]\nid = \"locked\"\nurl = {url:?}\nusername = \"admin\"\npassword_env = \"LOCKED_PASSWORD\"\n\n\
         [[camera]]\nid = \"gate\"\nurl = {url:?}\nsegment_seconds = 2\n\n\
         [vision]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\napi_key_env = \"MISSING_KEY\"\n"
    ));
    let mut run = nightreel.start(&["run"]);
    eventually("a segment of the other camera", PATIENCE, || finished(&nightreel.root().join("gate")).pop());

    assert_eq!(run.terminate().code(), Some(0));
    let said = run.said();
    assert!(said.contains("LOCKED_PASSWORD") && said.contains("MISSING_KEY"), "{said}");
    assert_eq!(finished(&nightreel.root().join("locked")), Vec::<PathBuf>::new());
}

#[test]
fn refuses_a_second_recorder_for_the_same_camera() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    configure(&nightreel, &camera);
    let folder = nightreel.root().join("gate");
    let mut first = nightreel.start(&["record"]);
    eventually("a partial of the first", PATIENCE, || partials(&folder).pop());

    let second = nightreel.run(&["record"]).with_code(1);

    assert!(second.stderr.contains("gate"), "the error names the camera: {}", second.stderr);
    assert_eq!(first.terminate().code(), Some(0));
}

#[test]
fn records_again_when_a_camera_that_went_away_comes_back() {
    let (nightreel, gone) = (Nightreel::new(), camera(0));
    configure(&nightreel, &gone);
    let folder = nightreel.root().join("gate");
    let mut run = nightreel.start(&["record"]);
    eventually("a segment before", PATIENCE, || finished(&folder).pop());
    let port = gone.port();
    drop(gone);
    until_nothing_is_open(&folder);
    let before = finished(&folder).len();

    let _back = camera(port);

    eventually("a segment after", PATIENCE, || (finished(&folder).len() > before).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
}

#[test]
fn leaves_a_camera_that_froze_and_records_again_when_it_thaws() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    configure(&nightreel, &camera);
    let folder = nightreel.root().join("gate");
    let mut run = nightreel.start(&["record"]);
    eventually("a segment before", PATIENCE, || finished(&folder).pop());

    camera.freeze();
    until_nothing_is_open(&folder);
    let before = finished(&folder).len();
    camera.thaw();

    eventually("a segment after", PATIENCE, || (finished(&folder).len() > before).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
}

#[test]
fn makes_a_killed_recording_whole_at_the_next_start() {
    let (nightreel, camera) = (Nightreel::new(), camera(0));
    configure(&nightreel, &camera);
    let folder = nightreel.root().join("gate");
    let mut killed = nightreel.start(&["record"]);
    let partial = eventually("a partial with pictures in it", PATIENCE, || {
        partials(&folder)
            .pop()
            .filter(|file| std::fs::metadata(file).is_ok_and(|facts| facts.len() > 100_000))
    });
    assert!(killed.kill(), "it ended before it was killed");
    let whole = partial.with_extension("");
    // It may have been closed between the look and the kill; then the story is told of a later one.
    let left = partials(&folder);

    let mut run = nightreel.start(&["record"]);

    for cut in &left {
        eventually("the partial to be made whole", PATIENCE, || {
            cut.with_extension("").exists().then_some(())
        });
        assert!(!cut.exists(), "{} is still there", cut.display());
    }
    assert_eq!(run.terminate().code(), Some(0));
    let frames = nightreel.run(&["frames", whole.to_str().unwrap(), "--every", "1", "--json"]).with_code(0);
    assert!(frames.stdout.lines().count() >= 5, "{}", frames.stdout);
}
