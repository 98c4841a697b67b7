//! The main job: two cameras are recorded, what they saw is looked at, and it ends up in processed/.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::media::{contents, finished, let_rest, names, partials, put_segments, sha256, sidecars};
use crate::support::{
    Clip, DOME, FakeCamera, Nightreel, PATIENCE, Play, Seen, assert_sidecar, dome_footage, eventually,
    footage, sidecar_beside,
};

const CAMERAS: [&str; 2] = ["gate", "dome"];

/// Two cameras that see the same, one of them through a fisheye lens, and a config that records both.
fn two_cameras(nightreel: &Nightreel) -> [FakeCamera; 2] {
    let plain = footage(Clip { seconds: 20, ..Clip::default() });
    let cameras =
        [plain, dome_footage(20)].map(|clip| FakeCamera::start(Play { clip: &clip, port: 0, options: &[] }));
    let [gate, dome] = cameras.each_ref().map(FakeCamera::url);
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 10\n\n\
         [detect]\nlabels = [\"person\", \"car\"]\n\n\
         [[camera]]\nid = \"gate\"\nurl = {gate:?}\nsegment_seconds = 2\n\n\
         [[camera]]\nid = \"dome\"\nurl = {dome:?}\nsegment_seconds = 2\n{DOME}"
    ));
    cameras
}

fn folder(nightreel: &Nightreel, camera: &str) -> PathBuf {
    nightreel.root().join(camera)
}

/// Records until each camera has so many segments, and one open; then ends as a person does.
fn record(nightreel: &Nightreel, segments: usize) {
    let mut run = nightreel.start(&["record"]);
    eventually("segments of both cameras", PATIENCE, || {
        let enough = |camera| finished(&folder(nightreel, camera)).len() >= segments;
        CAMERAS.into_iter().all(enough).then_some(())
    });
    assert_eq!(run.terminate().code(), Some(0));
}

/// `segment_20261122_220000.mp4` began at `2026-11-22T22:00:00`.
fn second_in_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let digits: Vec<char> = stem.chars().filter(char::is_ascii_digit).take(14).collect();
    let part = |range: std::ops::Range<usize>| digits[range].iter().collect::<String>();
    format!("{}-{}-{}T{}:{}:{}", part(0..4), part(4..6), part(6..8), part(8..10), part(10..12), part(12..14))
}

fn assert_describes(sidecar: &Value, file: &Path, camera: &str) {
    let segment = &sidecar["segment"];
    assert_eq!(segment["camera"], camera);
    assert_eq!(segment["file"], file.file_name().unwrap().to_str().unwrap());
    assert_eq!(segment["start_source"], "recorder");
    assert_eq!(segment["codec"], "h264");
    assert_eq!(segment["sha256"], sha256(file));
    let start = segment["start"].as_str().unwrap();
    assert_eq!(start[..19], second_in_name(file), "{}", file.display());
    let frames = segment["frames"].as_u64().unwrap();
    assert_eq!(sidecar.frames(), (0..frames).step_by(10).collect::<Vec<_>>(), "of {frames} frames");
}

/// Boxes lie in their view, and have an area.
fn assert_boxes(sidecar: &Value) {
    for object in sidecar.objects() {
        let area: Vec<f64> = object.list("box").iter().map(|side| side.as_f64().unwrap()).collect();
        let [x, y, width, height] = area[..] else { panic!("{object}") };
        assert!(width > 0.0 && height > 0.0 && x + width <= 1.000_001 && y + height <= 1.000_001, "{object}");
    }
}

