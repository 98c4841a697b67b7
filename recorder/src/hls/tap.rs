//! Gathers a camera's fragments into parts of its live playlist, and writes that with each new part.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use catalog::{CatalogError, Clock, LIVE, PLAYLIST, PROCESSED, files};
use config::{CameraId, Hls};

use super::live;
use super::maps::Maps;
use super::playlist::{FileOfParts, Follows, Playlist};
use super::read::read;
use crate::mp4::{FileHead, Run};
use crate::name;
use crate::segment::{Fragment, Next};
use crate::tap::Tap;

/// A playlist of a week in parts of a second has half of it; what is larger is none of ours.
const SIZE_MAX: u64 = 128 << 20;

/// Cameras' keyframes come by their clocks, not by ours: a GOP of 1.98 s is a part of 2 s, and need not wait for
/// the next.
const TOO_SHORT_BY: Duration = Duration::from_millis(100);

/// The live playlist of one camera.
#[derive(Debug)]
pub(crate) struct HlsTap {
    camera: CameraId,
    folder: PathBuf,
    settings: Hls,
    clock: Clock,
    /// Opened with the first file: by then recovery has finished what an earlier run left.
    listing: Option<Listing>,
    growing: Option<Growing>,
    /// How the next file comes after the one before.
    next: Follows,
    /// The playlist could not be written; told once.
    troubled: bool,
}

#[derive(Debug)]
struct Listing {
    playlist: Playlist,
    maps: Maps,
}

/// The file in hand.
#[derive(Debug)]
struct Growing {
    name: String,
    /// Of the video, in units per second.
    time_scale: u32,
    part: Option<GrowingPart>,
    /// Not synced yet.
    written: Option<Written>,
}

/// A fragment.
#[derive(Debug)]
struct Written {
    bytes: Range<u64>,
    ticks: u64,
    begins_on_keyframe: bool,
    next: Next,
}

#[derive(Debug)]
struct GrowingPart {
    bytes: Range<u64>,
    ticks: u64,
}

impl HlsTap {
    /// `folder` is the camera's.
    pub(crate) fn new(camera: CameraId, folder: PathBuf, settings: Hls, clock: Clock) -> Self {
        Self {
            camera,
            folder,
            settings,
            clock,
            listing: None,
            growing: None,
            next: Follows::Anew,
            troubled: false,
        }
    }

    fn begin(&mut self, head: &FileHead, name: String) -> Result<(), CatalogError> {
        let (settings, now) = (self.settings, self.clock.now());
        let listing = self.listing.get_or_insert_with(|| open(&self.folder, settings, now));
        let map = listing.maps.take(head)?;
        listing.playlist.let_go_of_gone(|name| find(&self.folder, name).is_some());
        let follows = if head.origins.are_later() { self.next } else { Follows::Anew };
        let start = head.metadata.start;
        listing.playlist.begin_file(FileOfParts { name: name.clone(), map, start, follows });
        self.next = Follows::InTime;
        self.growing = Some(Growing {
            name,
            time_scale: head.tracks.first().map_or(1, |video| video.time_scale.max(1)),
            part: None,
            written: None,
        });
        listing.maps.remove_before(listing.playlist.first_map().unwrap_or(map.number))?;
        let is_needed = |name: &str| listing.playlist.lists(&format!("{LIVE}/{name}"));
        live::remove_old(&self.folder.join(LIVE), settings.keep, SystemTime::from(now), is_needed)
    }

    /// Lists the part in hand, and writes the playlist.
    fn list_part(&mut self) {
        let (Some(growing), Some(listing)) = (&mut self.growing, &mut self.listing) else { return };
        let Some(part) = growing.part.take() else { return };
        listing.playlist.add(part.bytes.clone(), part.length(growing.time_scale));
        // Unsynced: after a power cut a playlist may be missing or broken, and is begun anew. A sync with each part
        // would cost as much as that of the footage itself.
        let written =
            files::replace_unsynced(&self.folder.join(PLAYLIST), listing.playlist.text().as_bytes());
        match written {
            Ok(()) => self.troubled = false,
            Err(e) => self.tell_once(&e),
        }
    }

