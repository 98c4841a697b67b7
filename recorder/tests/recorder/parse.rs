//! Reads files with a parser that is not the recorder's own.

use std::path::Path;

use mp4_atom::{DecodeAtom, DecodeMaybe, FourCC, Header, Moof, Moov};

/// A fragment of a partial: where it lies, and the pictures in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) begin: usize,
    pub(crate) end: usize,
    pub(crate) pictures: usize,
}

struct Found<'a> {
    kind: FourCC,
    begin: usize,
    end: usize,
    header: Header,
    content: &'a [u8],
}

fn boxes(bytes: &[u8]) -> Vec<Found<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(header) = Header::decode_maybe(&mut &bytes[at..]).unwrap() {
        let header_length = if bytes[at..at + 4] == [0, 0, 0, 1] { 16 } else { 8 };
        let end = at + header_length + header.size.unwrap();
        let content = &bytes[at + header_length..end];
        found.push(Found { kind: header.kind, begin: at, end, header, content });
        at = end;
    }
    found
}

pub(crate) fn fragments(bytes: &[u8]) -> Vec<Fragment> {
    let boxes = boxes(bytes);
    let pairs = boxes.windows(2).filter(|pair| pair[0].kind == FourCC::new(b"moof"));
    pairs
        .map(|pair| {
            assert_eq!(pair[1].kind, FourCC::new(b"mdat"));
            let moof = Moof::decode_atom(&pair[0].header, &mut &pair[0].content[..]).unwrap();
            let pictures = moof.traf[0].trun.iter().map(|run| run.samples.len()).sum();
            Fragment { begin: pair[0].begin, end: pair[1].end, pictures }
        })
        .collect()
}

/// Counts the pictures of a finished file, and asserts that it is a regular one: one `mdat`, then an index of
/// samples that all lie in it.
pub(crate) fn pictures(path: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let boxes = boxes(&bytes);
    let kinds: Vec<String> = boxes.iter().map(|found| found.kind.to_string()).collect();
    assert_eq!(kinds, ["ftyp", "mdat", "moov"], "{}", path.display());
    let (mdat, moov) = (&boxes[1], &boxes[2]);
    let moov = Moov::decode_atom(&moov.header, &mut &moov.content[..]).unwrap();
    for trak in &moov.trak {
        let table = &trak.mdia.minf.stbl;
        let chunks = &table.co64.as_ref().unwrap().entries;
        let inside = |&at: &u64| (mdat.begin as u64..mdat.end as u64).contains(&at);
        assert!(chunks.iter().all(inside), "{}", path.display());
    }
    samples(&moov, 0)
}

fn samples(moov: &Moov, track: usize) -> usize {
    let table = &moov.trak[track].mdia.minf.stbl;
    table.stts.entries.iter().map(|entry| entry.sample_count as usize).sum()
}

/// Returns where the times of each track begin in the fragments of a partial, in seconds.
pub(crate) fn origins(partial: &[u8]) -> Vec<f64> {
    let boxes = boxes(partial);
    let first = |kind: &[u8; 4]| boxes.iter().find(|found| found.kind == FourCC::new(kind)).unwrap();
    let (moov, moof) = (first(b"moov"), first(b"moof"));
    let moov = Moov::decode_atom(&moov.header, &mut &moov.content[..]).unwrap();
    let moof = Moof::decode_atom(&moof.header, &mut &moof.content[..]).unwrap();
    let scales = moov.trak.iter().map(|trak| f64::from(trak.mdia.mdhd.timescale));
    let begins = moof.traf.iter().map(|traf| traf.tfdt.as_ref().unwrap().base_media_decode_time as f64);
    begins.zip(scales).map(|(begins, scale)| begins / scale).collect()
}
