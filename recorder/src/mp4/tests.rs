//! What is written is read back the same, and nothing that a disk may hold makes the reader fall over.

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn file_head() -> FileHead {
    let entry = |kind: &[u8; 4]| [&12u32.to_be_bytes()[..], kind, b"abcd"].concat();
    FileHead {
        metadata: Metadata {
            camera: "gate".parse().unwrap(),
            start: DateTime::from_timestamp_millis(1_800_000_000_123).unwrap(),
            clock: catalog::ClockSource::ReceiveTime,
        },
        tracks: vec![
            TrackHead {
                kind: TrackKind::Video { width: 2560, height: 1440 },
                time_scale: 90_000,
                sample_entry: entry(b"avc1"),
            },
            TrackHead { kind: TrackKind::Audio, time_scale: 16_000, sample_entry: entry(b"mp4a") },
        ],
        origins: Origins(vec![5_400_000, 960_000]),
    }
}

/// Returns the content of the `moov` of an opening.
fn moov_of(opening: &[u8]) -> &[u8] {
    &opening[(SPAN_AT + SPAN_LENGTH) as usize + 8..]
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let sample = (1u32..100_000, any::<i32>(), 0u32..1_000_000, any::<bool>());
    let run = (0u64..1 << 40, prop::collection::vec(sample, 1..60)).prop_map(|(begin, samples)| {
        let mut dts = begin;
        let timed = samples.into_iter().map(|(duration, offset, size, keyframe)| {
            let sample = Sample { dts, duration, offset, size, keyframe };
            dts += u64::from(duration);
            sample
        });
        timed.collect::<Vec<_>>()
    });
    prop::collection::vec(run, 1..3).prop_map(|runs| {
        let numbered = runs.into_iter().enumerate();
        numbered.map(|(track, samples)| Run { track, samples }).collect()
    })
}

fn origins() -> impl Strategy<Value = Origins> {
    prop::collection::vec(0u64..1 << 50, 0..3).prop_map(Origins)
}

/// Damages bytes as a disk may: some of them changed, the end missing.
fn damage(bytes: &mut Vec<u8>, changes: &[(usize, u8)], end: usize) {
    for &(at, byte) in changes {
        let length = bytes.len();
        bytes[at % length] = byte;
    }
    bytes.truncate(end % (bytes.len() + 1));
}

#[test]
fn a_head_is_read_back_as_it_was_written() {
    let head = file_head();
    assert_eq!(parse_head(moov_of(&head.opening())), Ok(head));
}

#[test]
fn the_span_covers_everything_up_to_the_index() {
    let opening = file_head().opening();
    assert_eq!(&opening[SPAN_AT as usize + 4..SPAN_AT as usize + 8], b"free");
    let span = box_at(&span_header(5_000_000_000)).unwrap();
    assert_eq!((span.kind, SPAN_AT + span.length), (*b"mdat", 5_000_000_000));
}

proptest! {
    #[test]
    fn a_fragment_is_read_back_as_it_was_written(runs in runs(), number: u32, origins in origins()) {
        let head = FragmentHead::of(number, &runs, &origins);
        let moof = box_at(&head.bytes).unwrap();
        let parsed = parse_fragment(&head.bytes[8..moof.length as usize], &origins).unwrap();
        let mdat = box_at(&head.bytes[moof.length as usize..]).unwrap();
        prop_assert_eq!(mdat.length, head.data_length + 8);
        prop_assert_eq!(parsed.len(), runs.len());
        for ((data_at, run), (written_at, written)) in parsed.iter().zip(head.data_at.iter().zip(&runs)) {
            prop_assert_eq!(data_at, written_at);
            prop_assert_eq!((run.track, &run.samples), (written.track, &written.samples));
        }
    }

    #[test]
    fn damaged_heads_and_fragments_are_faults_and_no_panics(
        runs in runs(),
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..8),
        end: usize,
    ) {
        let origins = file_head().origins;
        let mut fragment = FragmentHead::of(1, &runs, &origins).bytes;
        damage(&mut fragment, &changes, end);
        let _ = parse_fragment(fragment.get(8..).unwrap_or_default(), &origins);
        let mut head = moov_of(&file_head().opening()).to_vec();
        damage(&mut head, &changes, end);
        let _ = parse_head(&head);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (box_at(&bytes), parse_head(&bytes), parse_fragment(&bytes, &Origins::default()));
    }
}
