//! The gate: a quiet night costs next to nothing, nobody who walks through it is missed, and what is missed is
//! measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::media::{let_rest, sidecars};
use crate::support::{Clip, Nightreel, Seen, assert_sidecar, footage};

const PEDESTRIANS: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";

/// A night of ten minutes, a frame a second: the empty path with sensor noise and a slow change of light; the
/// camera's infrared filter switches in the second minute; a walker crosses in the sixth and, farther away, another
/// in the eighth.
const SEGMENTS: u64 = 10;
const SWITCH_S: f64 = 95.0;
const WALKERS: [(f64, f64); 2] = [(312.0, 326.0), (433.0, 447.0)];

fn ffmpeg(arguments: &[&str], output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y"])
        .args(arguments)
        .arg(output)
        .status()
        .expect("ffmpeg is installed: see scripts/setup.sh test");
    assert!(status.success(), "ffmpeg {arguments:?} failed");
}

/// Draws the night into a folder, as segments of a minute.
pub(crate) fn night(folder: &Path) -> Vec<PathBuf> {
    let [path, walker] = ["path.png", "walker.png"].map(|name| folder.join(name));
    ffmpeg(&["-i", PEDESTRIANS, "-vf", "fps=1,tmedian=radius=30", "-frames:v", "1"], &path);
    let cut = "select=eq(n\\,300),crop=40:94:310:206";
    ffmpeg(&["-i", PEDESTRIANS, "-vf", cut, "-frames:v", "1"], &walker);
    let pasted = |(from, to): (f64, f64)| format!("enable='between(t,{from},{to})'");
    let filter = format!(
        "[0]eq=brightness='0.06*sin(t/40)':eval=frame,\
         eq=gamma=0.6:contrast=0.7:saturation=0:enable='gte(t,{SWITCH_S})'[path];\
         [1]format=yuva420p,lumakey=threshold=0.7:tolerance=0.35,scale=32:75,split[near][far];[far]scale=16:36[far];\
         [path][near]overlay=x='40*(t-{})':y=235:{}[a];[a][far]overlay=x='700-30*(t-{})':y=180:{},noise=alls=12:allf=t,\
         format=yuv420p",
        WALKERS[0].0,
        pasted(WALKERS[0]),
        WALKERS[1].0,
        pasted(WALKERS[1]),
    );
    let length = (60 * SEGMENTS).to_string();
    let [path, walker] = [path, walker].map(|file| file.display().to_string());
    let still = |file| ["-loop", "1", "-framerate", "1", "-t", length.as_str(), "-i", file];
    let encoder = "-c:v libx264 -preset ultrafast -crf 30 -g 4 -bf 0 -sc_threshold 0 -threads 1 -f segment \
                   -segment_time 60 -reset_timestamps 1";
    let arguments: Vec<&str> = still(path.as_str())
        .into_iter()
        .chain(still(walker.as_str()))
        .chain(["-filter_complex", filter.as_str()])
        .chain(encoder.split_whitespace())
        .collect();
    ffmpeg(&arguments, &folder.join("minute%d.mp4"));
    (0..SEGMENTS).map(|minute| folder.join(format!("minute{minute}.mp4"))).collect()
}

/// Puts a minute of the night into the folder of the camera `gate`.
pub(crate) fn put(nightreel: &Nightreel, minute: usize, clip: &Path) {
    let name = format!("gate/segment_20261122_22{minute:02}00.mp4");
    let_rest(&nightreel.copy_in(clip, nightreel.root().join(name)));
}

fn results(nightreel: &Nightreel) -> Vec<Value> {
    sidecars(&nightreel.root().join("gate/processed")).iter().map(|file| assert_sidecar(file)).collect()
}

/// Seconds since the beginning of the night at which frames were looked at, with the reason.
fn looked_at(results: &[Value]) -> Vec<(f64, String)> {
    let samples = results
        .iter()
        .enumerate()
        .flat_map(|(minute, sidecar)| sidecar.list("samples").iter().map(move |sample| (minute, sample)));
    let kept = samples.filter(|(_, sample)| sample["gate"]["kept"] == true);
    kept.map(|(minute, sample)| {
        let second = 60.0 * minute as f64 + sample["frame"].as_f64().unwrap();
        (second, sample["gate"]["reason"].as_str().unwrap().to_owned())
    })
    .collect()
}

#[test]
fn a_quiet_night_costs_next_to_nothing_and_who_walks_through_it_is_seen() {
    let nightreel = Nightreel::new();
    let folder = tempfile::tempdir().unwrap();
    let night = night(folder.path());
    nightreel.configure(
        "[process]\nevery_nth_frame = 1\nworkers = 1\n\n[[camera]]\nid = \"gate\"\n\n\
         [detect]\nlabels = [\"person\"]\n",
    );
    night.iter().enumerate().for_each(|(minute, clip)| put(&nightreel, minute, clip));

    nightreel.run(&["process", "--once"]).with_code(0);

    let results_then = results(&nightreel);
    let kept = looked_at(&results_then);
    let is_quiet = |second: f64| WALKERS.iter().all(|(from, to)| !(from - 1.0..=to + 2.0).contains(&second));
    let quiet: Vec<_> = kept.iter().filter(|(second, _)| is_quiet(*second)).collect();
    assert!(quiet.len() <= 600 * 5 / 100, "{} of 600: {quiet:?}", quiet.len());
    for (from, to) in WALKERS {
        let inside = kept.iter().filter(|(second, _)| (from..=to).contains(second)).count();
        assert!(inside as f64 >= to - from, "{inside} of {} frames with a walker: {kept:?}", to - from + 1.0);
    }
    let light = kept.iter().filter(|(_, reason)| reason == "light").map(|(second, _)| *second);
    assert_eq!(light.collect::<Vec<_>>(), [SWITCH_S, SWITCH_S + 1.0], "{kept:?}");
    for sidecar in &results_then {
        for sample in sidecar.list("samples") {
            let looked_at = sample["gate"]["kept"] == true;
            assert_eq!(sample.list("views").len(), usize::from(looked_at), "{sample}");
        }
    }

    // Some of the same footage, the later first, by two workers side by side.
    let again = Nightreel::new();
    std::fs::create_dir_all(again.root()).unwrap();
    let settings = std::fs::read_to_string(nightreel.path("nightreel.toml")).unwrap();
    let (root, other) = (nightreel.root().display().to_string(), again.root().display().to_string());
    again.write("nightreel.toml", settings.replace(&root, &other).replace("workers = 1", "workers = 2"));
    for minute in [7, 5, 1] {
        put(&again, minute, &night[minute]);
        again.run(&["process", "--once"]).with_code(0);
    }
    assert_eq!(results(&again), [1, 5, 7].map(|minute: usize| results_then[minute].clone()));
}

