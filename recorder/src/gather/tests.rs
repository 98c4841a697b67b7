//! What is gathered from streams of all shapes: every frame once, in order, at its time.

use std::ops::Range;

use config::Camera;
use proptest::prelude::*;

use super::*;
use crate::mp4::TrackKind;

const VIDEO_SCALE: u32 = 90_000;
const FRAME: i64 = 3600;
/// A shorter segment does not wait for sound any more when the next begins.
const HOLD_BACK_FRAMES: u32 = 25;
const SOUND_SCALE: u32 = 16_000;
const SOUND_FRAME: u32 = 1024;
const CLOCK: ClockSource = ClockSource::ReceiveTime;

/// A file as the orders would have written it.
#[derive(Debug)]
struct Written {
    head: FileHead,
    pictures: Vec<(u32, Sample)>,
    sound: Vec<(u32, Sample)>,
    fragments: usize,
    closed: bool,
}

fn head(kind: TrackKind, time_scale: u32, entry: u8) -> TrackHead {
    TrackHead { kind, time_scale, sample_entry: vec![entry] }
}

fn picture_head(entry: u8) -> TrackHead {
    head(TrackKind::Video { width: 320, height: 240 }, VIDEO_SCALE, entry)
}

fn gatherer(segment_length: Duration) -> Gatherer {
    let camera = Camera { segment_length, ..Camera::new("gate".parse().unwrap(), None) };
    let sound = head(TrackKind::Audio, SOUND_SCALE, 9);
    Gatherer::new(&camera, BlockPool::default(), picture_head(1), Some(sound))
}

/// On a minute, so that segments of whole seconds begin with it.
fn wall(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
}

/// Sends picture number `number`, which is shown as number `shown`.
fn send(gatherer: &mut Gatherer, number: u32, shown: i64, keyframe: bool) {
    let wall = wall(i64::from(number) * 40);
    gatherer
        .video(VideoFrame { stamp: shown * FRAME, keyframe, wall, clock: CLOCK, data: &number.to_be_bytes() })
        .unwrap();
}

fn send_sound(gatherer: &mut Gatherer, number: u32) {
    let time = i64::from(number * SOUND_FRAME);
    gatherer.sound(SoundFrame { time, length: SOUND_FRAME, data: number.to_be_bytes().to_vec() }).unwrap();
}

fn carry_out(orders: Vec<Order>, files: &mut Vec<Written>) {
    for order in orders {
        match order {
            Order::Open(head) => {
                assert!(files.last().is_none_or(|file| file.closed), "a file is open already");
                let (pictures, sound) = (Vec::new(), Vec::new());
                files.push(Written { head, pictures, sound, fragments: 0, closed: false });
            }
            Order::Append(fragment) => append(files.last_mut().unwrap(), &fragment),
            Order::Close => {
                let file = files.last_mut().unwrap();
                assert!(!std::mem::replace(&mut file.closed, true), "closed twice");
            }
        }
    }
}

fn append(file: &mut Written, fragment: &Fragment) {
    assert!(!file.closed, "nothing goes into a closed file");
    file.fragments += 1;
    let data = fragment.data.slices().collect::<Vec<_>>().concat();
    let mut numbers = data.chunks(4).map(|number| u32::from_be_bytes(number.try_into().unwrap()));
    for run in &fragment.runs {
        let samples = if run.track == 0 { &mut file.pictures } else { &mut file.sound };
        samples.extend(run.samples.iter().map(|sample| (numbers.next().unwrap(), *sample)));
    }
    assert_eq!(numbers.next(), None, "bytes that no sample claims");
}

fn numbers(samples: &[(u32, Sample)]) -> Vec<u32> {
    samples.iter().map(|(number, _)| *number).collect()
}

fn assert_times_rise(samples: &[(u32, Sample)]) {
    assert!(samples.windows(2).all(|pair| pair[0].1.dts < pair[1].1.dts), "{samples:?}");
}

