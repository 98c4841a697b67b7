//! Times: frames come at uneven distances, or begin somewhere else than at zero.

use crate::clips::{PEDESTRIANS, copy, encode, make};
use crate::reference::{Effort, assert_exact};

#[test]
fn frames_at_uneven_distances() {
    let uneven = "scale=256:192,select='not(eq(mod(n,7),3))',setpts='(N+0.4*mod(N*N,3))/10/TB'";
    for name in ["uneven.mp4", "uneven.mkv", "uneven.ts"] {
        let rate = ["-fps_mode", "vfr", "-c:v", "libx264", "-bf", "3", "-g", "40"];
        let source = ["-t", "12", "-i", PEDESTRIANS, "-vf", uneven];
        assert_exact(&make(name, &[&source[..], &rate].concat()), Effort::Planned);
    }
}

#[test]
fn h265_and_mjpeg_frames_at_uneven_distances() {
    let uneven = "scale=256:192,select='not(eq(mod(n,7),3))',setpts='(N+0.4*mod(N*N,3))/10/TB'";
    let h265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:open-gop=1:bframes=3";
    for (name, encoder) in [("uneven-h265.mp4", h265), ("uneven-mjpeg.mkv", "-c:v mjpeg -q:v 5")] {
        let source = ["-t", "12", "-i", PEDESTRIANS, "-vf", uneven, "-fps_mode", "vfr"];
        let encoder: Vec<&str> = encoder.split_whitespace().collect();
        assert_exact(&make(name, &[&source[..], &encoder].concat()), Effort::Planned);
    }
}

#[test]
fn a_file_that_begins_late() {
    let source = encode("late-source.mp4", "-c:v libx264 -preset veryfast -g 20 -bf 2");
    for name in ["late.mp4", "late.ts", "late.mkv"] {
        assert_exact(&copy(name, "", &source, "-output_ts_offset 3600"), Effort::Planned);
    }
}

#[test]
fn a_pause_in_the_middle() {
    let paused = ["-vf", "scale=256:192,setpts='PTS+if(gt(N,50),120/TB,0)'", "-fps_mode", "passthrough"];
    let encoder = ["-c:v", "libx264", "-bf", "2", "-g", "25"];
    let source = ["-t", "12", "-i", PEDESTRIANS];
    for name in ["paused.mp4", "paused.mkv"] {
        assert_exact(&make(name, &[&source[..], &paused, &encoder].concat()), Effort::Planned);
    }
}
