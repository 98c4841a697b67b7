//! The live playlist: which parts of which files are listed, and with which numbers. Pure; its text is a file's
//! whole content.
//!
//! An `EXT-X-ENDLIST` is never written. Players take it for the end of all things and do not ask again, but a
//! recorder that stops cannot know whether it is started again in a second (an update, a restart of the machine):
//! without it players wait, and go on over a discontinuity.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// What a live playlist must hold at least, in target durations (RFC 8216, section 6.2.2).
const TARGETS_MIN: u32 = 3;

/// Lists parts, oldest first.
#[derive(Debug)]
pub(crate) struct Playlist {
    keep: Duration,
    /// Of the first part.
    media_sequence: u64,
    /// Of the first file.
    discontinuity_sequence: u64,
    /// `EXT-X-TARGETDURATION`. It should never change, but how far apart a camera's keyframes are is only known
    /// when they come: it is raised when it must be, and never lowered.
    target_seconds: u64,
    files: VecDeque<ListedFile>,
    length: Duration,
}

#[derive(Debug)]
struct ListedFile {
    name: String,
    map: Map,
    start: DateTime<Utc>,
    follows: Follows,
    parts: VecDeque<Part>,
    /// Of all parts. Kept, because the whole text is written with each new part.
    text: String,
}

#[derive(Debug)]
struct Part {
    bytes: Range<u64>,
    /// When it begins, counted from the file's start.
    at: Duration,
    length: Duration,
}

/// A file of which parts will be listed.
#[derive(Clone, Debug)]
pub(crate) struct FileOfParts {
    /// As seen from the playlist.
    pub(crate) name: String,
    pub(crate) map: Map,
    /// Of its first frame.
    pub(crate) start: DateTime<Utc>,
    pub(crate) follows: Follows,
}

/// How a file comes after the one that is listed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// The times in it go on where they ended, under the same map.
    InTime,
    /// Over a discontinuity.
    Anew,
}

/// What a player reads before a file's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) number: u32,
    pub(crate) bytes: u64,
}

/// The numbers at a playlist's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) media_sequence: u64,
    pub(crate) discontinuity_sequence: u64,
    pub(crate) target_seconds: u64,
}

impl Playlist {
    /// Origins an empty one that reaches back `keep`.
    pub(crate) fn new(keep: Duration, numbers: Numbers) -> Self {
        let Numbers { media_sequence, discontinuity_sequence, target_seconds } = numbers;
        Self {
            keep,
            media_sequence,
            discontinuity_sequence,
            target_seconds: target_seconds.max(1),
            files: VecDeque::new(),
            length: Duration::ZERO,
        }
    }

    /// Origins one where none can be read. It counts from the seconds since 1970, as `ffmpeg -hls_start_number_source
    /// epoch` does: more than whatever an earlier one, with parts of a second and more, has come to.
    pub(crate) fn anew(keep: Duration, part: Duration, now: DateTime<Utc>) -> Self {
        let numbers = Numbers {
            media_sequence: u64::try_from(now.timestamp()).unwrap_or(0),
            discontinuity_sequence: 0,
            target_seconds: rounded(part),
        };
        Self::new(keep, numbers)
    }

    /// Takes the next file; it is listed with its first part.
    pub(crate) fn begin_file(&mut self, file: FileOfParts) {
        // where nothing of a file was ever listed, the next one comes after the one before it
        let unlisted = self.files.pop_back_if(|last| last.parts.is_empty());
        let FileOfParts { name, map, start, mut follows } = file;
        let joins = self.files.back().is_some_and(|before| before.map == map);
        if !joins || unlisted.is_some_and(|file| file.follows == Follows::Anew) {
            follows = Follows::Anew;
        }
        let (parts, text) = (VecDeque::new(), String::new());
        self.files.push_back(ListedFile { name, map, start, follows, parts, text });
    }

    /// Lists the next part of the newest file, and lets go of what is too old.
    pub(crate) fn add(&mut self, bytes: Range<u64>, length: Duration) {
        let Some(file) = self.files.back_mut() else { return };
        let at = file.parts.back().map_or(Duration::ZERO, |before| before.at + before.length);
        let part = Part { bytes, at, length };
        file.text.push_str(&text_of(&part, &file.name));
        file.parts.push_back(part);
        self.length += length;
        self.target_seconds = self.target_seconds.max(rounded(length));
        self.let_go_of_old();
    }

    /// Takes another name for the newest file: somebody else took the one it was to have.
    pub(crate) fn rename_newest(&mut self, name: String) {
        if let Some(file) = self.files.back_mut() {
            file.text = file.parts.iter().map(|part| text_of(part, &name)).collect();
            file.name = name;
        }
    }

