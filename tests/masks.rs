//! Privacy masks: what nobody may see is in no picture that leaves the machine.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::media::let_rest;
use crate::support::{Clip, DOME, Nightreel, Seen, VisionServer, assert_sidecar, dome_footage, footage};

/// The left half of the picture.
pub(crate) const MASK: &str =
    "\n[[camera.mask]]\npolygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]\n";

/// Decodes a JPEG to grey, with its width.
pub(crate) fn grey(jpeg: &[u8]) -> (usize, Vec<u8>) {
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "jpeg_pipe", "-i", "pipe:0"])
        .args(["-f", "image2pipe", "-c:v", "pgm", "-pix_fmt", "gray", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed: see scripts/setup.sh test");
    ffmpeg.stdin.take().unwrap().write_all(jpeg).unwrap();
    let output = ffmpeg.wait_with_output().unwrap();
    assert!(output.status.success());
    let head = output.stdout.splitn(4, |byte| byte.is_ascii_whitespace()).nth(1).unwrap();
    let width: usize = std::str::from_utf8(head).unwrap().parse().unwrap();
    let mut parts = output.stdout.splitn(5, |byte| byte.is_ascii_whitespace());
    (width, parts.nth(4).unwrap().to_vec())
}

/// Returns the brightest pixel and the mean of some columns.
pub(crate) fn columns(jpeg: &[u8], columns: std::ops::Range<usize>) -> (u8, f64) {
    let (width, pixels) = grey(jpeg);
    let inside: Vec<u8> = pixels.chunks_exact(width).flat_map(|row| &row[columns.clone()]).copied().collect();
    let sum: f64 = inside.iter().map(|&pixel| f64::from(pixel)).sum();
    (*inside.iter().max().unwrap(), sum / inside.len() as f64)
}

fn vision(server: &VisionServer) -> String {
    let base_url = server.base_url();
    format!(
        "[detect]\nenabled = false\n\n[gate]\nenabled = false\n\n\
         [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\n\n"
    )
}

#[test]
fn the_picture_sent_has_the_masks_also_through_a_fisheye() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("{}[[camera]]\nid = \"dome\"\n{DOME}{MASK}", vision(&server)));
    let_rest(&nightreel.copy_in(&dome_footage(6), nightreel.root().join("dome/a.mp4")));

    nightreel.run(&["process", "--once"]).with_code(0);

    let results = assert_sidecar(&nightreel.root().join("dome/processed/a.mp4.json"));
    let journal = server.journal();
    assert_eq!(journal.len(), 4, "two frames of two views");
    for view in results.views() {
        let caption = view["caption"].as_str().unwrap();
        let received = journal.iter().find(|received| caption == format!("caption {}", received.number));
        let [jpeg] = &received.unwrap().images[..] else { panic!("one picture per question") };
        // The views look 22° to either side, 60° wide: straight ahead is 224 pixels off their middle.
        let (hidden, seen) = match view["view"].as_str().unwrap() {
            "left" => (0..535, 560..640),
            _ => (0..85, 110..640),
        };
        let (brightest, _) = columns(jpeg, hidden);
        assert!(brightest < 30, "{} shows {brightest} behind the mask", view["view"]);
        let (_, mean) = columns(jpeg, seen);
        assert!(mean > 50.0, "{} is {mean} beside the mask", view["view"]);
    }
}

#[test]
fn a_changed_mask_is_another_question_and_the_recording_stays_as_it_was() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    let clip = footage(Clip::default());
    // The same content twice: without masks its second look would be answered by the first.
    for (name, masks) in [("a.mp4", ""), ("b.mp4", MASK), ("c.mp4", "")] {
        nightreel.configure(&format!("{}[[camera]]\nid = \"gate\"\n{masks}", vision(&server)));
        let_rest(&nightreel.copy_in(&clip, nightreel.root().join("gate").join(name)));
        nightreel.run(&["process", "--once"]).with_code(0);
        let kept = nightreel.root().join("gate/processed").join(name);
        assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(&clip).unwrap());
    }

    let [id, masked, again] = ["a", "b", "c"].map(|name| {
        let file = nightreel.root().join(format!("gate/processed/{name}.mp4.json"));
        assert_sidecar(&file)["profile"]["id"].clone()
    });
    assert!(id != masked && id == again);
    let journal = server.journal();
    assert_eq!(journal.len(), 4, "the masked picture is a question of its own, and only that");
    for received in &journal[..2] {
        assert!(columns(&received.images[0], 0..376).0 > 100);
    }
    for received in &journal[2..] {
        assert!(columns(&received.images[0], 0..376).0 < 30);
        assert!(columns(&received.images[0], 392..768).1 > 50.0);
    }
}
