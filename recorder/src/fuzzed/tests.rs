//! The kept corpora, once through the same functions.

use crate::mp4::{FileHead, FragmentHead, Metadata, Origins, Run, Sample, TrackHead, TrackKind};

fn replay(name: &str, function: fn(&[u8])) {
    let folder = format!("{}/../fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert!(!files.is_empty(), "nothing is kept in {folder}");
    for file in files {
        function(&std::fs::read(file.unwrap().path()).unwrap());
    }
}

#[test]
fn the_kept_corpus_of_files_is_recovered_or_refused() {
    replay("recovery", super::recovery);
}

#[test]
fn the_kept_corpus_of_boxes_is_read_without_panic() {
    replay("mp4", super::mp4);
}

#[test]
fn the_kept_corpus_of_playlists_is_read_without_panic() {
    replay("playlist", super::playlist);
}

/// A file of one picture per fragment, decoded at these times.
fn file_of(start: &str, times: &[u64]) -> Vec<u8> {
    let head = FileHead {
        metadata: Metadata {
            camera: "gate".parse().unwrap(),
            start: start.parse().unwrap(),
            clock: catalog::ClockSource::ReceiveTime,
        },
        tracks: vec![TrackHead {
            kind: TrackKind::Video { width: 64, height: 48 },
            time_scale: 1,
            sample_entry: [&12u32.to_be_bytes()[..], b"avc1abcd"].concat(),
        }],
        origins: Origins::default(),
    };
    let mut file = head.opening();
    for &dts in times {
        let sample = Sample { dts, duration: 1, offset: 0, size: 5, keyframe: true };
        file.extend(FragmentHead::of(1, &[Run { track: 0, samples: vec![sample] }], &head.origins).bytes);
        file.extend([0, 0, 0, 1, 7]);
    }
    file
}

#[test]
fn times_that_go_backwards_or_beyond_all_clocks_are_recovered_or_refused() {
    for times in [&[5, 6][..], &[9, 2, 30, 1], &[0, 1 << 40], &[1 << 52], &[u64::MAX - 1], &[u64::MAX - 1, 0]]
    {
        super::recovery(&file_of("2026-11-25T10:00:00Z", times));
    }
}

#[test]
fn a_fragment_that_only_looks_damaged_is_kept_by_a_second_recovery_too() {
    let whole = file_of("2026-11-25T10:00:00Z", &[0, 1, 2]);
    let fragment = (whole.len() - file_of("2026-11-25T10:00:00Z", &[]).len()) / 3;
    let mut file = whole.clone();
    // neither of the last two ends as its frame's length says; the last was never synced
    for end in [whole.len(), whole.len() - fragment] {
        file[end - 5..end].fill(9);
    }
    super::recovery(&file);
}

#[test]
fn a_start_that_four_digits_cannot_hold_is_refused() {
    let item = |number: u8, text: &str| {
        let length = u8::try_from(text.len()).unwrap() + 24;
        let boxes = [&[0, 0, 0, length, 0, 0, 0, number, 0, 0, 0, length - 8][..], b"data\0\0\0\x01\0\0\0\0"];
        [&boxes.concat()[..], text.as_bytes()].concat()
    };
    let mut file = file_of("9999-12-31T23:00:00.000Z", &[0]);
    let from = [item(1, "gate"), item(2, "9999-12-31T23:00:00.000Z")].concat();
    // the year 10000 in UTC
    let to = [item(1, "gat"), item(2, "9999-12-31T23:00:00-05:00")].concat();
    let at = file.windows(from.len()).position(|bytes| bytes == from).unwrap();
    super::recovery(&file);
    file[at..at + to.len()].copy_from_slice(&to);
    super::recovery(&file);
}

#[test]
fn a_playlist_of_the_year_10000_is_begun_anew() {
    super::playlist(
        b"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n\
        #EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"9@0\"\n\
        #EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:00:00-05:00\n\
        #EXTINF:2.000000,\n#EXT-X-BYTERANGE:5@7\nsegment_99991231_230000.mp4?7\n",
    );
}
