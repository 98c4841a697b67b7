//! Any bytes as the live playlist of an earlier run.

use std::time::Duration;

use crate::hls::read_playlist;

/// Reads it, and what is written then must be read as the same; it must also stand what the recorder does with it.
pub fn playlist(bytes: &[u8]) {
    const KEEP: Duration = Duration::from_secs(3600);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(mut read) = read_playlist(text, KEEP) else { return };
    let written = read.text();
    let again = read_playlist(&written, KEEP).expect("what we write we can read");
    assert_eq!(again.text(), written);
    let _ = (read.first_map(), read.lists("segment_20260101_000000.mp4"));
    read.let_go_of_gone(|name| name.len().is_multiple_of(2));
    read.let_go_of_broken(|name, map| (name.len() as u64).wrapping_mul(map.bytes));
    let from = Duration::from_secs(10);
    read.add(0..100, from);
    read.rename_newest("segment_20260101_000000_2.mp4".to_owned());
    // one whose numbers have come to their end is begun anew; where files lie in no order, reading may let go of more
    if let Some(again) = read_playlist(&read.text(), KEEP) {
        let written = again.text();
        let again = read_playlist(&written, KEEP).expect("what we write we can read");
        assert_eq!(again.text(), written);
    }
}
