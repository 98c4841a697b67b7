//! Fisheye cameras: the circle found and remembered, views set up by eye, and people found again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    CEILING_CIRCLE, Clip, Nightreel, Seen, assert_sidecar, ceiling_footage, footage, through_a_dome,
};

/// A dome of which nothing is known but that it hangs from a ceiling.
const CEILING: &str = r#"
[[camera]]
id = "hall"
mount = "ceiling"

[camera.lens]

[[camera.view]]
name = "path"
yaw_deg = 45
pitch_deg = 60
"#;

/// Further views of it, one of each mode.
const ALL_AROUND: &str = r#"
[[camera.view]]
name = "quarters"
mode = "quad"
yaw_deg = 45

[[camera.view]]
name = "around"
mode = "panorama_360"

[[camera.view]]
name = "half"
mode = "panorama_180"

[[camera.view]]
name = "whole"
mode = "original"
"#;

fn hall(sections: &str) -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(sections);
    nightreel.copy_in(&ceiling_footage(), "clip.mp4");
    nightreel
}

/// Width and height, from the frame header of a JPEG.
fn jpeg_size(path: &Path) -> [usize; 2] {
    let bytes = fs::read(path).unwrap();
    let mut at = 2;
    while bytes[at + 1] != 0xC0 {
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
    }
    let number = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    [number(at + 7), number(at + 5)]
}

fn assert_found(circle: &Value) {
    let (center, radius) = CEILING_CIRCLE;
    let found = [&circle["center"][0], &circle["center"][1], &circle["radius"]].map(|n| n.as_f64().unwrap());
    for (found, truth) in found.into_iter().zip([center[0], center[1], radius]) {
        assert!((found - truth).abs() < 0.002, "{circle}: {found} is not {truth}");
    }
}

#[test]
fn a_lens_is_set_up_by_eye_from_one_frame() {
    let settings = format!("{CEILING}{ALL_AROUND}");
    let nightreel = hall(&settings);
    let view = ["view", "clip.mp4", "--camera", "hall", "--out", "views", "--frame", "5"];

    let told = nightreel.run(&view).with_code(0).stdout;
    let report = nightreel.run(&[&view[..], &["--json"]].concat()).with_code(0).json();

    assert_eq!(report["circle"]["source"], "found");
    assert_found(&report["circle"]);
    let center = &report["circle"]["center"];
    assert!(told.contains(&format!("center = [{}, {}]\nradius = ", center[0], center[1])), "{told}");
    let sizes = [
        ("view_path", [1280, 720]),
        ("view_quarters", [1920, 1080]),
        ("view_around", [2560, 480]),
        ("view_half", [1920, 720]),
        ("view_whole", [1440, 1240]),
        ("source", [1440, 1240]),
    ];
    for (name, size) in sizes {
        assert_eq!(jpeg_size(&nightreel.path(format!("views/{name}.jpg"))), size, "{name}");
    }
    let [marked, plain] =
        ["source", "view_whole"].map(|name| fs::read(nightreel.path(format!("views/{name}.jpg"))).unwrap());
    assert_ne!(marked, plain);

    // What it prints can be pasted, and then holds.
    let pasted = told.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    nightreel.configure(&settings.replace("[camera.lens]\n", &format!("[camera.lens]\n{pasted}\n")));
    let again = nightreel.run(&[&view[..], &["--json"]].concat()).with_code(0).json();
    assert_eq!(again["circle"]["source"], "settings");
    assert_eq!(again["circle"]["center"], *center);
    // Nothing was made but the pictures.
    assert!(!nightreel.root().join(".nightreel").exists());
}

