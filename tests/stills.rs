//! Stills of the player: what a view shows at some time, made by the server out of what was recorded.

use std::fs;

use crate::masks::{MASK, columns, grey};
use crate::pages::{ask, ask_for_bytes, serve};
use crate::support::media::let_rest;
use crate::support::{DOME, Nightreel, dome_footage};

/// Six seconds of a dome, catalogued; nothing is looked for.
fn dome(mask: &str) -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("[detect]\nenabled = false\n\n[[camera]]\nid = \"dome\"\n{DOME}{mask}"));
    let name = "media/dome/segment_20261122_220000.mp4";
    let_rest(&nightreel.copy_in(&dome_footage(6), name));
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel
}

fn difference(one: &[u8], other: &[u8]) -> f64 {
    let ((width, one), (other_width, other)) = (grey(one), grey(other));
    assert_eq!((width, one.len()), (other_width, other.len()));
    let sum: f64 = one.iter().zip(&other).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / one.len() as f64
}

#[test]
fn a_still_is_the_view_of_the_frame_of_that_time() {
    let nightreel = dome("");
    let (mut server, address) = serve(&nightreel);
    let at = |second: &str| format!("GET /still/dome/left?at=2026-11-22T22:00:{second}Z");
    for (second, frame) in [("00", "0"), ("00.1", "1"), ("03.5", "35"), ("05.9", "59")] {
        let (head, still) = ask_for_bytes(&address, &at(second), "");
        assert!(head.contains("200 OK") && head.contains("content-type: image/jpeg"), "{head}");
        let clip = dome_footage(6);
        let view = ["view", clip.to_str().unwrap(), "--camera", "dome", "--frame", frame, "--out", "views"];
        nightreel.run(&view).with_code(0);
        let expected = fs::read(nightreel.path("views/view_left.jpg")).unwrap();
        assert!(difference(&still, &expected) < 1.5, "{second}: {}", difference(&still, &expected));
    }
    let (_, first) = ask_for_bytes(&address, &at("00"), "");
    let (_, other) = ask_for_bytes(&address, &at("03.5"), "");
    assert!(difference(&first, &other) > 1.5, "times differ");
    let (_, whole) = ask_for_bytes(&address, "GET /still/dome/original?at=2026-11-22T22:00:00Z", "");
    assert_eq!(grey(&whole).0, 960);
    for (path, status) in [
        ("/still/dome/none?at=2026-11-22T22:00:00Z", 404),
        ("/still/yard/left?at=2026-11-22T22:00:00Z", 404),
        ("/still/dome/left?at=2026-11-22T22:01:00Z", 404),
        ("/still/dome/left?at=2026-11-22T21:59:59Z", 404),
        ("/still/dome/..%2fleft?at=2026-11-22T22:00:00Z", 404),
        ("/still/dome/left?at=99999999999999d", 400),
        ("/still/dome/left?at=%2B262142-12-31T23:59:59Z", 400),
        ("/still/dome/left", 200),
    ] {
        assert_eq!(ask(&address, &format!("GET {path}"), "").0, status, "{path}");
    }
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_still_hides_what_nobody_may_see() {
    let nightreel = dome(MASK);
    let (mut server, address) = serve(&nightreel);
    let still = |view: &str| {
        ask_for_bytes(&address, &format!("GET /still/dome/{view}?at=2026-11-22T22:00:03Z"), "").1
    };
    let (brightest, _) = columns(&still("original"), 0..460);
    assert!(brightest < 40, "{brightest}");
    let (_, mean) = columns(&still("original"), 500..900);
    assert!(mean > 20.0, "{mean}");
    let (brightest, _) = columns(&still("left"), 0..300);
    assert!(brightest < 40, "also through the lens: {brightest}");
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_file_that_cannot_be_decoded_costs_no_other_still() {
    let nightreel = dome("");
    fs::write(nightreel.root().join("dome/processed/segment_20261122_220000.mp4"), "no video").unwrap();
    let_rest(&nightreel.copy_in(&dome_footage(6), "media/dome/segment_20261122_220100.mp4"));
    nightreel.run(&["process", "--once"]);
    let (mut server, address) = serve(&nightreel);
    assert!(ask(&address, "GET /still/dome/left?at=2026-11-22T22:00:03Z", "").0 >= 400);
    assert_eq!(ask(&address, "GET /still/dome/left?at=2026-11-22T22:01:03Z", "").0, 200);
    assert_eq!(server.terminate().code(), Some(0));
}
