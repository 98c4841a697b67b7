//! A segment's file, from its creation over its fragments to the finished name. All of it blocks.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{CatalogError, ClosedSegment, FileStat, MediaRoot, files};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::blocks::Blocks;
use crate::mp4::{FileHead, FragmentHead, Run, SPAN_AT, SampleTable, span_header};
use crate::{RecorderError, name};

/// Where segments go.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) root: MediaRoot,
    pub(crate) name_timezone: Tz,
}

impl Place {
    pub(crate) fn folder(&self, camera: &config::CameraId) -> PathBuf {
        self.root.path().join(camera.as_str())
    }
}

/// What is written and synced as one: whole GOPs, or a part of one.
#[derive(Debug)]
pub(crate) struct Fragment {
    pub(crate) runs: Vec<Run>,
    /// The samples of all runs, in their order.
    pub(crate) data: Blocks,
    pub(crate) next: Next,
}

/// What comes after a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A keyframe, or nothing: whoever reads fragments can begin there.
    Keyframe,
    /// The rest of the GOP.
    SameGop,
}

impl Fragment {
    /// Returns its size in bits and its length in ticks of the video.
    pub(crate) fn bits_and_ticks(&self) -> (u64, u64) {
        let ticks =
            self.runs.first().map_or(0, |run| run.samples.iter().map(|s| u64::from(s.duration)).sum());
        (self.data.len() as u64 * 8, ticks)
    }
}

/// A file that grows.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    file: File,
    partial: PathBuf,
    head: FileHead,
    tables: Vec<SampleTable>,
    /// Where the last whole fragment ends.
    end: u64,
    fragments: u32,
}

impl OpenSegment {
    /// Creates the file in a folder below the root, under a name that neither a growing nor a finished one has.
    pub(crate) fn create(place: &Place, folder: &Path, head: FileHead) -> Result<Self, RecorderError> {
        place.root.check()?;
        files::create_folder(folder)?;
        let (mut file, partial) = create_free(folder, place.name_timezone, &head)?;
        let opening = head.opening();
        if let Err(e) = file.write_all(&opening).and_then(|()| file.sync_data()) {
            // a full disk would collect one empty file per attempt
            files::take_back(&partial)?;
            return Err(RecorderError::file("write", partial)(e));
        }
        files::sync_folder(folder)?;
        let tables = vec![SampleTable::default(); head.tracks.len()];
        Ok(Self { file, partial, head, tables, end: opening.len() as u64, fragments: 0 })
    }

    pub(crate) fn head(&self) -> &FileHead {
        &self.head
    }

    /// Returns the name it is to have when it is closed.
    pub(crate) fn finished(&self) -> PathBuf {
        self.partial.with_extension("")
    }

    /// Appends a fragment, and tells where it lies once it is written; when this returns, it survives a power cut.
    pub(crate) fn append(
        &mut self,
        fragment: Fragment,
        written: impl FnOnce(&Fragment, Range<u64>),
    ) -> Result<(), RecorderError> {
        let head = FragmentHead::of(self.fragments + 1, &fragment.runs, &self.head.origins);
        let end = self.end + head.bytes.len() as u64 + head.data_length;
        let bytes = self.end..end;
        write_all_of(&mut self.file, &head.bytes, &fragment.data)
            .map_err(RecorderError::file("write", &self.partial))?;
        written(&fragment, bytes);
        let Fragment { runs, data, .. } = fragment;
        drop(data); // other cameras can use its memory while the disk is busy
        self.file.sync_data().map_err(RecorderError::file("write", &self.partial))?;
        for (run, data_at) in runs.iter().zip(&head.data_at) {
            self.tables[run.track].add(self.end + data_at, &run.samples);
        }
        self.end = end;
        self.fragments += 1;
        Ok(())
    }

    /// Returns the time at which what is on the disk ends.
    pub(crate) fn written_until(&self) -> DateTime<Utc> {
        let length = duration(&self.head, &self.tables);
        self.head.metadata.start + TimeDelta::from_std(length).unwrap_or_default()
    }

