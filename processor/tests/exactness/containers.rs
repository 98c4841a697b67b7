//! Containers: with an index or without, with other tracks, with pictures that are hidden.

use std::num::NonZeroU32;
use std::path::Path;

use nightreel_processor::video::{Doubt, Video};

use crate::clips::{copy, encode, write};
use crate::reference::{Effort, Frame, assert_exact, full_decode};

const B_FRAMES: &str = "-c:v libx264 -x264-params keyint=40:bframes=3:b-adapt=0:b-pyramid=normal";
const H265: &str =
    "-c:v libx265 -preset superfast -x265-params log-level=none:keyint=20:open-gop=1:bframes=3:b-adapt=0";

#[test]
fn every_container_that_recorders_write() {
    for extension in ["mp4", "mkv", "mov", "ts", "flv", "m4v"] {
        assert_exact(&encode(&format!("h264.{extension}"), B_FRAMES), Effort::Planned);
    }
    for extension in ["mp4", "mkv", "mov", "ts"] {
        assert_exact(&encode(&format!("h265.{extension}"), H265), Effort::Planned);
    }
}

#[test]
fn fragmented_mp4_without_an_index() {
    for (name, flags) in [
        ("fragmented.mp4", "frag_keyframe+empty_moov+default_base_moof"),
        ("fragmented-per-frame.mp4", "frag_every_frame+empty_moov+skip_trailer"),
        ("fragmented-delayed.mp4", "frag_keyframe+delay_moov+skip_trailer+negative_cts_offsets"),
    ] {
        assert_exact(&encode(name, &format!("{B_FRAMES} -movflags {flags}")), Effort::Planned);
    }
    for (name, encoder) in [
        ("fragmented-h265.mp4", H265),
        ("fragmented-h265-10bit.mp4", &format!("{H265} -pix_fmt yuv420p10le")),
    ] {
        let flags = "-movflags frag_keyframe+empty_moov+default_base_moof+skip_trailer";
        assert_exact(&encode(name, &format!("{encoder} {flags}")), Effort::Planned);
    }
}

#[test]
fn an_edit_list_hides_the_pictures_before_its_begin() {
    let plain = encode("edited-source.mp4", "-c:v libx264 -preset veryfast -bf 0 -g 40 -sc_threshold 0");
    let pyramid = encode("edited-pyramid-source.mp4", B_FRAMES);
    let open = encode("edited-open-source.mp4", H265);
    for (name, source) in [("edited.mp4", plain), ("edited-pyramid.mp4", pyramid), ("edited-open.mov", open)]
    {
        let frames = assert_exact(&copy(name, "-ss 1.3", &source, ""), Effort::Planned);
        assert!(frames.len() < 120, "{name} hides nothing");
    }
}

#[test]
fn an_edit_list_hides_the_pictures_after_its_end() {
    for (name, encoder) in [
        ("ends-plain", "-c:v libx264 -preset veryfast -bf 0 -g 40 -sc_threshold 0"),
        ("ends-pyramid", B_FRAMES),
        ("ends-open", H265),
    ] {
        let mut bytes = std::fs::read(encode(&format!("{name}-source.mp4"), encoder)).unwrap();
        let at = bytes.windows(4).position(|kind| kind == b"elst").unwrap() + 12;
        let shown = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        bytes[at..at + 4].copy_from_slice(&(shown * 55 / 100).to_be_bytes());
        let frames = assert_exact(&write(&format!("{name}.mp4"), &bytes), Effort::Planned);
        assert!((60..=75).contains(&frames.len()), "{name}: {} frames", frames.len());
    }
}

#[test]
fn sound_and_covers_are_passed_over() {
    let video = encode("silent.mp4", B_FRAMES);
    let sound = ["-f", "lavfi", "-i", "sine=duration=12", "-i", video.to_str().unwrap()];
    let maps = ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-c:a", "aac"];
    let first = crate::clips::make("sound-first.mp4", &[&sound[..], &maps].concat());
    assert_exact(&first, Effort::Planned);

    let cover = encode("cover.png", "-frames:v 1");
    let inputs = ["-i", cover.to_str().unwrap(), "-i", video.to_str().unwrap()];
    let maps = ["-map", "0", "-map", "1:v", "-c", "copy", "-disposition:v:0", "attached_pic"];
    let covered = crate::clips::make("covered.mp4", &[&inputs[..], &maps].concat());
    let video = Video::open(&covered).unwrap();
    assert_eq!((video.probe().codec.as_str(), video.probe().frames), ("h264", 120));
}

