//! Any bytes as the live playlist of an earlier run.

use std::time::Duration;

use crate::hls::read_playlist;

const KEEP: Duration = Duration::from_secs(3600);

/// Reads it, and what is written then must be read as the same; it must also stand what the recorder does with it.
pub fn playlist(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(mut read) = read_playlist(text, KEEP) else { return };
    check(&read.text());
    let _ = (read.first_map(), read.lists("segment_20260101_000000.mp4"));
    read.let_go_of_gone(|name| name.len().is_multiple_of(2));
    read.let_go_of_broken(|name, map| (name.len() as u64).wrapping_mul(map.bytes));
    let from = Duration::from_secs(10);
    read.add(0..100, from);
    read.rename_newest("segment_20260101_000000_2.mp4".to_owned());
    // where files lie in no order, reading may let go of more
    match read_playlist(&read.text(), KEEP) {
        Some(again) => check(&again.text()),
        None => assert!(is_at_its_end(&read.text()), "what we write we can read"),
    }
}

/// What was written after reading is read as the same.
fn check(written: &str) {
    match read_playlist(written, KEEP) {
        Some(again) => assert_eq!(again.text(), written),
        None => assert!(is_at_its_end(written), "what we write we can read"),
    }
}

/// A playlist whose numbers have come to their end is not read, and so begun anew.
fn is_at_its_end(text: &str) -> bool {
    let numbers = ["#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-DISCONTINUITY-SEQUENCE:"];
    let number = |tag: &str| text.lines().find_map(|line| line.strip_prefix(tag)?.parse::<u64>().ok());
    numbers.into_iter().filter_map(number).any(|number| number > 1 << 53)
}