#[test]
fn two_cameras_are_recorded_looked_at_and_tidied_away() {
    let nightreel = Nightreel::new();
    let cameras = two_cameras(&nightreel);
    record(&nightreel, 2);
    drop(cameras);
    let recorded = CAMERAS.map(|camera| names(&finished(&folder(&nightreel, camera))));

    let summary = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();

    let all = recorded.iter().map(BTreeSet::len).sum::<usize>();
    assert_eq!(summary["segments"], json!({"processed": all, "skipped": 0, "failed": 0}));
    assert_eq!(summary["failures"], json!([]));
    let (mut samples, mut persons) = (0, 0);
    for (camera, recorded) in CAMERAS.into_iter().zip(&recorded) {
        let processed = folder(&nightreel, camera).join("processed");
        assert_eq!(names(&finished(&processed)), *recorded);
        assert_eq!(finished(&folder(&nightreel, camera)), Vec::<PathBuf>::new());
        assert_eq!(sidecars(&folder(&nightreel, camera)), Vec::<PathBuf>::new());
        let mut seen = 0;
        for file in finished(&processed) {
            let sidecar = assert_sidecar(&sidecar_beside(&file));
            assert_describes(&sidecar, &file, camera);
            assert_boxes(&sidecar);
            let views = if camera == "dome" { json!(["left", "right"]) } else { json!(["original"]) };
            assert_eq!(sidecar["profile"]["views"], views);
            for sample in sidecar.list("samples") {
                let cut: Vec<_> = sample.list("views").iter().map(|view| view["view"].clone()).collect();
                assert_eq!(Value::from(cut), views);
            }
            samples += sidecar.list("samples").len();
            seen += sidecar.count("person");
        }
        assert!(seen >= recorded.len(), "{camera} shows people all the time, {seen} were found");
        persons += seen;
    }
    assert_eq!(summary["samples"], samples);
    assert_eq!(summary["objects"]["person"], persons);
    nightreel.verify();

    let status = nightreel.status();
    assert_eq!(status["segments"]["processed"], all);
    assert_eq!(status["backlog"], 0);
    let ids: Vec<_> = status.list("cameras").iter().map(|camera| camera["id"].clone()).collect();
    assert_eq!(Value::from(ids), json!(CAMERAS));
    assert!(status["disk"]["total_bytes"].as_u64() > status["disk"]["free_bytes"].as_u64());
}

#[test]
fn a_second_run_finds_nothing_to_do_and_changes_no_byte() {
    let nightreel = Nightreel::new();
    nightreel.configure("[detect]\nenabled = false\n");
    put_segments(&nightreel.root(), 2);
    let clip = footage(Clip { extension: "mkv", ..Clip::default() });
    let_rest(&nightreel.copy_in(&clip, nightreel.root().join("yard/old.mkv")));
    let first = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();
    assert_eq!(first["segments"]["processed"], 3);
    let before = contents(&nightreel.root());

    let second = nightreel.run(&["process", "--once", "--json"]).with_code(0).json();

    assert_eq!(second["segments"], json!({"processed": 0, "skipped": 0, "failed": 0}));
    assert_eq!(second["samples"], 0);
    let plan = nightreel.run(&["retain", "--json"]).with_code(0).json();
    assert!(plan.list("plan").iter().all(|entry| entry["verdict"] == "keep"), "{plan}");
    assert_eq!(contents(&nightreel.root()), before);
    nightreel.verify();
}

#[test]
fn two_processes_share_a_backlog() {
    let nightreel = Nightreel::new();
    nightreel.configure("[process]\nworkers = 1\n\n[detect]\nlabels = [\"person\"]\n");
    put_segments(&nightreel.root(), 6);

    let mut runs = [(); 2].map(|()| nightreel.start(&["process", "--once", "--json"]));

    let mut shares = runs.each_mut().map(|run| {
        let status = eventually("the end of the backlog", PATIENCE, || run.ended());
        assert_eq!(status.code(), Some(0), "{}", run.said());
        let said = run.said();
        let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        summary["segments"]["processed"].as_u64().unwrap()
    });
    shares.sort_unstable();
    assert_eq!(shares.iter().sum::<u64>(), 6, "{shares:?}");
    assert_eq!(finished(&folder(&nightreel, "gate").join("processed")).len(), 6);
    nightreel.verify();
}

#[test]
fn run_does_all_of_it_in_one_process_until_it_is_told_to_stop() {
    let nightreel = Nightreel::new();
    let cameras = two_cameras(&nightreel);
    let processed = CAMERAS.map(|camera| folder(&nightreel, camera).join("processed"));
    let mut run = nightreel.start(&["run"]);
    eventually("processed segments of both cameras while one is recorded", PATIENCE, || {
        let enough =
            processed.iter().all(|folder| sidecars(folder).len() >= 2 && finished(folder).len() >= 2);
        let recording = CAMERAS.iter().all(|camera| !partials(&folder(&nightreel, camera)).is_empty());
        (enough && recording).then_some(())
    });

    let asked = Instant::now();
    let status = run.terminate();

    assert_eq!(status.code(), Some(0), "{}", run.said());
    assert!(asked.elapsed() < Duration::from_secs(10), "it took {:?}", asked.elapsed());
    drop(cameras);
    for camera in CAMERAS {
        assert_eq!(partials(&folder(&nightreel, camera)), Vec::<PathBuf>::new());
    }
    nightreel.verify();
    nightreel.run(&["process", "--once"]).with_code(0);
    for (camera, processed) in CAMERAS.into_iter().zip(&processed) {
        assert_eq!(finished(&folder(&nightreel, camera)), Vec::<PathBuf>::new());
        for file in finished(processed) {
            assert_describes(&assert_sidecar(&sidecar_beside(&file)), &file, camera);
        }
    }
    nightreel.verify();
}
