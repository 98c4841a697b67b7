//! What a file says of itself: codec, size, length, and when and by whom it was recorded.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use ffmpeg_the_third::Rational;
use serde::{Deserialize, Serialize};

use super::coded::Role;
use super::index::IndexedPacket;
use super::order::DisplayOrder;
use super::source::Source;
use super::time;

/// When the first frame was taken, as the file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileStart {
    /// By nightreel's recorder, to the millisecond.
    Recorder(DateTime<Utc>),
    /// By the container's creation time.
    Metadata(DateTime<Utc>),
}

/// Describes the first video track of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// FFmpeg's name for the codec: `h264`, `hevc`, `mjpeg` …
    pub codec: String,
    pub width: u32,
    pub height: u32,
    /// The frames a full decode gives. Where no plan can be made this counts packets, and the summary
    /// after decoding has the true number.
    pub frames: u64,
    /// From the first frame to the end of the last, counted from the packets: headers may lie.
    pub duration: Duration,
    pub start: Option<FileStart>,
    /// The camera's id, where nightreel's recorder wrote the file.
    pub camera: Option<String>,
    /// Where the recorder had its time from.
    pub clock: Option<String>,
}

impl Probe {
    pub(super) fn of(source: &Source, packets: &[IndexedPacket], order: Option<&DisplayOrder>) -> Self {
        let parameters = source.parameters();
        let frames = match order {
            Some(order) => order.frames(),
            None => shown(packets).count() as u64,
        };
        Self {
            codec: source.codec().to_owned(),
            width: parameters.width(),
            height: parameters.height(),
            frames,
            duration: length(source, packets, frames),
            start: start(source),
            camera: source.tag(c"com.nightreel.camera"),
            clock: source.tag(c"com.nightreel.clock"),
        }
    }
}

fn shown(packets: &[IndexedPacket]) -> impl Iterator<Item = &IndexedPacket> {
    packets.iter().filter(|packet| packet.role != Role::Empty && !packet.hidden)
}

/// Measures from the earliest presentation time to the latest with its duration.
fn length(source: &Source, packets: &[IndexedPacket], frames: u64) -> Duration {
    let base = source.stream().time_base();
    let first = shown(packets).filter_map(|packet| packet.pts).min();
    let last = shown(packets).filter_map(|packet| Some((packet.pts?, packet.duration))).max();
    match (first, last) {
        (Some(first), Some((last, duration))) if last > first || duration > 0 => {
            let span = last.saturating_sub(first);
            let typical = span / i64::try_from(frames.saturating_sub(1).max(1)).unwrap_or(i64::MAX);
            time::duration(span.saturating_add(if duration > 0 { duration } else { typical }), base)
        }
        _ => frame_interval(source).saturating_mul(u32::try_from(frames).unwrap_or(u32::MAX)),
    }
}

/// Gives the container's own idea of the time between frames; zero where it has none.
pub(super) fn frame_interval(source: &Source) -> Duration {
    let rate = source.stream().avg_frame_rate();
    if rate.numerator() <= 0 {
        return Duration::ZERO;
    }
    time::duration(1, Rational::new(rate.denominator(), rate.numerator()))
}

/// Reads the start: the recorder's own tag, else the creation time if it can be true.
fn start(source: &Source) -> Option<FileStart> {
    let tag = |key| DateTime::parse_from_rfc3339(&source.tag(key)?).ok().map(|start| start.to_utc());
    let created = || tag(c"creation_time").filter(is_plausible).map(FileStart::Metadata);
    tag(c"com.nightreel.start").map(FileStart::Recorder).or_else(created)
}

/// Cameras whose clock was never set write 1904 or 1970.
fn is_plausible(start: &DateTime<Utc>) -> bool {
    NaiveDate::from_ymd_opt(2000, 1, 1).is_some_and(|earliest| start.date_naive() >= earliest)
}
