//! What players may rely on, whatever cameras, clocks and restarts do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::check::{self, Reading, assert_follows};
use super::playlist::{FileOfParts, Follows, Map, Numbers, Playlist};
use super::read::read;

fn numbers(target_seconds: u64) -> Numbers {
    Numbers { media_sequence: 7, discontinuity_sequence: 3, target_seconds }
}

fn noon() -> DateTime<Utc> {
    "2026-11-25T12:00:00.040Z".parse().unwrap()
}

fn file(number: u32, start: DateTime<Utc>) -> FileOfParts {
    FileOfParts { name: format!("segment_{number}.mp4"), map: map(1), start, follows: Follows::Anew }
}

fn next_file(number: u32, start: DateTime<Utc>) -> FileOfParts {
    FileOfParts { follows: Follows::InTime, ..file(number, start) }
}

fn map(number: u32) -> Map {
    Map { number, bytes: 1146 }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_playlist_reads_as_it_should() {
    let mut playlist = Playlist::new(seconds(60), numbers(2));
    playlist.begin_file(file(1, noon()));
    playlist.add(900..2900, Duration::from_millis(2040));
    playlist.add(2900..4000, Duration::from_millis(1960));
    let name = "live/segment_20261025_023000+0200.mp4".to_owned();
    let other = FileOfParts { name, map: map(2), ..file(0, noon() + TimeDelta::seconds(4)) };
    playlist.begin_file(other);
    playlist.add(900..1000, Duration::from_micros(2_499_999));
    let next = FileOfParts { map: map(2), ..next_file(3, noon() + TimeDelta::seconds(8)) };
    playlist.begin_file(next);
    playlist.add(910..920, seconds(2));
    let expected = "\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"1146@0\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T12:00:00.040Z
#EXTINF:2.040000,
#EXT-X-BYTERANGE:2000@900
segment_1.mp4?900
#EXTINF:1.960000,
#EXT-X-BYTERANGE:1100@2900
segment_1.mp4?2900
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI=\"init_2.mp4\",BYTERANGE=\"1146@0\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T12:00:04.040Z
#EXTINF:2.499999,
#EXT-X-BYTERANGE:100@900
live/segment_20261025_023000+0200.mp4?900
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T12:00:08.040Z
#EXTINF:2.000000,
#EXT-X-BYTERANGE:10@910
segment_3.mp4?910
";
    assert_eq!(playlist.text(), expected);
    assert_eq!(read(expected, seconds(60)).unwrap().text(), expected);
}

#[test]
fn old_parts_fall_out_and_the_numbers_move_on() {
    let mut playlist = Playlist::new(seconds(6), numbers(2));
    for number in 0..3 {
        playlist.begin_file(file(number, noon() + TimeDelta::seconds(4 * i64::from(number))));
        playlist.add(0..10, seconds(2));
        playlist.add(10..20, seconds(2));
    }
    let text = playlist.text();
    assert!(text.contains("SEQUENCE:10\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n"), "{text}");
    let reading = check::read(&text);
    let listed: Vec<_> = reading.parts.values().map(|part| (part.uri.as_str(), part.bytes.start)).collect();
    assert_eq!(listed, [("segment_1.mp4", 10), ("segment_2.mp4", 0), ("segment_2.mp4", 10)]);
    assert_eq!(reading.parts[&10].time, noon() + TimeDelta::seconds(6), "the time is that of its first part");
    assert!(!playlist.lists("segment_0.mp4") && playlist.lists("segment_1.mp4"));
}

#[test]
fn files_that_go_on_in_time_are_no_discontinuities() {
    let mut playlist = Playlist::new(seconds(6), numbers(2));
    playlist.begin_file(next_file(0, noon()));
    let mut discontinuities = Vec::new();
    for number in 1..9 {
        (0..2).for_each(|part| playlist.add(part * 10..part * 10 + 10, seconds(2)));
        let start = noon() + TimeDelta::seconds(4 * i64::from(number));
        playlist.begin_file(if number == 4 { file(number, start) } else { next_file(number, start) });
        let reading = check::read(&playlist.text());
        discontinuities.push(reading.parts.values().next_back().unwrap().discontinuity);
    }
    assert_eq!(discontinuities, [3, 3, 3, 3, 4, 4, 4, 4]);
}

#[test]
fn a_file_does_not_go_on_from_one_with_another_map_or_of_which_nothing_was_listed() {
    let mut playlist = Playlist::new(seconds(600), numbers(2));
    let files = [file(1, noon()), FileOfParts { map: map(2), ..next_file(2, noon()) }];
    for file in files {
        playlist.begin_file(file);
        playlist.add(0..10, seconds(2));
    }
    playlist.begin_file(FileOfParts { map: map(2), ..file(3, noon()) });
    playlist.begin_file(FileOfParts { map: map(2), ..next_file(4, noon()) });
    playlist.add(0..10, seconds(2));
    let reading = check::read(&playlist.text());
    let discontinuities: Vec<_> = reading.parts.values().map(|part| part.discontinuity).collect();
    assert_eq!(discontinuities, [3, 4, 5]);
}

#[test]
fn after_an_outage_only_what_a_playlist_must_hold_is_kept_from_before() {
    let mut playlist = Playlist::new(seconds(60), numbers(2));
    playlist.begin_file(file(1, noon()));
    (0..20).for_each(|part| playlist.add(part * 10..part * 10 + 10, seconds(2)));
    playlist.begin_file(file(2, noon() + TimeDelta::hours(3)));
    playlist.add(0..10, seconds(2));
    assert_eq!(check::read(&playlist.text()).parts.len(), 3);
    (1..4).for_each(|part| playlist.add(part * 10..part * 10 + 10, seconds(2)));
    assert!(!playlist.lists("segment_1.mp4"));
}

#[test]
fn a_longer_part_raises_the_target_and_a_shorter_one_does_not_lower_it() {
    let mut playlist = Playlist::anew(seconds(3600), seconds(2), noon());
    playlist.begin_file(file(1, noon()));
    for (length_ms, target) in [(2400, 2), (4600, 5), (2000, 5)] {
        playlist.add(0..10, Duration::from_millis(length_ms));
        assert_eq!(check::read(&playlist.text()).target, target, "{length_ms}");
    }
}

#[test]
fn one_that_is_begun_anew_counts_on_from_any_earlier_one() {
    let mut earlier = Playlist::anew(seconds(10), seconds(1), noon());
    earlier.begin_file(file(1, noon()));
    (0..3600).for_each(|part| earlier.add(part..part + 1, seconds(1)));
    let mut later = Playlist::anew(seconds(10), seconds(1), noon() + TimeDelta::seconds(3601));
    later.begin_file(file(2, noon()));
    later.add(0..1, seconds(1));
    let (earlier, later) = (check::read(&earlier.text()), check::read(&later.text()));
    assert!(later.parts.keys().next() > earlier.parts.keys().last());
}

#[test]
fn what_lies_beyond_the_end_of_its_file_is_let_go_of_with_all_before_it() {
    let mut playlist = Playlist::new(seconds(3600), numbers(2));
    for number in 1..=3 {
        playlist.begin_file(file(number, noon()));
        (0..3).for_each(|part| playlist.add(part * 10..part * 10 + 10, seconds(2)));
    }
    // the second file lost its last part to a power cut
    playlist.let_go_of_broken(|name, _| if name == "segment_2.mp4" { 29 } else { 30 });
    let reading = check::read(&playlist.text());
    assert_eq!(reading.parts.keys().copied().collect::<Vec<_>>(), [13, 14, 15]);
    assert!(reading.parts.values().all(|part| part.discontinuity == 5 && part.uri == "segment_3.mp4"));

    playlist.let_go_of_broken(|_, _| 0);
    playlist.begin_file(file(4, noon()));
    playlist.add(0..10, seconds(2));
    let reading = check::read(&playlist.text());
    assert_eq!(
        reading.parts.iter().map(|(number, part)| (*number, part.discontinuity)).collect::<Vec<_>>(),
        [(16, 6)]
    );
}

#[test]
fn files_that_retention_took_are_let_go_of_from_the_oldest_on() {
    let mut playlist = Playlist::new(seconds(3600), numbers(2));
    for number in 1..=4 {
        playlist.begin_file(file(number, noon()));
        (0..2).for_each(|part| playlist.add(part * 10..part * 10 + 10, seconds(2)));
    }
    playlist.let_go_of_gone(|name| name == "segment_3.mp4");
    let reading = check::read(&playlist.text());
    assert_eq!(reading.parts.keys().next(), Some(&11));
    playlist.let_go_of_gone(|_| false);
    assert!(playlist.lists("segment_4.mp4"), "the newest file grows");
}

#[test]
fn a_file_that_got_another_name_is_listed_under_it() {
    let mut playlist = Playlist::new(seconds(3600), numbers(2));
    playlist.begin_file(file(1, noon()));
    playlist.add(0..10, seconds(2));
    playlist.rename_newest("segment_1_2.mp4".to_owned());
    playlist.add(10..20, seconds(2));
    let reading = check::read(&playlist.text());
    assert!(reading.parts.values().all(|part| part.uri == "segment_1_2.mp4"));
}

#[test]
fn what_is_not_of_our_making_is_not_read() {
    let mut playlist = Playlist::new(seconds(60), numbers(2));
    playlist.begin_file(file(1, noon()));
    (0..3).for_each(|part| playlist.add(part..part + 1, seconds(2)));
    let text = playlist.text();
    assert!(read(&text, seconds(60)).is_some());
    let damages: [fn(&str) -> String; 9] = [
        |_| String::new(),
        |text| text[..text.len() - 1].to_owned(),
        |text| text.replace("VERSION:7", "VERSION:3"),
        |text| text.replace("SEQUENCE:7", "SEQUENCE:-7"),
        |text| text.replace("SEQUENCE:7", "SEQUENCE:18446744073709551615"),
        |text| text.replace("segment_1.mp4", "../segment_1.mp4"),
        |text| text.replace("segment_1.mp4", "live/../../segment_1.mp4"),
        |text| text.replace("1@2\n", "1@18446744073709551615\n").replace("?2\n", "?18446744073709551615\n"),
        |text| format!("{text}#EXT-X-ENDLIST\n"),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let damaged = damage(&text);
        assert_ne!(damaged, text, "{number}");
        assert!(read(&damaged, seconds(60)).is_none(), "{number}: {damaged}");
    }
}

/// What happens to a playlist, one after another.
#[derive(Clone, Debug)]
enum Event {
    /// Origins a file so many milliseconds after the one before began; less than nothing where the clock was set.
    File {
        after_ms: i64,
        map: u32,
        follows: Follows,
    },
    Part {
        length_ms: u64,
        size: u64,
    },
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let follows = prop_oneof![Just(Follows::InTime), Just(Follows::Anew)];
    let file = (-7_200_000i64..7_200_000, 1u32..4, follows)
        .prop_map(|(after_ms, map, follows)| Event::File { after_ms, map, follows });
    let part = (1u64..20_000, 1u64..1 << 40).prop_map(|(length_ms, size)| Event::Part { length_ms, size });
    prop::collection::vec(prop_oneof![2 => file, 12 => part, 1 => Just(Event::Restart)], 1..120)
}

proptest! {
    #[test]
    fn players_can_follow_from_part_to_part(events in events(), keep_s in 6u64..120) {
        let keep = seconds(keep_s);
        let mut playlist = Playlist::new(keep, numbers(1));
        let (mut before, mut number, mut start, mut at): (Option<Reading>, _, _, _) = (None, 0, noon(), 0);
        for event in events {
            match event {
                Event::File { after_ms, map, follows } => {
                    (number, at) = (number + 1, 900);
                    start += TimeDelta::milliseconds(after_ms);
                    let map = Map { number: map, bytes: 1146 };
                    playlist.begin_file(FileOfParts { map, follows, ..file(number, start) });
                }
                Event::Part { .. } if number == 0 => continue,
                Event::Part { length_ms, size } => {
                    playlist.add(at..at + size, Duration::from_millis(length_ms));
                    at += size;
                }
                Event::Restart => {
                    playlist = read(&playlist.text(), keep).expect("what was written is read");
                    (number, at) = (number + 1, 900);
                    playlist.begin_file(file(number, start));
                }
            }
            let after = check::read(&playlist.text());
            if let Some(before) = &before {
                assert_follows(before, &after);
            }
            let length: f64 = after.parts.values().map(|part| part.seconds).sum();
            let first = after.parts.values().next().map_or(0.0, |part| part.seconds);
            let most = keep.as_secs_f64().max((3 * after.target) as f64);
            prop_assert!(length - first < most, "{length} s are listed, {most} s should be");
            let listed = after.parts.values().map(|part| &part.uri);
            prop_assert!(listed.clone().all(|uri| playlist.lists(uri)));
            before = Some(after);
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall_over(
        text in "(#EXTM3U\n#EXT-X-VERSION:7\n)?(#EXT-X-TARGETDURATION:[0-9]{0,21}\n|#EXT-X-MEDIA-SEQUENCE:[0-9]{0,21}\n\
                 |#EXTINF:[0-9.]{0,12},\n|#EXT-X-BYTERANGE:[0-9@]{0,45}\n|segment_1.mp4\\?[0-9]{0,3}\n|#EXT-X-DISCONTINUITY\n|.{0,20}){0,20}",
    ) {
        let _ = read(&text, seconds(60));
    }

    #[test]
    fn a_damaged_playlist_is_read_as_another_or_not_at_all(at: prop::sample::Index, byte in 32u8..127) {
        let mut playlist = Playlist::new(seconds(60), numbers(2));
        playlist.begin_file(file(1, noon()));
        (0..9).for_each(|part| playlist.add(part * 5..part * 5 + 5, seconds(2)));
        let mut text = playlist.text().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Some(mut playlist) = read(&String::from_utf8(text).unwrap(), seconds(60)) {
            playlist.begin_file(file(2, noon()));
            playlist.add(0..10, seconds(2));
            check::read(&playlist.text());
        }
    }
}
