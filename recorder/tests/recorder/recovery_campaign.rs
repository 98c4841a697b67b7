//! The long campaign: a thousand kills and a thousand power cuts. Each file left behind is recovered, has to hold
//! every picture that was on the disk, and must be decoded without a word of complaint.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::clip::{self, AAC, Codec};
use crate::fake_camera::FakeCamera;
use crate::parse::{self, Fragment};
use crate::recovery::{Left, check, cut, name, pictures_before, recover, whole_file};
use crate::station::Station;

/// Files left behind, over all recordings.
const FILES: usize = 1000;
/// What a recorder finds at one start.
const AT_ONCE: usize = 100;
/// What disks write at once.
const SECTOR: usize = 512;
/// Longer recordings have more places to be cut at.
const FRAMES: u64 = 380;

/// What was recorded, and what was sent.
struct Recording {
    whole: Vec<u8>,
    fragments: Vec<Fragment>,
    sent: Vec<String>,
    codec: Codec,
}

async fn record(codec: Codec) -> Recording {
    let station = Station::new();
    let sent = clip::encoded(codec, AAC);
    let options = ["--audio", "aac", "--h265"];
    let fake = FakeCamera::play(&sent, if codec == Codec::H265 { &options } else { &options[..2] });
    let whole = whole_file(&station, &fake, FRAMES).await;
    let fragments = parse::fragments(&whole);
    assert!(fragments.len() >= 8, "{fragments:?}");
    let sent = clip::picture_hashes(&sent, codec);
    Recording { whole, fragments, sent, codec }
}

/// A power cut in one fragment or in the index: everything before was synced, and of this any sectors are there.
fn power_cut(whole: &[u8], fragments: &[Fragment]) -> Left {
    let number = fastrand::usize(..=fragments.len());
    let index = Fragment { begin: fragments.last().unwrap().end, end: whole.len(), pictures: 0 };
    let unsynced = fragments.get(number).unwrap_or(&index);
    let mut bytes = whole[..unsynced.end].to_vec();
    // the sector of its first bytes is there already, with zeros in their place: it is written anew as a whole
    let sectors: Vec<usize> = (unsynced.begin / SECTOR * SECTOR..unsynced.end).step_by(SECTOR).collect();
    let mut lose = |from: usize, to: usize| bytes[from.max(unsynced.begin)..to.min(unsynced.end)].fill(0);
    match fastrand::u8(..4) {
        // the length never got to the disk
        0 => bytes.truncate(fastrand::usize(unsynced.begin..unsynced.end)),
        // the length did, its end did not
        1 => lose(*fastrand::choice(&sectors).unwrap(), unsynced.end),
        // nor did its beginning
        2 => lose(unsynced.begin, *fastrand::choice(&sectors).unwrap() + SECTOR),
        // holes
        _ => {
            for _ in 0..fastrand::usize(1..=8) {
                let from = *fastrand::choice(&sectors).unwrap();
                lose(from, from + SECTOR);
            }
        }
    }
    Left { bytes, pictures: pictures_before(fragments, unsynced.begin) }
}

/// Recovers what `make` leaves of three recordings.
#[expect(clippy::print_stderr, reason = "the number is what the campaign is run for")]
async fn campaign(make: fn(&[u8], &[Fragment]) -> Left) {
    let codecs = [Codec::H264, Codec::H264WithBFrames, Codec::H265];
    let (mut recovered, mut decoded) = (0, 0);
    for (number, codec) in codecs.into_iter().enumerate() {
        let recording = record(codec).await;
        let files = FILES / codecs.len() + usize::from(number < FILES % codecs.len());
        let mut seen = HashSet::new();
        for begin in (0..files).step_by(AT_ONCE) {
            let make = |_| make(&recording.whole, &recording.fragments);
            let left: Vec<Left> = (begin..files.min(begin + AT_ONCE)).map(make).collect();
            recovered += recover_and_decode(&recording, &left, &mut seen).await;
        }
        decoded += seen.len();
    }
    assert_eq!(recovered, FILES);
    eprintln!("{recovered} of {FILES} files recovered, {decoded} different ones decoded without an error");
}

/// Returns how many came out as they must.
async fn recover_and_decode(recording: &Recording, left: &[Left], seen: &mut HashSet<u64>) -> usize {
    let station = Station::new();
    recover(&station, left).await;
    for (number, left) in left.iter().enumerate() {
        let path = name(&station, number);
        check(&station, &path, left);
        // most cuts in one fragment leave the same file: it is decoded once
        if left.pictures > 0 && seen.insert(hash_of(&path)) {
            assert_eq!(clip::decode_errors(&path), "", "number {number}");
            let pictures = clip::picture_hashes(&path, recording.codec);
            assert_eq!(pictures.len(), left.pictures, "number {number}");
            clip::assert_unbroken(&recording.sent, &pictures);
        }
    }
    left.len()
}

fn hash_of(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::fs::read(path).unwrap().hash(&mut hasher);
    hasher.finish()
}

#[tokio::test]
#[ignore = "long: a thousand files take some minutes"]
async fn a_thousand_killed_recordings_decode_without_an_error() {
    campaign(cut).await;
}

#[tokio::test]
#[ignore = "long: a thousand files take some minutes"]
async fn a_thousand_recordings_cut_off_from_power_decode_without_an_error() {
    campaign(power_cut).await;
}
