//! Stills: one coded picture becomes a JPEG, and one that is the decoder's death costs itself alone.

use std::process::Command;

use config::{Fill, Mask};
use nightreel_processor::DecoderProgram;
use nightreel_processor::still::{StillError, Stills};

use crate::isolation::{WORKER, worker};

fn stills() -> Stills {
    Stills::new(DecoderProgram::new(WORKER, &[]))
}

fn psnr(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let squares = one.iter().zip(other).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    10.0 * (255.0 * 255.0 * one.len() as f64 / squares.sum::<f64>()).log10()
}

/// Encodes one picture of a test scene; a fragmented MP4, as the recorder hands it over.
fn mp4(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240"])
        .args(["-frames:v", "1", "-pix_fmt", "yuv420p"])
        .args(arguments)
        .args(["-movflags", "frag_keyframe+empty_moov+default_base_moof", "-f", "mp4", "pipe:1"])
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn luma_of(jpeg: &[u8]) -> (usize, usize, Vec<u8>) {
    let read = turbojpeg::decompress_to_yuv(jpeg).unwrap();
    let luma = read.pixels[..read.width * read.height].to_vec();
    (read.width, read.height, luma)
}

#[test]
fn the_jpeg_shows_the_keyframe() {
    let codecs: [&[&str]; 2] = [
        &["-c:v", "libx264", "-crf", "12"],
        &["-c:v", "libx265", "-x265-params", "crf=12:log-level=none", "-tag:v", "hvc1"],
    ];
    let wanted = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x240"])
        .args(["-frames:v", "1", "-vf", "scale=out_range=full,format=yuvj420p,extractplanes=y"])
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"])
        .output()
        .unwrap();
    for codec in codecs {
        let (width, height, luma) = luma_of(&stills().jpeg(&mp4(codec), &[], 95).unwrap());
        assert_eq!((width, height), (320, 240));
        let likeness = psnr(&wanted.stdout, &luma);
        assert!(likeness > 35.0, "{likeness} dB, {codec:?}");
    }
}

#[test]
fn what_is_masked_is_not_in_the_jpeg() {
    let polygon = vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]];
    let mask = Mask { polygon, fill: Fill::Black };
    let mp4 = mp4(&["-c:v", "libx264"]);
    let brightest = |masks: &[Mask]| {
        let (width, _, luma) = luma_of(&stills().jpeg(&mp4, masks, 95).unwrap());
        luma.chunks(width).flat_map(|row| &row[..155]).copied().max().unwrap()
    };
    assert!(brightest(&[]) > 200 && brightest(&[mask]) < 10);
}

#[test]
fn what_is_no_picture_is_an_error() {
    let whole = mp4(&["-c:v", "libx264"]);
    let stills = stills();
    for bytes in [&[][..], b"no video at all", &whole[..whole.len() / 4], &whole[..700]] {
        assert!(
            matches!(stills.jpeg(bytes, &[], 80), Err(StillError::Undecodable { .. })),
            "{} bytes",
            bytes.len()
        );
    }
}

#[test]
fn nothing_stays_open() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let whole = mp4(&["-c:v", "libx264"]);
    let stills = stills();
    stills.jpeg(&whole, &[], 80).unwrap();
    let before = open();
    for _ in 0..10 {
        stills.jpeg(&whole, &[], 80).unwrap();
    }
    assert_eq!(open(), before);
}

#[test]
fn a_picture_that_is_the_decoders_death_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lives = folder.path().join("lives");
    let dying = worker(&format!("[ -e {lives:?} ] && exec $worker\ntouch {lives:?}\nkill -SEGV $$"));
    let (stills, whole) = (Stills::new(dying), mp4(&["-c:v", "libx264"]));
    let error = stills.jpeg(&whole, &[], 80).unwrap_err();
    assert!(error.to_string().contains("crashed"), "{error}");
    assert!(stills.jpeg(&whole, &[], 80).is_ok(), "the next one has a process of its own");
}