    fn tell_once(&mut self, error: &CatalogError) {
        if !std::mem::replace(&mut self.troubled, true) {
            let error = error as &dyn std::error::Error;
            tracing::warn!(camera = %self.camera, error, "live playlist cannot be kept up");
        }
    }
}

impl Tap for HlsTap {
    fn opened(&mut self, head: &FileHead, finished: Option<&Path>) {
        self.growing = None;
        let name = finished.and_then(|path| path.strip_prefix(&self.folder).ok()?.to_str());
        let Some(name) = name.map(str::to_owned) else {
            self.next = Follows::Anew;
            return;
        };
        if let Err(e) = self.begin(head, name) {
            self.next = Follows::Anew;
            self.tell_once(&e);
        }
    }

    fn appended(&mut self, fragment: &Fragment, bytes: Option<Range<u64>>) {
        let (Some(growing), Some(bytes)) = (&mut self.growing, bytes) else { return };
        growing.written = Some(Written {
            bytes,
            ticks: fragment.bits_and_ticks().1,
            begins_on_keyframe: begins_on_keyframe(fragment),
            next: fragment.next,
        });
    }

    fn synced(&mut self) {
        let Some(growing) = &mut self.growing else { return };
        let Some(written) = growing.written.take() else { return };
        let next = written.next;
        growing.take(written);
        let shortest = self.settings.part.saturating_sub(TOO_SHORT_BY.min(self.settings.part / 10));
        let scale = growing.time_scale;
        let is_long_enough = growing.part.as_ref().is_some_and(|part| part.length(scale) >= shortest);
        if next == Next::Keyframe && is_long_enough {
            self.list_part();
        }
    }

    fn closed(&mut self, finished: Option<&Path>) {
        let name = finished.and_then(|path| path.strip_prefix(&self.folder).ok()?.to_str());
        if let (Some(growing), Some(listing), Some(name)) = (&self.growing, &mut self.listing, name)
            && growing.name != name
        {
            listing.playlist.rename_newest(name.to_owned());
        }
        self.list_part();
        self.growing = None;
    }
}

impl Growing {
    fn take(&mut self, Written { bytes, ticks, begins_on_keyframe, .. }: Written) {
        match &mut self.part {
            Some(part) => {
                part.bytes.end = bytes.end;
                part.ticks += ticks;
            }
            None if begins_on_keyframe => self.part = Some(GrowingPart { bytes, ticks }),
            None => {}
        }
    }
}

