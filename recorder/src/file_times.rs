//! How the times in the fragments of a session's files follow one another.

use crate::mp4::{Origins, TrackHead};
use crate::times::rescale;

#[derive(Debug)]
pub(crate) enum FileTimes {
    /// They go on from file to file, so that players of a live playlist see one stream: FFmpeg's passes over what
    /// comes after a discontinuity. The price is paid by whoever opens a file that still grows: FFmpeg takes the
    /// whole session for its length.
    GoOn {
        /// Where the session's first file begins.
        from: Option<i64>,
    },
    BeginAnew,
}

impl FileTimes {
    pub(crate) fn of(camera: &config::Camera) -> Self {
        if camera.hls.is_some() { Self::GoOn { from: None } } else { Self::BeginAnew }
    }

    /// Returns the origins of the next file, which begins at `origin`, a time of the video in units of `scale`.
    pub(crate) fn next(&mut self, origin: i64, scale: u32, tracks: &[TrackHead]) -> Origins {
        let from = match self {
            Self::GoOn { from } => *from.get_or_insert(origin),
            Self::BeginAnew => return Origins::default(),
        };
        // each track from one place to the other in its own scale, or rounding would leave holes between files
        let later = |track: &TrackHead| {
            let [from, to] = [from, origin].map(|time| rescale(time, scale, track.time_scale));
            u64::try_from(to.saturating_sub(from)).unwrap_or(0)
        };
        Origins(tracks.iter().map(later).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use config::{Camera, Hls};

    use super::*;
    use crate::mp4::TrackKind;

    #[test]
    fn only_files_with_a_live_playlist_go_on_and_sound_with_the_picture() {
        let track = |kind, time_scale| TrackHead { kind, time_scale, sample_entry: Vec::new() };
        let tracks =
            [track(TrackKind::Video { width: 16, height: 16 }, 90_000), track(TrackKind::Audio, 44_100)];
        let plain = Camera::new("gate".parse().unwrap(), None);
        let hls = Some(Hls { keep: Duration::from_secs(3600), part: Duration::from_secs(2) });
        let shown = Camera { hls, ..plain.clone() };
        let mut times = FileTimes::of(&shown);
        let origins = [1801, 5_401_801, i64::MAX].map(|origin| times.next(origin, 90_000, &tracks));
        assert_eq!(origins[0], Origins(vec![0, 0]));
        assert_eq!(origins[1], Origins(vec![5_400_000, 2_646_000]));
        assert!(origins[2].are_later());
        let mut times = FileTimes::of(&plain);
        assert!([0, 90_000].iter().all(|&origin| !times.next(origin, 90_000, &tracks).are_later()));
    }
}