#[test]
fn a_circle_is_found_once_and_stands_for_all_segments() {
    let nightreel = hall(CEILING);
    let first = nightreel.copy_in(&nightreel.path("clip.mp4"), "media/hall/a.mp4");
    nightreel.run(&["process", "--once", "--now"]).with_code(0);
    // In later footage no circle could be found.
    nightreel.copy_in(&footage(Clip::default()), "media/hall/b.mp4");
    let outcome = nightreel.run(&["process", "--once", "--now"]).with_code(0);
    assert!(!outcome.stderr.contains("cannot be told"), "{}", outcome.stderr);
    assert!(!first.exists());

    let [one, other] = ["a", "b"]
        .map(|name| assert_sidecar(&nightreel.root().join(format!("hall/processed/{name}.mp4.json"))));
    assert_eq!(one["profile"]["id"], other["profile"]["id"]);
    assert_eq!(one["profile"]["views"], json!(["path"]));
    assert!(one.count("person") >= 4, "{} people on the path", one.count("person"));

    let view = ["view", "clip.mp4", "--camera", "hall", "--out", "views", "--json"];
    let report = nightreel.run(&view).with_code(0).json();
    assert_eq!(report["circle"]["source"], "remembered");
    assert_found(&report["circle"]);
}

#[test]
fn a_circle_that_cannot_be_told_is_assumed_with_a_warning_that_names_the_keys() {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("[detect]\nenabled = false\n{CEILING}"));
    let clip = footage(Clip::default());
    nightreel.copy_in(&clip, "media/hall/a.mp4");
    nightreel.copy_in(&clip, "media/hall/b.mp4");

    let outcome = nightreel.run(&["process", "--once", "--now", "--json"]).with_code(0);

    assert_eq!(outcome.json()["segments"]["processed"], 2);
    let warnings = outcome.stderr.matches("`camera.lens.center` and `camera.lens.radius`").count();
    assert_eq!(warnings, 1, "{}", outcome.stderr);
    let file = clip.to_str().unwrap();
    let view = ["view", file, "--camera", "hall", "--out", "views", "--json"];
    let report = nightreel.run(&view).with_code(0).json();
    assert_eq!(report["circle"], json!({"source": "assumed", "center": [0.5, 0.5], "radius": 0.375}));
}

#[test]
fn what_cannot_be_shown_is_refused_with_what_to_do() {
    let nightreel = hall(CEILING);
    let view = |more: [&str; 4]| {
        nightreel.run(&[&["view", "clip.mp4", "--out", "views"], &more[..]].concat()).with_code(1).stderr
    };
    let unknown = view(["--camera", "hal", "--frame", "0"]);
    assert!(unknown.contains("no camera `hal`; they have: hall"), "{unknown}");
    let beyond = view(["--camera", "hall", "--frame", "4000"]);
    assert!(beyond.contains("frame 4000") && beyond.contains("the file has 10"), "{beyond}");
}

#[test]
fn people_lost_to_the_fisheye_are_found_again_in_the_view() {
    let nightreel = Nightreel::new();
    nightreel.configure(
        r#"
        [process]
        every_nth_frame = 10

        [detect]
        labels = ["person"]

        [[camera]]
        id = "straight"

        [[camera]]
        id = "raw"

        [[camera]]
        id = "dewarped"
        mount = "wall"

        [camera.lens]
        fov_deg = 180
        center = [0.5, 0.5]
        radius = 0.5

        [[camera.view]]
        name = "path"
        hfov_deg = 95.3
        size = [768, 576]
        "#,
    );
    let clip = footage(Clip { from_s: 20, seconds: 12, ..Clip::default() });
    let dome = nightreel.path("dome.mp4");
    through_a_dome(&clip, &dome);
    nightreel.copy_in(&clip, "media/straight/a.mp4");
    nightreel.copy_in(&dome, "media/raw/a.mp4");
    nightreel.copy_in(&dome, "media/dewarped/a.mp4");
    nightreel.run(&["process", "--once", "--now"]).with_code(0);

    let [straight, raw, dewarped] = ["straight", "raw", "dewarped"].map(|camera| {
        let path = nightreel.root().join(format!("{camera}/processed/a.mp4.json"));
        assert_sidecar(&path).count("person")
    });
    eprintln!("people straight {straight}, through the fisheye {raw}, dewarped {dewarped}");
    assert!(straight >= 40, "{straight}");
    assert!(10 * dewarped >= 9 * straight, "{dewarped} of {straight}");
    assert!(4 * raw <= 3 * straight, "{raw} of {straight}");
}
