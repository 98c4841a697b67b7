//! Tests of the detector on real footage, straight and through a fisheye lens that is known.

use config::{Detect, DetectModel, Framing, Lens, Mount, Placement, Projection, View, ViewMode};

use super::{Detector, Model, Object, Wanted};
use crate::Picture;
use crate::view::{Views, scene};

const FOOTAGE: &str = "/usr/share/doc/opencv-doc/examples/data/vtest.avi";
const SIZE: [u32; 2] = [768, 576];

/// Six people, a parked car and a van.
fn frame_300() -> Picture {
    let [width, height] = SIZE.map(|length| length as usize);
    let only = ["-vf", "select=eq(n\\,300)", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuvj420p"];
    let bytes = scene::ffmpeg(&[&["-i", FOOTAGE], &only[..]].concat(), Vec::new());
    let (y, chroma) = bytes.split_at(width * height);
    let (u, v) = chroma.split_at(chroma.len() / 2);
    assert_eq!(v.len(), width * height / 4, "{FOOTAGE} is in the package opencv-doc");
    Picture { width, height, y: y.to_vec(), u: u.to_vec(), v: v.to_vec() }
}

fn detector(labels: &[&str], min_score: f32) -> Detector {
    detector_at(416, (labels, min_score))
}

fn detector_at(input_px: u16, (labels, min_score): (&[&str], f32)) -> Detector {
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let model = DetectModel { input_px: Some(input_px), ..DetectModel::default() };
    let detect = Detect { labels: labels.clone(), min_score, model };
    Detector::new(&Model::open(&detect).unwrap(), &Wanted { labels, min_score }).unwrap()
}

fn scores(objects: &[Object], label: &str) -> Vec<f32> {
    objects.iter().filter(|object| object.label == label).map(|object| object.score).collect()
}

#[test]
fn people_and_cars_score_as_the_model_is_known_to_score() {
    let found = detector(&[], 0.35).detect(&frame_300()).unwrap();
    let expected: [(&str, &[f32]); 3] =
        [("person", &[0.80, 0.79, 0.77, 0.75, 0.73, 0.73]), ("car", &[0.64, 0.49]), ("truck", &[0.51])];
    for (label, expected) in expected {
        let found = scores(&found, label);
        assert!(found.len() >= expected.len(), "{label}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.05, "{label}: {found}, not {expected}");
        }
    }
}

#[test]
fn boxes_are_fractions_of_the_picture_and_tight() {
    let found = detector(&["person"], 0.6).detect(&frame_300()).unwrap();
    assert_eq!(found.len(), 6);
    for Object { area: [left, top, width, height], .. } in found {
        assert!(left >= 0.0 && top >= 0.0 && left + width <= 1.0 && top + height <= 1.0);
        // Everybody on that path is a standing person, 10 to 30 % of the picture's height.
        assert!((0.08..0.35).contains(&height) && width * 768.0 < height * 576.0, "{width} × {height}");
    }
}

#[test]
fn only_the_labels_asked_for_are_reported() {
    let found = detector(&["car", "Truck"], 0.4).detect(&frame_300()).unwrap();
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|object| matches!(object.label.as_str(), "car" | "truck") && object.score >= 0.4)
    );
}

#[test]
fn people_are_found_at_each_size_of_the_input() {
    for input_px in [320, 640] {
        let mut detector = detector_at(input_px, (&["person"], 0.4));
        let found = detector.detect(&frame_300()).unwrap();
        assert!((5..=9).contains(&found.len()), "{input_px}: {found:?}");
        for Object { area: [_, _, width, height], .. } in found {
            assert!((0.08..0.35).contains(&height) && width * 768.0 < height * 576.0, "{width} × {height}");
        }
    }
}

#[test]
fn a_black_picture_holds_nothing() {
    let found = detector(&[], 0.35).detect(&Picture::filled(640, 360, [0, 128, 128])).unwrap();
    assert_eq!(found, []);
}

#[test]
fn dewarping_brings_the_detections_back() {
    // f = 300 px on 900 × 900, k as below, drawn up to a distance of 1.2 f, which is 65.3° off the axis.
    let lens = Lens {
        projection: Projection::KannalaBrandt { k: [0.05, -0.01, 0.002, 0.0] },
        fov_deg: 130.6517,
        placement: Some(Placement::Circle { center: [0.5, 0.5], radius: Some(0.4) }),
        mount: Mount::Wall,
    };
    const FOCAL_PX: f64 = 350.0;
    let hfov_deg = 2.0 * (f64::from(SIZE[0]) / 2.0 / FOCAL_PX).atan().to_degrees();
    let frame = frame_300();
    let fisheye = scene::as_if_recorded(&frame, FOCAL_PX, &lens, 900);
    let framing = Framing { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0, hfov_deg, size: SIZE };
    let mode = ViewMode::Perspective(framing);
    let views = Views::new(Some(&lens), &[View { name: "path".to_owned(), mode }]).unwrap();
    let dewarped = views.cut(&fisheye).next().unwrap().picture.into_owned();

    let mut detector = detector(&["person", "car", "truck"], 0.35);
    let mut count = |picture: &Picture| detector.detect(picture).unwrap().len();
    let counts = [count(&frame), count(&fisheye), count(&dewarped)];
    // One of them stands near the threshold, and falls to either side of it as the decoder rounds.
    assert!((10..=11).contains(&counts[0]), "straight, fisheye, dewarped: {counts:?}");
    assert!(counts[1] <= 7 && counts[2] >= 9, "straight, fisheye, dewarped: {counts:?}");
}