#[test]
fn of_two_video_tracks_the_first_counts() {
    let small = encode("track-small.mp4", "-c:v libx264 -preset veryfast -vf scale=96:72 -g 30 -bf 2");
    let large = encode("track-large.mp4", H265);
    for (name, tracks) in
        [("tracks.mp4", [&small, &large]), ("tracks.mkv", [&large, &small]), ("tracks.ts", [&small, &large])]
    {
        let [first, second] = tracks.map(|track| track.to_str().unwrap());
        let inputs = ["-i", first, "-i", second, "-map", "0:v", "-map", "1:v", "-c", "copy"];
        // Neither size nor the container's own favourite decides.
        let favoured = ["-disposition:v:0", "0", "-disposition:v:1", "default"];
        let file = crate::clips::make(name, &[&inputs[..], &favoured].concat());
        let frames = assert_exact(&file, Effort::Planned);
        assert_eq!(frames[0].sha256, full_decode(tracks[0])[0].sha256, "{name}");
    }
}

#[test]
fn h264_in_avi_says_no_times_and_is_decoded_whole() {
    let file = encode("h264.avi", B_FRAMES);
    let video = Video::open(&file).unwrap();
    assert!(matches!(video.doubt(), Some(Doubt::NoTimes | Doubt::Disordered | Doubt::EqualTimes)));
    assert_same_luma(&file, &full_decode(&file));
}

#[test]
fn a_turned_picture_is_hashed_as_it_was_coded() {
    let source = encode("upright.mp4", B_FRAMES);
    let reference = full_decode(&source);
    for angle in [90, 180, 270] {
        let turned =
            copy(&format!("turned-{angle}.mp4"), "", &source, &format!("-metadata:s:v:0 rotate={angle}"));
        assert_eq!(assert_exact(&turned, Effort::Planned), reference, "{angle} degrees");
    }
    let turned = copy("turned-90.mp4", "", &source, "-metadata:s:v:0 rotate=90");
    let video = Video::open(&turned).unwrap();
    let frame = video.samples(NonZeroU32::MIN).unwrap().next().unwrap().unwrap();
    assert_eq!((frame.width(), frame.height()), (256, 192));
    let picture = frame.picture().unwrap();
    assert_eq!((picture.width, picture.height), (192, 256));
}

#[test]
fn parameter_sets_and_sizes_that_change_on_the_way() {
    let parts = [
        encode("part-a.ts", B_FRAMES),
        encode("part-b.ts", "-c:v libx264 -preset veryfast -x264-params keyint=20:bframes=0:no-cabac=1"),
        crate::clips::make(
            "part-c.ts",
            &["-t", "4", "-i", crate::clips::PEDESTRIANS, "-vf", "scale=320:240", "-c:v", "libx264"],
        ),
    ]
    .map(|part| (std::fs::read(&part).unwrap(), full_decode(&part)));
    for (name, [first, second]) in [("joined.ts", [0, 1]), ("joined-sizes.ts", [1, 2])] {
        let file = write(name, &[&parts[first].0[..], &parts[second].0].concat());
        // ffmpeg's command would scale the second part to the size of the first.
        let reference = [&parts[first].1[..], &parts[second].1].concat();
        assert_same_luma(&file, &reference);
    }
}

/// For files whose times ffmpeg's command mends, so that only order and content can be compared.
fn assert_same_luma(file: &Path, reference: &[Frame]) {
    let video = Video::open(file).unwrap();
    let frames: Vec<_> = video.samples(NonZeroU32::new(7).unwrap()).unwrap().map(Result::unwrap).collect();
    assert_eq!(frames.len(), reference.len().div_ceil(7), "{}", file.display());
    for frame in frames {
        let sha256 = catalog::hex(&frame.luma_sha256().unwrap());
        assert_eq!(sha256, reference[frame.index as usize].sha256, "{}: {}", file.display(), frame.index);
    }
}