fn pedestrians(nightreel: &Nightreel, sections: &str) -> Value {
    nightreel
        .configure(&format!("[process]\nevery_nth_frame = 10\n\n[[camera]]\nid = \"gate\"\n\n{sections}"));
    let clip = footage(Clip { from_s: 20, seconds: 30, ..Clip::default() });
    let_rest(&nightreel.copy_in(&clip, nightreel.root().join("gate/segment_20261122_220001.mp4")));
    nightreel.run(&["process", "--once"]).with_code(0);
    results(nightreel).remove(0)
}

#[test]
fn every_frame_with_people_who_walk_is_looked_at() {
    let people = "[detect]\nlabels = [\"person\"]\n";
    let open = pedestrians(&Nightreel::new(), &format!("{people}\n[gate]\nenabled = false\n"));
    assert!(open["gate"].is_null() && open["samples"][0]["gate"].is_null());
    let gated = pedestrians(&Nightreel::new(), people);
    assert_ne!(open["profile"]["id"], gated["profile"]["id"]);
    assert_eq!(open.frames(), gated.frames());
    let mut with_people = 0;
    for (open, gated) in open.list("samples").iter().zip(gated.list("samples")) {
        if open["views"][0].list("objects").is_empty() {
            continue;
        }
        with_people += 1;
        assert_eq!(gated["gate"]["kept"], true, "{gated}");
        assert_eq!(gated["views"], open["views"]);
    }
    assert!(with_people >= 25, "{with_people} of 30 frames show people");
}

#[test]
fn what_a_blind_gate_misses_is_measured_and_told() {
    let nightreel = Nightreel::new();
    let sections = "[detect]\nlabels = [\"person\"]\n\n[gate]\nthreshold = 255\naudit_share = 1.0\n";
    let sidecar = pedestrians(&nightreel, sections);
    let reasons: Vec<_> = sidecar.list("samples").iter().map(|sample| &sample["gate"]["reason"]).collect();
    assert!(reasons.iter().all(|reason| **reason == "audit"), "{reasons:?}");
    let tally = &sidecar["gate"];
    assert_eq!((&tally["samples"], &tally["kept"], &tally["audited"]), (&json!(30), &json!(30), &json!(30)));
    assert!(tally["missed"].as_u64() >= Some(25), "{tally}");

    let status = nightreel.status();
    for gate in [&status["gate"], &status["cameras"][0]["gate"]] {
        assert_eq!(gate["missed"], tally["missed"]);
        let rate = tally["missed"].as_f64().unwrap() / 30.0;
        assert!((gate["miss_rate"].as_f64().unwrap() - rate).abs() < 1e-9, "{gate}");
    }
    let said = nightreel.run(&["status"]).with_code(0).stdout;
    assert!(said.contains("of 30 quiet ones audited"), "{said}");
}

#[test]
fn what_stays_in_its_place_was_not_missed() {
    // A car and a van are parked beside the path.
    let sections =
        "[detect]\nlabels = [\"car\"]\nmin_score = 0.45\n\n[gate]\nthreshold = 255\naudit_share = 1.0\n";
    let sidecar = pedestrians(&Nightreel::new(), sections);
    let cars = sidecar.list("samples").iter().filter(|sample| !sample["views"][0].list("objects").is_empty());
    assert!(cars.count() >= 20, "{sidecar}");
    assert!(sidecar["gate"]["missed"].as_u64() <= Some(5), "{}", sidecar["gate"]);
}

#[test]
fn objects_carry_their_zones_and_others_are_left_out_where_that_is_asked_for() {
    let zone =
        "[[camera.zone]]\nname = \"left\"\npolygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]\n\n";
    let both = pedestrians(
        &Nightreel::new(),
        &format!("{zone}[camera.detect]\nlabels = [\"person\"]\nmin_score = 0.5\n"),
    );
    let only = pedestrians(
        &Nightreel::new(),
        &format!("{zone}[camera.detect]\nlabels = [\"person\"]\nmin_score = 0.5\nonly_in_zones = true\n"),
    );
    let mut left = 0;
    for object in both.objects() {
        assert!(object["label"] == "person" && object["score"].as_f64() >= Some(0.5), "{object}");
        let foot = object["box"][0].as_f64().unwrap() + object["box"][2].as_f64().unwrap() / 2.0;
        assert_eq!(object["zones"] == json!(["left"]), foot < 0.5, "{object}");
        left += usize::from(foot < 0.5);
    }
    assert!(left > 10 && left < both.objects().len(), "{left} of {}", both.objects().len());
    assert_eq!(only.objects().len(), left);
    assert!(only.objects().iter().all(|object| object["zones"] == json!(["left"])));
}