impl GrowingPart {
    fn length(&self, time_scale: u32) -> Duration {
        let micros = u128::from(self.ticks) * 1_000_000 / u128::from(time_scale);
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

fn begins_on_keyframe(fragment: &Fragment) -> bool {
    let first = |run: &Run| run.samples.first().copied();
    fragment.runs.first().and_then(first).is_some_and(|sample| sample.keyframe)
}

/// Goes on with the playlist of an earlier run, as far as its files are there.
fn open(folder: &Path, settings: Hls, now: chrono::DateTime<chrono::Utc>) -> Listing {
    let maps = Maps::open(folder);
    let playlist = match read_playlist(&folder.join(PLAYLIST), settings.keep) {
        Some(mut playlist) => {
            let there = |name: &str, map| find(folder, name).filter(|_| maps.is_there(map));
            playlist.let_go_of_broken(|name, map| there(name, map).unwrap_or(0));
            playlist
        }
        None => Playlist::anew(settings.keep, settings.part, now),
    };
    Listing { playlist, maps }
}

pub(super) fn read_playlist(path: &Path, keep: Duration) -> Option<Playlist> {
    let length = path.metadata().ok()?.len();
    let text = (length <= SIZE_MAX).then(|| std::fs::read_to_string(path).ok())??;
    read(&text, keep)
}

/// Returns the length of a file that is listed, wherever it is in its life.
fn find(folder: &Path, name: &str) -> Option<u64> {
    let partial = format!("{name}.{}", name::PARTIAL);
    let places = [folder.join(name), folder.join(partial), folder.join(PROCESSED).join(name)];
    places.iter().find_map(|path| Some(path.symlink_metadata().ok()?.len()))
}

#[cfg(test)]
mod tests {
    use catalog::ClockSource;

    use super::*;
    use crate::blocks::{BlockPool, Blocks};
    use crate::hls::check::{self, Reading};
    use crate::mp4::{Metadata, Origins, Sample, TrackHead, TrackKind};

    const SCALE: u32 = 1000;

    fn tap(folder: &Path) -> HlsTap {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let settings = Hls { keep: Duration::from_secs(3600), part: Duration::from_secs(1) };
        HlsTap::new("gate".parse().unwrap(), folder.to_owned(), settings, Clock::standing(now))
    }

    fn head(tap: &HlsTap, origin_s: u64, width: u16) -> FileHead {
        let (camera, start) = (tap.camera.clone(), tap.clock.now());
        let kind = TrackKind::Video { width, height: 240 };
        let sample_entry = [&12u32.to_be_bytes()[..], b"avc1abcd"].concat();
        FileHead {
            metadata: Metadata { camera, start, clock: ClockSource::ReceiveTime },
            tracks: vec![TrackHead { kind, time_scale: SCALE, sample_entry }],
            origins: Origins(vec![origin_s * u64::from(SCALE)]),
        }
    }

    fn open(tap: &mut HlsTap, number: u32, origin_s: u64, width: u16) -> PathBuf {
        let path = tap.folder.join(format!("segment_{number}.mp4"));
        std::fs::write(&path, "").unwrap();
        tap.opened(&head(tap, origin_s, width), Some(&path));
        path
    }

    /// Tells of a second of video, which is listed once it is synced.
    fn append(tap: &mut HlsTap, bytes: Range<u64>) {
        let sample = Sample { dts: 0, duration: SCALE, offset: 0, size: 1, keyframe: true };
        let runs = vec![Run { track: 0, samples: vec![sample] }];
        let data = Blocks::new(&BlockPool::default());
        tap.appended(&Fragment { runs, data, next: Next::Keyframe }, Some(bytes));
    }

    fn reading(folder: &Path) -> Reading {
        check::read(&std::fs::read_to_string(folder.join(PLAYLIST)).unwrap())
    }

    #[test]
    fn what_was_never_synced_is_not_listed() {
        let folder = tempfile::tempdir().unwrap();
        let mut tap = tap(folder.path());
        let path = open(&mut tap, 1, 0, 320);
        append(&mut tap, 10..20);
        assert!(!folder.path().join(PLAYLIST).exists());
        tap.synced();
        append(&mut tap, 20..30);
        tap.closed(Some(&path));
        let begins: Vec<_> = reading(folder.path()).parts.values().map(|part| part.bytes.start).collect();
        assert_eq!(begins, [10]);
    }

    #[test]
    fn only_a_new_session_other_parameters_or_unlisted_footage_is_a_discontinuity() {
        let folder = tempfile::tempdir().unwrap();
        let mut tap = tap(folder.path());
        let cases = [
            // where its times begin, the picture's width, is a discontinuity
            (0, 320, false),
            (60, 320, false),
            (120, 320, false),
            (0, 320, true),
            (60, 640, true),
            (120, 640, false),
        ];
        let mut expected = Vec::new();
        for (number, (origin_s, width, is_discontinuity)) in (1..).zip(cases) {
            let path = open(&mut tap, number, origin_s, width);
            append(&mut tap, 10..20);
            tap.synced();
            tap.closed(Some(&path));
            expected.push(expected.last().unwrap_or(&0) + u64::from(is_discontinuity));
        }
        let nowhere = head(&tap, 180, 640);
        tap.opened(&nowhere, None);
        tap.closed(None);
        open(&mut tap, 9, 240, 640);
        append(&mut tap, 10..20);
        tap.synced();
        expected.push(3);
        let found: Vec<u64> = reading(folder.path()).parts.values().map(|part| part.discontinuity).collect();
        assert_eq!(found, expected);
    }
}