/// What a camera sends: groups of pictures, with or without B-frames, and sound that arrives late.
#[derive(Clone, Debug)]
struct Stream {
    groups: Vec<u32>,
    b_frames: bool,
    sound_late_ms: u32,
}

fn streams(group: Range<u32>, sound_late_ms: Range<u32>) -> impl Strategy<Value = Stream> {
    let groups = prop::collection::vec(group, 1..12);
    (groups, any::<bool>(), sound_late_ms).prop_map(|(groups, b_frames, sound_late_ms)| Stream {
        groups,
        b_frames,
        sound_late_ms,
    })
}

impl Stream {
    /// Lists the pictures as they are sent: when each is shown, and whether it is a keyframe.
    fn pictures(&self) -> Vec<(i64, bool)> {
        let mut pictures = Vec::new();
        for &length in &self.groups {
            let begin = pictures.len() as i64;
            let mut shown: Vec<i64> = (0..i64::from(length)).collect();
            if self.b_frames {
                // I0 P3 B1 B2 P6 B4 B5 …
                shown[1..].chunks_mut(3).for_each(|group| group.rotate_right(1));
            }
            pictures.extend(shown.iter().map(|&n| (begin + n, n == 0)));
        }
        pictures
    }

    fn gather(&self) -> Vec<Written> {
        let (mut gatherer, mut files) = (gatherer(Duration::from_secs(2)), Vec::new());
        let mut sound = 0;
        for (number, (shown, keyframe)) in (0u32..).zip(self.pictures()) {
            while sound * 64 + self.sound_late_ms < number * 40 {
                send_sound(&mut gatherer, sound);
                sound += 1;
            }
            send(&mut gatherer, number, shown, keyframe);
            carry_out(gatherer.take_orders(), &mut files);
        }
        gatherer.finish();
        carry_out(gatherer.take_orders(), &mut files);
        let heard: Vec<u32> = files.iter().flat_map(|file| numbers(&file.sound)).collect();
        assert_eq!(heard, (0..sound).collect::<Vec<_>>(), "all sound, once, in order");
        files
    }

