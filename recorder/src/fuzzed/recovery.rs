//! Any bytes as the file that a killed recorder left.

use std::fs;
use std::path::{Path, PathBuf};

use catalog::{Catalog, MediaRoot, files};
use chrono_tz::Tz;

use crate::mp4::{Metadata, SPAN_AT, SPAN_LENGTH, box_at, sample_entries};
use crate::recover::{Recovered, recover};
use crate::segment::Place;

/// Per byte of a file; a sample takes 16 bytes of a fragment, and up to 44 of the closing index.
const INDEX_GROWTH: usize = 3;
/// The parts of an index that do not depend on what is in it.
const INDEX_LEAST: usize = 4096;

/// Recovers the bytes as a file, which must become a regular file or be set aside as it was; a second recovery must
/// change nothing.
pub fn recovery(bytes: &[u8]) {
    thread_local!(static BENCH: Bench = Bench::new());
    BENCH.with(|bench| {
        bench.clear();
        fs::write(bench.partial(), bytes).expect("the disk is fine");
        match recover(&bench.place, &bench.partial()).expect("the disk is fine") {
            Recovered::SetAside { path, .. } => {
                assert!(fs::read(path).expect("it was set aside") == bytes, "kept as it was");
            }
            Recovered::Published(closed) => {
                let path = bench.place.root.path().join(&closed.path);
                let finished = fs::read(&path).expect("it was published");
                check(&finished, bytes);
                files::rename(&path, &bench.partial()).expect("the disk is fine");
                let again = recover(&bench.place, &bench.partial()).expect("the disk is fine");
                let Recovered::Published(again) = again else { panic!("it was whole: {again:?}") };
                assert_eq!((&again.path, again.duration), (&closed.path, closed.duration));
                assert!(fs::read(&path).expect("it was published") == finished, "recovered twice");
            }
        }
    });
}

/// One `mdat` over what was there, then an index that can be read.
fn check(finished: &[u8], left: &[u8]) {
    let at = SPAN_AT as usize;
    let span = box_at(&finished[at..]).expect("a header");
    assert_eq!((&span.kind, span.header_length), (b"mdat", SPAN_LENGTH));
    let end = at + usize::try_from(span.length).expect("within the file");
    assert!(end <= left.len(), "{end} of {} bytes", left.len());
    assert!(finished[..at] == left[..at], "what comes before is not touched");
    let samples = at + SPAN_LENGTH as usize..end;
    assert!(finished[samples.clone()] == left[samples], "no sample is touched");
    let index = &finished[end..];
    let moov = box_at(index).expect("an index");
    assert_eq!((&moov.kind, moov.length), (b"moov", index.len() as u64));
    let content = &index[moov.header_length as usize..];
    assert!(Metadata::read(content).is_some(), "it tells which camera it is of");
    let entries: Vec<_> = sample_entries(content).collect();
    assert!(!entries.is_empty() && entries.iter().all(Option::is_some), "{entries:?}");
    assert!(index.len() <= left.len() * INDEX_GROWTH + INDEX_LEAST, "an index of {} bytes", index.len());
}

/// A place for one file, in memory where there is such a disk.
struct Bench {
    place: Place,
    folder: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = above.join(format!("nightreel-recovery-{}", std::process::id()));
        let catalog = Catalog::open(&folder.join("state")).expect("the disk is fine");
        let root = MediaRoot::open(&catalog, &folder.join("media")).expect("the disk is fine");
        Self { place: Place { root, name_timezone: Tz::UTC }, folder }
    }

    fn camera(&self) -> PathBuf {
        self.place.root.path().join("gate")
    }

    fn partial(&self) -> PathBuf {
        self.camera().join("segment_20260101_000000.mp4.partial")
    }

    fn clear(&self) {
        let camera = self.camera();
        if camera.exists() {
            fs::remove_dir_all(&camera).expect("the disk is fine");
        }
        fs::create_dir_all(&camera).expect("the disk is fine");
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // where it fails something is left in memory, which says enough
        let _ = fs::remove_dir_all(&self.folder);
    }
}
