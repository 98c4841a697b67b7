//! Codecs and their ways to predict pictures from each other.

use nightreel_processor::video::Doubt;

use crate::clips::{PEDESTRIANS, encode, make};
use crate::reference::{Effort, assert_exact, packets_fed};

#[test]
fn h264_without_and_with_b_frames_and_pyramid() {
    let cases = [
        ("h264-plain.mp4", "keyint=20:bframes=0:scenecut=0", 24),
        ("h264-b.mp4", "keyint=40:scenecut=0:bframes=3:b-adapt=0:b-pyramid=none", 30),
        ("h264-pyramid.mp4", "keyint=40:bframes=5:b-adapt=0:b-pyramid=normal", 30),
        ("h264-strict.mp4", "keyint=50:bframes=5:b-adapt=0:b-pyramid=strict:ref=5", 30),
        ("h264-one-gop.mp4", "keyint=infinite:bframes=2", 75),
        ("h264-slices.mp4", "slices=4:keyint=20:bframes=2", 24),
    ];
    for (name, parameters, most) in cases {
        let file = encode(name, &format!("-c:v libx264 -preset medium -x264-params {parameters}"));
        assert_exact(&file, Effort::Planned);
        let fed = packets_fed(&file);
        assert!(fed <= most, "{name}: {fed} packets were decoded");
    }
}

#[test]
fn h264_with_open_gops() {
    for (name, encoder) in [
        (
            "h264-open.mp4",
            "-c:v libx264 -x264-params open-gop=1:keyint=20:bframes=3:b-adapt=0:b-pyramid=normal",
        ),
        ("h264-open.ts", "-c:v libx264 -x264-params open-gop=1:keyint=33:bframes=5:b-adapt=0:scenecut=0"),
    ] {
        let file = encode(name, encoder);
        assert_exact(&file, Effort::Planned);
        assert!(packets_fed(&file) < 110, "{name}");
    }
}

#[test]
fn h264_that_is_refreshed_by_and_by_has_one_entry_only() {
    let file = encode("h264-refresh.mp4", "-c:v libx264 -x264-params intra-refresh=1:keyint=20:bframes=0");
    assert_exact(&file, Effort::Planned);
}

#[test]
fn h264_that_may_hold_fields_is_decoded_whole() {
    let file = encode("h264-interlaced.mp4", "-c:v libx264 -flags +ilme+ildct -x264-params tff=1:keyint=20");
    assert_exact(&file, Effort::Everything(Doubt::Interlaced));
}

#[test]
fn h265_with_closed_and_open_gops_and_layers() {
    let quiet = "-c:v libx265 -preset superfast -x265-params log-level=none:pools=1:frame-threads=1";
    let cases = [
        ("h265-plain.mp4", "keyint=20:min-keyint=20:open-gop=0:bframes=0:scenecut=0", 24),
        ("h265-closed.mp4", "keyint=20:open-gop=0:bframes=4:b-adapt=0:b-pyramid=1", 14),
        ("h265-open.mp4", "keyint=20:open-gop=1:bframes=4:b-adapt=0:b-pyramid=1:scenecut=0", 16),
        ("h265-open.ts", "keyint=33:open-gop=1:bframes=6:b-adapt=0:scenecut=0:repeat-headers=1", 40),
        ("h265-layers.mp4", "keyint=60:bframes=3:b-adapt=0:b-pyramid=1:temporal-layers=1", 40),
    ];
    for (name, parameters, most) in cases {
        let file = encode(name, &format!("{quiet}:{parameters}"));
        assert_exact(&file, Effort::Planned);
        let fed = packets_fed(&file);

        assert!(fed <= most, "{name}: {fed} packets were decoded");
    }
}

#[test]
fn ten_bits_per_sample() {
    for (name, encoder) in [
        ("h264-10bit.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p10le -g 20"),
        ("h265-10bit.mkv", "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none"),
    ] {
        assert_exact(&encode(name, encoder), Effort::Planned);
    }
}

#[test]
fn other_subsamplings_of_chroma() {
    for format in ["yuv422p", "yuv444p", "gray"] {
        let encoder = format!("-c:v libx264 -preset veryfast -pix_fmt {format} -g 20");
        assert_exact(&encode(&format!("h264-{format}.mp4"), &encoder), Effort::Planned);
    }
}

#[test]
fn mjpeg_decodes_only_the_samples() {
    for name in ["mjpeg.avi", "mjpeg.mkv", "mjpeg.mov", "mjpeg.mp4"] {
        let file = encode(name, "-c:v mjpeg -q:v 5");
        assert_exact(&file, Effort::Planned);
        assert_eq!(packets_fed(&file), 4);
    }
}

#[test]
fn codecs_that_the_plan_does_not_know_are_decoded_whole() {
    let cases = [
        ("mpeg4.avi", "-c:v mpeg4 -g 20"),
        ("mpeg4-b.avi", "-c:v mpeg4 -g 20 -bf 2"),
        ("mpeg4-b.mp4", "-c:v mpeg4 -g 20 -bf 2"),
        ("mpeg2.ts", "-c:v mpeg2video -g 15 -bf 2 -r 25 -flags +ilme+ildct"),
        ("vp9.mkv", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 20 -auto-alt-ref 1 -lag-in-frames 10"),
    ];
    for (name, encoder) in cases {
        assert_exact(&encode(name, encoder), Effort::Everything(Doubt::UnknownCodec));
    }
    let source = make("msmpeg4v3.avi", &["-i", PEDESTRIANS, "-t", "12", "-c", "copy"]);
    assert_exact(&source, Effort::Everything(Doubt::UnknownCodec));
}

#[test]
fn a_file_of_one_frame() {
    for (name, encoder) in [
        ("one.mp4", "-frames:v 1 -c:v libx264 -preset veryfast"),
        ("one.mkv", "-frames:v 1 -c:v libx265 -preset ultrafast -x265-params log-level=none"),
        ("one.avi", "-frames:v 1 -c:v mjpeg"),
    ] {
        assert_eq!(assert_exact(&encode(name, encoder), Effort::Planned).len(), 1, "{name}");
    }
}