    fn check(&self, files: &[Written]) {
        let pictures = self.pictures();
        let seen: Vec<u32> = files.iter().flat_map(|file| numbers(&file.pictures)).collect();
        assert_eq!(seen, (0..pictures.len() as u32).collect::<Vec<_>>(), "all pictures, once, in order");
        for file in files {
            assert!(file.closed && file.pictures[0].1.keyframe);
            assert_times_rise(&file.pictures);
            assert_times_rise(&file.sound);
            let origin = pictures[file.pictures[0].0 as usize].0 * FRAME;
            for (number, sample) in &file.pictures {
                let shown = sample.dts as i64 + i64::from(sample.offset) + origin;
                assert_eq!(shown, pictures[*number as usize].0 * FRAME, "picture {number}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_frame_lands_once_and_at_its_time(stream in streams(HOLD_BACK_FRAMES..90, 0..900)) {
        let files = stream.gather();
        stream.check(&files);
        for pair in files.windows(2) {
            let cut = i64::from(pair[1].pictures[0].0) * 40;
            let is_before = |(number, _): &(u32, Sample)| i64::from(*number) * 64 < cut;
            prop_assert!(pair[0].sound.iter().all(is_before), "sound after the cut at {cut} ms: {:?}", pair[0]);
            prop_assert!(!pair[1].sound.iter().any(is_before), "sound before the cut at {cut} ms: {:?}", pair[1]);
        }
    }

    #[test]
    fn sound_that_is_very_late_or_between_two_cuts_is_moved_and_not_lost(stream in streams(1..90, 0..2900)) {
        stream.check(&stream.gather());
    }
}

#[test]
fn segments_begin_on_the_clock_and_long_groups_are_cut_into_fragments() {
    let (mut gatherer, mut files) = (gatherer(Duration::from_secs(60)), Vec::new());
    // a keyframe every ten seconds, from second 55 on
    for number in 0..500u32 {
        let keyframe = number.is_multiple_of(250);
        let wall = wall(55_000 + i64::from(number) * 40);
        let data = number.to_be_bytes();
        let stamp = i64::from(number) * FRAME;
        gatherer.video(VideoFrame { stamp, keyframe, wall, clock: CLOCK, data: &data }).unwrap();
    }
    gatherer.finish();
    carry_out(gatherer.take_orders(), &mut files);
    let starts: Vec<_> = files.iter().map(|file| file.head.metadata.start).collect();
    assert_eq!(starts, [wall(55_000), wall(65_000)], "the first keyframe after the minute");
    assert_eq!(files.iter().map(|file| file.fragments).collect::<Vec<_>>(), [10, 10]);
    assert!(files[0].pictures.iter().all(|(_, sample)| i64::from(sample.duration) == FRAME));
}

#[test]
fn other_parameters_and_a_set_clock_begin_a_segment_at_the_next_keyframe() {
    let (mut gatherer, mut files) = (gatherer(Duration::from_secs(60)), Vec::new());
    for number in 0..40 {
        match number {
            8 => gatherer.change_video(picture_head(1)), // the same again
            12 => gatherer.change_video(picture_head(2)),
            24 => gatherer.cut_at_next_keyframe(),
            _ => {}
        }
        send(&mut gatherer, number, i64::from(number), number.is_multiple_of(10));
    }
    gatherer.finish();
    carry_out(gatherer.take_orders(), &mut files);
    let firsts: Vec<u32> = files.iter().map(|file| file.pictures[0].0).collect();
    assert_eq!(firsts, [0, 20, 30]);
    let entries: Vec<u8> = files.iter().map(|file| file.head.tracks[0].sample_entry[0]).collect();
    assert_eq!(entries, [1, 2, 2]);
}

#[test]
fn nothing_before_the_first_keyframe_is_kept_neither_picture_nor_sound() {
    let (mut gatherer, mut files) = (gatherer(Duration::from_secs(60)), Vec::new());
    for number in 0..50u32 {
        send(&mut gatherer, number, i64::from(number), number == 25);
        // sound that is half a second late
        if number > 13 {
            let time = i64::from(number - 13) * 640;
            let data = number.to_be_bytes();
            gatherer.sound(SoundFrame { time, length: 640, data: data.to_vec() }).unwrap();
        }
    }
    gatherer.finish();
    carry_out(gatherer.take_orders(), &mut files);
    assert_eq!(numbers(&files[0].pictures), (25..50).collect::<Vec<_>>());
    assert_eq!(numbers(&files[0].sound), (38..50).collect::<Vec<_>>());
    assert_eq!(files[0].sound[0].1.dts, 0);
}

#[test]
fn a_camera_that_never_lets_cut_is_stopped_and_what_it_sent_is_kept() {
    let mut gatherer = gatherer(Duration::from_secs(60));
    let data = vec![7; 1 << 20];
    let mut sent = 0;
    // the second picture is shown before the first: with B-frames there is no cut inside a group
    let refused = [0, 2, 1].into_iter().chain(3..).find_map(|shown| {
        let frame = VideoFrame {
            stamp: shown * FRAME,
            keyframe: shown == 0,
            wall: wall(0),
            clock: CLOCK,
            data: &data,
        };
        sent += 1;
        gatherer.video(frame).err()
    });
    assert_eq!(refused, Some(TooMuchHeld));
    assert_eq!(sent, HELD_MAX >> 20, "with the bookkeeping it is more");
    gatherer.finish();
    let kept: usize = gatherer
        .take_orders()
        .iter()
        .map(|order| if let Order::Append(fragment) = order { fragment.data.len() } else { 0 })
        .sum();
    assert_eq!(kept, sent << 20);
}
