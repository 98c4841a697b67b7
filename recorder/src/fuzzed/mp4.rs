//! Any bytes as boxes: those of our own files, and those that an `ffmpeg` child pipes.

use std::time::Instant;

use crate::input::{Brought, Demuxer, Item};
use crate::mp4::{FileHead, FragmentHead, Origins, ParameterSets, Run, SampleTable, SetsIn};
use crate::mp4::{is_map, parse_fragment, parse_head, sample_entries};

/// Reads the bytes as the content of a `moov` and of a `moof`, then as a pipe.
pub fn mp4(bytes: &[u8]) {
    if let Ok(head) = parse_head(bytes) {
        check_head(&head);
    }
    if let Ok(runs) = parse_fragment(bytes, &Origins::default()) {
        let runs: Vec<Run> = runs.into_iter().map(|(_, run)| run).collect();
        check_runs(&runs);
    }
    check_parameters(bytes);
    let _ = is_map(bytes);
    let entries: usize = sample_entries(bytes).flatten().map(|entry| entry.len()).sum();
    assert!(entries <= bytes.len());
    pipe(bytes);
}

/// What we write of a head, we read as that head.
fn check_head(head: &FileHead) {
    let opening = head.opening();
    let ftyp_and_free = 52;
    let content = &opening[ftyp_and_free + 8..];
    let read = parse_head(content).expect("what we write we can read");
    assert_eq!((&read.tracks, &read.origins), (&head.tracks, &head.origins));
    assert_eq!(read.metadata.start.timestamp_millis(), head.metadata.start.timestamp_millis());
    assert_eq!((&read.metadata.camera, read.metadata.clock), (&head.metadata.camera, head.metadata.clock));
}

/// What we write of runs, we read as these runs.
fn check_runs(runs: &[Run]) {
    let mut table = SampleTable::default();
    runs.iter().for_each(|run| table.add(0, &run.samples));
    let _ = (table.start(), table.duration());
    let is_ours = |run: &Run| !run.samples.is_empty() && run.track < 16;
    if runs.is_empty() || !runs.iter().all(is_ours) {
        return;
    }
    let head = FragmentHead::of(1, runs, &Origins::default());
    let mdat_header = 8;
    let moof = &head.bytes[8..head.bytes.len() - mdat_header];
    let read = parse_fragment(moof, &Origins::default()).expect("what we write we can read");
    for (run, (_, again)) in runs.iter().zip(&read) {
        assert_eq!((run.track, &run.samples), (again.track, &again.samples));
    }
    assert_eq!(read.len(), runs.len());
}

/// What is read of a sample entry is put together as it was, or with a bit that says nothing.
fn check_parameters(entry: &[u8]) {
    let Some(mut sets) = ParameterSets::of(entry) else { return };
    let written = sets.sample_entry(SetsIn::Head);
    assert_eq!(written.len(), entry.len());
    assert_eq!(ParameterSets::of(&written), Some(sets.clone()));
    sets.complete_from(&sets.clone());
    let _ = (sets.units(), sets.sample_entry(SetsIn::Stream));
}

/// Takes boxes as they come out of a pipe, up to the first fault.
fn pipe(mut bytes: &[u8]) {
    let received = Instant::now();
    let mut demuxer = Demuxer::default();
    while let Ok(Some(found)) = Demuxer::next_box(bytes) {
        let (header, length) = (found.header_length as usize, found.length as usize);
        let Some(content) = bytes.get(header..length) else { return };
        match demuxer.take(found, content, received) {
            Err(_) => return,
            Ok(Brought::Frames(items)) => {
                let held: usize = items.iter().map(size_of_item).sum();
                assert!(held <= content.len(), "{held} bytes out of {}", content.len());
            }
            Ok(Brought::Tracks | Brought::Nothing) => {}
        }
        bytes = &bytes[length..];
    }
}

fn size_of_item(item: &Item) -> usize {
    match item {
        Item::Video(video) => video.data.len(),
        Item::Sound(sound) => sound.data.len(),
        Item::Report(_) => 0,
    }
}
