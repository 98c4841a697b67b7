//! Recovery: what a killed recorder left in `*.mp4.partial` becomes a regular segment, cut at its last whole
//! fragment. Doing it twice, or dying in the middle of it, changes nothing.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use catalog::{CatalogError, ClosedSegment, FAILED, files};
use config::CameraId;

use crate::damage::{check_samples, check_written};
use crate::mp4::{BoxAt, FileHead, Run, SPAN_AT, SPAN_LENGTH, SampleTable, TrackHead};
use crate::mp4::{Fault, box_at, parse_fragment, parse_head};
use crate::segment::{Grown, Place};
use crate::{RecorderError, name};

/// Of a `moov` or `moof`; the largest this recorder writes is far below.
const INDEX_MAX: u64 = 16 << 20;
/// Of one fragment's samples; the gatherer holds no more.
const SAMPLES_MAX: u64 = 64 << 20;

#[derive(Debug)]
pub(crate) enum Recovered {
    Published(ClosedSegment),
    /// Nothing in it can be played. It is kept in `failed/`, for a person to look at.
    SetAside {
        path: PathBuf,
        reason: Fault,
    },
}

/// Lists what a killed recorder left in a camera's folder, oldest name first. Other programs' files are not
/// touched, whatever they are called.
pub(crate) fn partials(place: &Place, camera: &CameraId) -> Result<Vec<PathBuf>, RecorderError> {
    let folder = place.folder(camera);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let listed = || -> std::io::Result<Vec<PathBuf>> {
        std::fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut found = listed().map_err(RecorderError::file("list", &folder))?;
    let is_ours = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(name::BEGINS) && name.ends_with(".mp4.partial") && path.is_file()
    };
    found.retain(|path| is_ours(path));
    found.sort();
    Ok(found)
}

/// Finishes one file. The caller holds the camera's lock: nobody writes to it any more.
pub(crate) fn recover(place: &Place, partial: &Path) -> Result<Recovered, RecorderError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(partial)
        .map_err(RecorderError::file("open", partial))?;
    match find_fragments(&file).map_err(RecorderError::file("read", partial))? {
        Ok(found) => {
            let Found { head, tables, end } = found;
            let grown = Grown { file, partial: partial.into(), head, tables, end };
            grown.finish(place).map(Recovered::Published)
        }
        Err(reason) => set_aside(partial, reason),
    }
}

struct Found {
    head: FileHead,
    tables: Vec<SampleTable>,
    end: u64,
}

/// A fragment that lies whole in the file.
struct WholeFragment {
    at: u64,
    end: u64,
    /// Each with where its samples begin in the file.
    runs: Vec<(u64, Run)>,
}

fn find_fragments(file: &File) -> std::io::Result<Result<Found, Fault>> {
    let reader = Reader { file, length: file.metadata()?.len() };
    // `free`, or already the spanning `mdat`: the same 16 bytes either way
    let moov_at = SPAN_AT + SPAN_LENGTH;
    let Some((moov, content)) = reader.index_box(moov_at, b"moov")? else {
        return Ok(Err(Fault("its head was never written whole")));
    };
    let head = match parse_head(&content) {
        Ok(head) => head,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut found =
        Found { tables: vec![SampleTable::default(); head.tracks.len()], head, end: moov_at + moov.length };
    // One fragment is held back: only the last can have been written without being synced, and a power cut
    // may have left zeros in it.
    let mut last = None;
    while let Some(fragment) = reader.fragment(last.as_ref().map_or(found.end, fragment_end), &found.head)? {
        if let Some(before) = last.replace(fragment) {
            found.take(&before);
        }
    }
    if let Some(last) = last {
        debug_assert_eq!(last.at, found.end);
        if reader.is_undamaged(&last, &found.head.tracks)? {
            found.take(&last);
        }
    }
    let has_video = found.tables.first().is_some_and(|table| !table.is_empty());
    Ok(if has_video { Ok(found) } else { Err(Fault("it holds no whole fragment")) })
}

fn fragment_end(fragment: &WholeFragment) -> u64 {
    fragment.end
}

impl Found {
    fn take(&mut self, fragment: &WholeFragment) {
        for (at, run) in &fragment.runs {
            self.tables[run.track].add(*at, &run.samples);
        }
        self.end = fragment.end;
    }
}

struct Reader<'a> {
    file: &'a File,
    length: u64,
}

impl Reader<'_> {
    fn read(&self, at: u64, length: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Reads a box's header where the whole box lies in the file.
    fn header(&self, at: u64, kind: &[u8; 4]) -> std::io::Result<Option<BoxAt>> {
        let bytes = self.read(at, self.length.saturating_sub(at).min(16))?;
        let fits = |found: &BoxAt| at.checked_add(found.length).is_some_and(|end| end <= self.length);
        Ok(box_at(&bytes).filter(|found| &found.kind == kind && fits(found)))
    }

    fn index_box(&self, at: u64, kind: &[u8; 4]) -> std::io::Result<Option<(BoxAt, Vec<u8>)>> {
        match self.header(at, kind)? {
            Some(found) if found.length <= INDEX_MAX => {
                let content = self.read(at + found.header_length, found.length - found.header_length)?;
                Ok(Some((found, content)))
            }
            _ => Ok(None),
        }
    }

    fn fragment(&self, at: u64, head: &FileHead) -> std::io::Result<Option<WholeFragment>> {
        let Some((moof, content)) = self.index_box(at, b"moof")? else { return Ok(None) };
        let mdat_at = at + moof.length;
        let Some(mdat) = self.header(mdat_at, b"mdat")? else { return Ok(None) };
        let Ok(parsed) = parse_fragment(&content, &head.origins) else { return Ok(None) };
        let (begin, end) = (mdat_at + mdat.header_length, mdat_at + mdat.length);
        let runs: Vec<(u64, Run)> = parsed.into_iter().map(|(data_at, run)| (at + data_at, run)).collect();
        let fits = |(from, run): &(u64, Run)| {
            run.track < head.tracks.len()
                && *from >= begin
                && from.checked_add(run.size()).is_some_and(|to| to <= end)
        };
        let whole = mdat.length <= SAMPLES_MAX && !runs.is_empty() && runs.iter().all(fits);
        Ok(whole.then_some(WholeFragment { at, end, runs }))
    }

    fn is_undamaged(&self, fragment: &WholeFragment, tracks: &[TrackHead]) -> std::io::Result<bool> {
        let bytes = self.read(fragment.at, fragment.end - fragment.at)?;
        let samples_are_whole = fragment.runs.iter().all(|(at, run)| {
            let samples = &bytes[(at - fragment.at) as usize..];
            check_samples(tracks[run.track].kind, &run.samples, samples).is_ok()
        });
        Ok(samples_are_whole && check_written(fragment.at, &bytes).is_ok())
    }
}

fn set_aside(partial: &Path, reason: Fault) -> Result<Recovered, RecorderError> {
    let failed = partial.parent().unwrap_or(Path::new(".")).join(FAILED);
    files::create_folder(&failed)?;
    let stem = partial.with_extension("").with_extension("");
    let stem = stem.file_name().unwrap_or_default().to_string_lossy();
    let names = std::iter::once(stem.to_string()).chain((2u64..).map(|number| format!("{stem}_{number}")));
    for free in names {
        let path = failed.join(format!("{free}.mp4.{}", name::PARTIAL));
        match files::rename(partial, &path) {
            Err(CatalogError::NameTaken { .. }) => {}
            renamed => return Ok(renamed.map(|()| Recovered::SetAside { path, reason })?),
        }
    }
    Err(CatalogError::NameTaken { path: failed }.into())
}
