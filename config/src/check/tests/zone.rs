//! Tests of the gate, of masks and zones, and of what a camera looks for.

use std::time::Duration;

use super::{CAMERA, STORAGE, load, refused};
use crate::{CameraDetect, Fill, Gate, Mask, Reported, Zone};

const TRIANGLE: &str = "polygon = [[0, 0], [1, 0], [0.5, 1]]";

#[test]
fn reads_masks_zones_and_what_a_camera_looks_for() {
    let text = format!(
        "{CAMERA}[[camera.mask]]\n{TRIANGLE}\n[[camera.mask]]\nfill = 'blur'\n{TRIANGLE}\n\
         [[camera.zone]]\nname = 'door'\n{TRIANGLE}\n\
         [camera.detect]\nlabels = ['Traffic Light']\nmin_score = 0.5\nonly_in_zones = true\n"
    );
    let camera = load(&text).unwrap().cameras.remove(0);
    let polygon = vec![[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]];
    let masks = [Fill::Black, Fill::Blur].map(|fill| Mask { polygon: polygon.clone(), fill });
    assert_eq!(camera.masks, masks);
    assert_eq!(camera.zones, [Zone { name: "door".into(), view: "original".into(), polygon }]);
    let labels = Some(vec!["traffic_light".to_owned()]);
    let detect = CameraDetect { labels, min_score: Some(0.5), reported: Reported::OnlyInZones };
    assert_eq!(camera.detect, detect);
}

#[test]
fn the_gate_is_there_unless_it_is_turned_off() {
    let gate = Gate { threshold: 4.0, heartbeat: Duration::from_secs(600), audit_share: 0.01 };
    assert_eq!(load(STORAGE).unwrap().gate, Some(gate));
    assert_eq!(load(&format!("{STORAGE}[gate]\nenabled = false\n")).unwrap().gate, None);
}

#[test]
fn refuses_what_is_no_polygon_no_zone_and_no_gate() {
    refused(
        CAMERA,
        &[
            ("[[camera.mask]]", 5, "`camera[0].mask[0].polygon`: must be a list of at least three corners"),
            ("[[camera.mask]]\npolygon = [[0, 0], [1, 1]]", 6, "`camera[0].mask[0].polygon`: must be a list"),
            (
                "[[camera.mask]]\npolygon = [[0, 0], [1, 1], [2, 0]]",
                6,
                "`camera[0].mask[0].polygon`: must be",
            ),
            ("[[camera.mask]]\npolygon = [[0, 0], [1, nan], [1, 0]]", 6, "`camera[0].mask[0].polygon`: must"),
            (
                "[[camera.mask]]\nfill = 'white'\npolygon = [[0, 0], [1, 0], [0.5, 1]]",
                6,
                "`camera[0].mask[0].fill`: must be `black` or `blur`",
            ),
            (
                "[[camera.zone]]\npolygon = [[0, 0], [1, 0], [0.5, 1]]",
                5,
                "`camera[0].zone[0].name`: is missing",
            ),
            (
                "[[camera.zone]]\nname = 'a'\nview = 'dor'\npolygon = [[0, 0], [1, 0], [0.5, 1]]",
                7,
                "`camera[0].zone[0].view`: must be `original`",
            ),
            (
                "[camera.detect]\nlabels = ['persn']",
                6,
                "`camera[0].detect.labels[0]`: the detector knows no `persn`; did you mean `person`?",
            ),
            ("[camera.detect]\nmin_score = 2", 6, "`camera[0].detect.min_score`: must be from 0 to 1"),
            (
                "[camera.detect]\nonly_in_zones = true",
                6,
                "`camera[0].detect.only_in_zones`: needs at least one `[[camera.zone]]`",
            ),
            ("[gate]\nthreshold = 0", 6, "`gate.threshold`: must be from 0.1 to 255, but is 0"),
            ("[gate]\nheartbeat_seconds = 0", 6, "`gate.heartbeat_seconds`: must be from 1 to 86400"),
            ("[gate]\naudit_share = 2", 6, "`gate.audit_share`: must be from 0 to 1, but is 2"),
        ],
    );
}
