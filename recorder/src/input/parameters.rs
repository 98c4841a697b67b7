//! The video's parameters in one session: they stand in the heads of files while they change seldom, and in the
//! stream itself where they do not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use config::CameraId;

use crate::mp4::{ParameterSets, SetsIn, TrackHead};

/// Each change begins a segment. A camera that has more of them than this is one whose every keyframe may bring
/// some: they would make dozens of files a second.
const CHANGES_MAX: usize = 6;
const WITHIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Parameters {
    camera: CameraId,
    current: Option<TrackHead>,
    /// Whether files have been told of any.
    told: bool,
    /// When they changed of late.
    changes: VecDeque<Instant>,
    sets_in: SetsIn,
}

/// What goes on with a frame.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// For the files.
    pub(super) head: Option<TrackHead>,
    /// For the stream, before the frame.
    pub(super) units: Vec<u8>,
}

impl Parameters {
    /// `described` are those that the camera tells before it plays.
    pub(super) fn new(camera: CameraId, described: Option<TrackHead>) -> Self {
        Self { camera, current: described, told: false, changes: VecDeque::new(), sets_in: SetsIn::Head }
    }

    pub(super) fn are_told(&self) -> bool {
        self.told
    }

    /// Takes those of a frame, where it brings others than the one before it.
    pub(super) fn take(&mut self, fresh: Option<TrackHead>, keyframe: bool, received: Instant) -> Told {
        let have_changed = fresh.is_some_and(|fresh| self.change_to(fresh));
        let Some(current) = self.current.clone() else { return Told::default() };
        let is_news = !std::mem::replace(&mut self.told, true) || have_changed;
        if self.sets_in == SetsIn::Stream {
            let units = if keyframe || have_changed { units(&current) } else { Vec::new() };
            return Told { head: None, units };
        }
        if have_changed && self.is_too_often(received) {
            self.sets_in = SetsIn::Stream;
            tracing::warn!(
                camera = %self.camera,
                "parameters of the picture change all the time, and are kept in the stream from now on"
            );
            return Told { units: units(&current), head: Some(in_stream(current)) };
        }
        // inside a GOP no segment can begin: what is left of it needs them all the same
        let units = if have_changed && !keyframe { units(&current) } else { Vec::new() };
        Told { head: is_news.then_some(current), units }
    }

    /// Tells whether there is anything new in them. A camera may send several sets of picture parameters, of which
    /// only the last arrives here each time: all are kept until they are replaced.
    fn change_to(&mut self, mut fresh: TrackHead) -> bool {
        let sets = |head: &TrackHead| ParameterSets::of(&head.sample_entry);
        if let (Some(older), Some(mut newer)) = (self.current.as_ref().and_then(sets), sets(&fresh)) {
            newer.complete_from(&older);
            fresh.sample_entry = newer.sample_entry(SetsIn::Head);
        }
        let have_changed = self.current.as_ref().is_some_and(|current| *current != fresh);
        self.current = Some(fresh);
        have_changed
    }

    fn is_too_often(&mut self, now: Instant) -> bool {
        self.changes.retain(|&earlier| now.saturating_duration_since(earlier) < WITHIN);
        self.changes.push_back(now);
        self.changes.len() > CHANGES_MAX
    }
}

fn units(head: &TrackHead) -> Vec<u8> {
    ParameterSets::of(&head.sample_entry).map(|sets| sets.units()).unwrap_or_default()
}

/// Pictures of other codecs (JPEG) hold all that they need.
fn in_stream(mut head: TrackHead) -> TrackHead {
    if let Some(sets) = ParameterSets::of(&head.sample_entry) {
        head.sample_entry = sets.sample_entry(SetsIn::Stream);
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mp4::TrackKind;

    fn sets(pps: &[u8]) -> Vec<u8> {
        let avcc = [&[1, 0x4d, 0, 0x1e, 0xff, 0xe1, 0, 2, 0x67, 0x4d, 1, 0, 2][..], pps].concat();
        let boxed = |kind: &[u8], content: &[u8]| {
            let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
            [&length[..], kind, content].concat()
        };
        boxed(b"avc1", &[&[0; 78][..], &boxed(b"avcC", &avcc)].concat())
    }

    fn head(pps: u8) -> TrackHead {
        let kind = TrackKind::Video { width: 320, height: 240 };
        TrackHead { kind, time_scale: 90_000, sample_entry: sets(&[0x68, 0x80 | pps]) }
    }

    fn units_of(pps: u8) -> Vec<u8> {
        vec![0, 0, 0, 2, 0x67, 0x4d, 0, 0, 0, 2, 0x68, 0x80 | pps]
    }

    fn parameters(described: Option<TrackHead>) -> Parameters {
        Parameters::new("gate".parse().unwrap(), described)
    }

    #[test]
    fn files_are_told_of_those_in_use_and_of_changes() {
        let now = Instant::now();
        let mut parameters = parameters(Some(head(1)));
        let told = |head, units| Told { head, units };
        assert_eq!(parameters.take(Some(head(1)), true, now), told(Some(head(1)), Vec::new()));
        assert_eq!(parameters.take(None, false, now), Told::default());
        assert_eq!(parameters.take(Some(head(1)), true, now), Told::default(), "the same again");
        assert_eq!(parameters.take(Some(head(2)), true, now), told(Some(head(2)), Vec::new()));
        assert_eq!(parameters.take(Some(head(3)), false, now), told(Some(head(3)), units_of(3)), "in a GOP");
    }

    #[test]
    fn nothing_is_told_before_there_is_something() {
        let mut parameters = parameters(None);
        assert_eq!(parameters.take(None, true, Instant::now()), Told::default());
        assert!(!parameters.are_told());
    }

    #[test]
    fn a_camera_that_changes_them_all_the_time_gets_them_into_the_stream() {
        let now = Instant::now();
        let mut parameters = parameters(Some(head(0)));
        let changes: Vec<Told> = (0..=9).map(|n| parameters.take(Some(head(n)), true, now)).collect();
        assert!(changes[..7].iter().all(|told| told.head.is_some() && told.units.is_empty()));
        let last = changes[7].head.as_ref().unwrap();
        assert_eq!((&last.sample_entry[4..8], &changes[7].units), (&b"avc3"[..], &units_of(7)));
        assert!((8..=9).all(|n| changes[n] == Told { head: None, units: units_of(n as u8) }));
        assert_eq!(parameters.take(None, true, now).units, units_of(9), "with every keyframe");
        assert_eq!(parameters.take(None, false, now), Told::default());
    }

    #[test]
    fn a_change_now_and_then_is_none_too_many() {
        let begun = Instant::now();
        let mut parameters = parameters(Some(head(0)));
        for n in 0..60u32 {
            let told = parameters.take(Some(head((n % 2) as u8)), true, begun + Duration::from_secs(11) * n);
            assert_eq!(told.head.unwrap().sample_entry[4..8], *b"avc1");
        }
    }
}