    /// Lets go of the oldest files while `is_there` denies them, but not of the newest.
    pub(crate) fn let_go_of_gone(&mut self, is_there: impl Fn(&str) -> bool) {
        while let Some(gone) = self.files.front().filter(|file| !is_there(&file.name))
            && self.files.len() > 1
        {
            self.let_go_of(gone.parts.len());
        }
    }

    /// Lets go of everything up to the last part that lies beyond what `bytes_of` a file and its map are there:
    /// one in the middle cannot be taken back, but what is before it may go too. Only while no file grows.
    pub(crate) fn let_go_of_broken(&mut self, bytes_of: impl Fn(&str, Map) -> u64) {
        let is_broken = self.files.iter().flat_map(|file| {
            let there = bytes_of(&file.name, file.map);
            file.parts.iter().map(move |part| part.bytes.end > there)
        });
        let up_to_last = (1..).zip(is_broken).filter(|(_, broken)| *broken).last();
        self.let_go_of(up_to_last.map_or(0, |(count, _)| count));
    }

    pub(crate) fn lists(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// Returns the lowest number of a map that is still needed.
    pub(crate) fn first_map(&self) -> Option<u32> {
        self.files.iter().map(|file| file.map.number).min()
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:{}\n#EXT-X-INDEPENDENT-SEGMENTS\n",
            self.target_seconds, self.media_sequence, self.discontinuity_sequence
        );
        for (number, file) in self.files.iter().filter(|file| !file.parts.is_empty()).enumerate() {
            let begins_anew = file.follows == Follows::Anew;
            if number > 0 && begins_anew {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            // told at each discontinuity, because some players forget it there
            if number == 0 || begins_anew {
                file.write_map(&mut text);
            }
            file.write_time(&mut text);
            text.push_str(&file.text);
        }
        text
    }

    fn let_go_of_old(&mut self) {
        let least = Duration::from_secs(self.target_seconds) * TARGETS_MIN;
        let Some(newest_end) = self.files.back().and_then(|file| Some(file.end_of(file.parts.back()?)))
        else {
            return;
        };
        let keep = TimeDelta::from_std(self.keep).unwrap_or(TimeDelta::MAX);
        while let Some((file, first)) = self.files.front().and_then(|file| Some((file, file.parts.front()?)))
        {
            let rest = self.length.saturating_sub(first.length);
            // by the clock too: after an outage what was before it is old, however little has come since
            let is_old = rest >= self.keep || newest_end - file.end_of(first) > keep;
            if !is_old || rest < least {
                break;
            }
            self.let_go_of(1);
        }
    }

    fn let_go_of(&mut self, parts: usize) {
        for _ in 0..parts {
            let Some(file) = self.files.front_mut() else { return };
            let Some(part) = file.parts.pop_front() else { return };
            file.text.drain(..text_of(&part, &file.name).len());
            self.length = self.length.saturating_sub(part.length);
            self.media_sequence += 1;
            if file.parts.is_empty() {
                self.files.pop_front();
                // one of which nothing is listed yet may never be
                let goes_on = |next: &ListedFile| next.follows == Follows::InTime && !next.parts.is_empty();
                self.discontinuity_sequence += u64::from(!self.files.front().is_some_and(goes_on));
            }
        }
    }
}

impl ListedFile {
    fn end_of(&self, part: &Part) -> DateTime<Utc> {
        self.start + TimeDelta::from_std(part.at + part.length).unwrap_or_default()
    }

    fn write_map(&self, text: &mut String) {
        let (map, bytes) = (map_name(self.map.number), self.map.bytes);
        // the range: ffmpeg would ask for the part before's on a connection that it uses again
        text.push_str(&format!("#EXT-X-MAP:URI=\"{map}\",BYTERANGE=\"{bytes}@0\"\n"));
    }

    /// Writes when its first part begins.
    fn write_time(&self, text: &mut String) {
        let at = self.parts.front().map_or(Duration::ZERO, |part| part.at);
        let time = self.start + TimeDelta::from_std(at).unwrap_or_default();
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        text.push_str(&format!("#EXT-X-PROGRAM-DATE-TIME:{time}\n"));
    }
}

/// Returns `init.mp4`, `init_2.mp4` …
pub(crate) fn map_name(number: u32) -> String {
    if number == 1 { "init.mp4".to_owned() } else { format!("init_{number}.mp4") }
}

/// Servers of files pass the query over. It gives each part an address of its own: Chromium's player keeps by
/// address how long a file is, and would never see what has been added to one.
fn text_of(part: &Part, name: &str) -> String {
    let Range { start, end } = part.bytes;
    let (seconds, micros) = (part.length.as_secs(), part.length.subsec_micros());
    format!("#EXTINF:{seconds}.{micros:06},\n#EXT-X-BYTERANGE:{}@{start}\n{name}?{start}\n", end - start)
}

/// As RFC 8216 compares lengths with the target duration: to the nearest second.
fn rounded(length: Duration) -> u64 {
    (length + Duration::from_millis(500)).as_secs()
}