    /// Makes it a regular MP4 under its finished name. Whatever a failed `append` left behind is cut off.
    pub(crate) fn close(self, place: &Place) -> Result<ClosedSegment, RecorderError> {
        let grown = Grown {
            file: self.file,
            partial: self.partial,
            head: self.head,
            tables: self.tables,
            end: self.end,
        };
        grown.finish(place)
    }
}

/// A file that will not grow any more, and what was found or kept of its index.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) file: File,
    pub(crate) partial: PathBuf,
    pub(crate) head: FileHead,
    pub(crate) tables: Vec<SampleTable>,
    pub(crate) end: u64,
}

impl Grown {
    /// Appends the index, then makes it count, then gives the file its name: after a cut between any two of
    /// these steps the file still plays, and recovery does them all again.
    pub(crate) fn finish(self, place: &Place) -> Result<ClosedSegment, RecorderError> {
        let index = self.head.closing(&self.tables);
        let write = || -> io::Result<()> {
            self.file.set_len(self.end)?;
            self.file.write_all_at(&index, self.end)?;
            self.file.sync_data()?;
            self.file.write_all_at(&span_header(self.end), SPAN_AT)?;
            self.file.sync_data()
        };
        write().map_err(RecorderError::file("close", &self.partial))?;
        let finished = self.publish(place)?;
        let metadata = self.file.metadata().map_err(RecorderError::file("look at", &finished))?;
        let root = place.root.path();
        Ok(ClosedSegment {
            camera: self.head.metadata.camera.clone(),
            path: finished.strip_prefix(root).unwrap_or(&finished).to_owned(),
            start: self.head.metadata.start,
            clock: self.head.metadata.clock,
            duration: duration(&self.head, &self.tables),
            stat: FileStat::of(&metadata),
        })
    }

    /// The name was free when the file was created, but others may write into this folder too.
    fn publish(&self, place: &Place) -> Result<PathBuf, RecorderError> {
        let wanted = self.partial.with_extension("");
        match files::rename(&self.partial, &wanted) {
            Err(CatalogError::NameTaken { .. }) => {}
            renamed => return Ok(renamed.map(|()| wanted)?),
        }
        for candidate in name::candidates(self.head.metadata.start, place.name_timezone) {
            let other = self.partial.with_file_name(candidate);
            match files::rename(&self.partial, &other) {
                Err(CatalogError::NameTaken { .. }) => {}
                renamed => return Ok(renamed.map(|()| other)?),
            }
        }
        Err(CatalogError::NameTaken { path: wanted }.into())
    }
}

fn duration(head: &FileHead, tables: &[SampleTable]) -> Duration {
    let (Some(track), Some(table)) = (head.tracks.first(), tables.first()) else {
        return Duration::ZERO;
    };
    Duration::from_secs_f64(table.duration() as f64 / f64::from(track.time_scale))
}

fn create_free(folder: &Path, zone: Tz, head: &FileHead) -> Result<(File, PathBuf), RecorderError> {
    for finished in name::candidates(head.metadata.start, zone) {
        let partial = folder.join(format!("{finished}.{}", name::PARTIAL));
        // symlink_metadata: a dangling link is a taken name too
        if folder.join(&finished).symlink_metadata().is_ok() {
            continue;
        }
        match OpenOptions::new().write(true).create_new(true).open(&partial) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(RecorderError::file("create", partial)(e)),
            Ok(file) => return Ok((file, partial)),
        }
    }
    Err(CatalogError::NameTaken { path: folder.into() }.into())
}

/// Writes head and samples with as few system calls as there can be.
fn write_all_of(file: &mut File, head: &[u8], data: &Blocks) -> io::Result<()> {
    /// The kernel takes no more slices than this in one call.
    const SLICES: usize = 1024;
    let mut slices: Vec<IoSlice<'_>> = std::iter::once(head).chain(data.slices()).map(IoSlice::new).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        let now = rest.len().min(SLICES);
        match file.write_vectored(&rest[..now]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
