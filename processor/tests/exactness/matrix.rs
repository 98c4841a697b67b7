//! The matrix of profiles and lengths of GOP that cameras offer, and streams of fields.

use nightreel_processor::video::Doubt;

use crate::clips::{PEDESTRIANS, make};
use crate::reference::{Effort, assert_exact, packets_fed};

/// 300 tiny frames: enough for a GOP of 250 to end.
fn encode(name: &str, encoder: &str) -> std::path::PathBuf {
    let source = ["-t", "30", "-i", PEDESTRIANS, "-vf", "scale=128:96"];
    make(name, &[&source[..], &encoder.split_whitespace().collect::<Vec<_>>()].concat())
}

#[test]
fn h264_of_each_profile_with_gops_of_each_length() {
    // Packets for frames 0, 30 … 270: up to the last wanted one of each GOP.
    for (gop, most) in [(30, 10), (60, 155), (120, 213), (250, 262)] {
        for (profile, encoder) in [
            ("baseline", "-profile:v baseline"),
            ("main", "-profile:v main -bf 0"),
            ("high", "-profile:v high -bf 0"),
        ] {
            let encoder = format!("-c:v libx264 -preset veryfast {encoder} -g {gop} -sc_threshold 0");
            let file = encode(&format!("{profile}-{gop}.mp4"), &encoder);
            assert_exact(&file, Effort::Planned);
            let fed = packets_fed(&file);
            assert!(fed <= most, "{profile}, GOP {gop}: {fed} packets were decoded");
        }
    }
}

#[test]
fn h265_of_8_and_10_bits_with_gops_of_each_length() {
    for (gop, most) in [(30, 10), (60, 155), (120, 213), (250, 262)] {
        for (bits, format) in [(8, "yuv420p"), (10, "yuv420p10le")] {
            let parameters = "log-level=none:pools=1:frame-threads=1:scenecut=0:bframes=0:open-gop=0";
            let encoder = format!(
                "-c:v libx265 -preset ultrafast -pix_fmt {format} \
                 -x265-params {parameters}:keyint={gop}:min-keyint={gop}"
            );
            let file = encode(&format!("h265-{bits}-{gop}.mp4"), &encoder);
            assert_exact(&file, Effort::Planned);
            let fed = packets_fed(&file);
            assert!(fed <= most, "{bits} bits, GOP {gop}: {fed} packets were decoded");
        }
    }
}

#[test]
fn h264_and_h265_with_b_frames_in_long_gops() {
    let quiet = "log-level=none:pools=1:frame-threads=1";
    for gop in [60, 250] {
        let pyramid = format!("-c:v libx264 -preset veryfast -bf 3 -b_strategy 0 -g {gop} -sc_threshold 0");
        assert_exact(&encode(&format!("pyramid-{gop}.mp4"), &pyramid), Effort::Planned);
        let open =
            format!("-c:v libx265 -preset ultrafast -x265-params {quiet}:keyint={gop}:open-gop=1:bframes=3");
        assert_exact(&encode(&format!("open-{gop}.mp4"), &open), Effort::Planned);
        assert_exact(
            &encode(&format!("deep-pyramid-{gop}.ts"), &format!("{pyramid} -pix_fmt yuv420p10le")),
            Effort::Planned,
        );
    }
}

#[test]
fn h264_that_only_says_it_is_interlaced_is_decoded_whole() {
    let file = encode(
        "fake-interlaced.mp4",
        "-c:v libx264 -preset veryfast -x264-params fake-interlaced=1:keyint=20",
    );
    assert_exact(&file, Effort::Everything(Doubt::Interlaced));
}

#[test]
fn h265_whose_pictures_are_fields_is_counted_as_it_is_decoded() {
    let interlaced = "-c:v libx265 -preset ultrafast -x265-params log-level=none:interlace=tff:keyint=20";
    for name in ["fields.mp4", "fields.ts"] {
        assert_exact(&encode(name, interlaced), Effort::Planned);
    }
}
