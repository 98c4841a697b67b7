//! What a file says about itself: camera, start and clock source, so that a catalogue can be rebuilt from the
//! folder alone. Stored as `moov/udta/meta` with the `mdta` handler, which ffprobe shows as tags.

use catalog::ClockSource;
use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use config::CameraId;

use super::boxes::BoxWriter;
use super::read::children;

const CAMERA: &str = "com.nightreel.camera";
const START: &str = "com.nightreel.start";
const CLOCK: &str = "com.nightreel.clock";

/// Of a `data` box: its value is UTF-8 text.
const TEXT: u32 = 1;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) camera: CameraId,
    /// Of the first frame shown; kept to the millisecond.
    pub(crate) start: DateTime<Utc>,
    pub(crate) clock: ClockSource,
}

impl Metadata {
    pub(crate) fn write(&self, w: &mut BoxWriter) {
        let start = self.start.to_rfc3339_opts(SecondsFormat::Millis, true);
        let pairs = [(CAMERA, self.camera.as_str()), (START, &start), (CLOCK, word_of(self.clock))];
        w.boxed(b"udta", |w| {
            w.full(b"meta", 0, |w| {
                w.full(b"hdlr", 0, |w| {
                    w.u32(0);
                    w.bytes(b"mdta");
                    w.zeros(13);
                });
                w.full(b"keys", 0, |w| {
                    w.count(pairs.len());
                    pairs.iter().for_each(|(key, _)| w.boxed(b"mdta", |w| w.bytes(key.as_bytes())));
                });
                w.boxed(b"ilst", |w| {
                    for (number, (_, value)) in (1u32..).zip(pairs) {
                        w.boxed(&number.to_be_bytes(), |w| {
                            w.boxed(b"data", |w| {
                                w.u32(TEXT);
                                w.u32(0);
                                w.bytes(value.as_bytes());
                            });
                        });
                    }
                });
            });
        });
    }

    /// Reads it back from the content of a `moov`; none where a file is not from this recorder.
    pub(crate) fn read(moov: &[u8]) -> Option<Self> {
        let udta = child(moov, b"udta")?;
        let meta = child(udta, b"meta")?.get(4..)?;
        let keys: Vec<&[u8]> = children(child(meta, b"keys")?.get(8..)?).map(|(_, key)| key).collect();
        let values: Vec<&[u8]> =
            children(child(meta, b"ilst")?).filter_map(|(_, item)| child(item, b"data")?.get(8..)).collect();
        let value = |wanted: &str| {
            let at = keys.iter().position(|key| *key == wanted.as_bytes())?;
            std::str::from_utf8(values.get(at)?).ok()
        };
        let start = DateTime::parse_from_rfc3339(value(START)?).ok()?.to_utc();
        let clock = value(CLOCK)?;
        Some(Self {
            camera: value(CAMERA)?.parse().ok()?,
            // others are not written in four digits, and could not be read again
            start: Some(start).filter(|start| (0..=9999).contains(&start.year()))?,
            clock: [ClockSource::ReceiveTime, ClockSource::SenderReport]
                .into_iter()
                .find(|&known| word_of(known) == clock)?,
        })
    }
}

/// Part of the file format: never to be changed.
fn word_of(clock: ClockSource) -> &'static str {
    match clock {
        ClockSource::ReceiveTime => "receive-time",
        ClockSource::SenderReport => "sender-report",
    }
}

fn child<'a>(content: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    children(content).find(|(found, _)| found == kind).map(|(_, content)| content)
}
