//! A bundle before it is sent: which files, and how they become one tar.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use catalog::{
    FAILED, FileStat, MediaFolder, Member, MemberKind, PROCESSED, Plain, SEALED_SUFFIX, Segment, SegmentId,
    SegmentState, Span, cues, sidecar_of,
};
use chrono::{DateTime, Utc};

use super::ArchiveError;
use super::hashed::Hashed;
use super::index::{INDEX_NAME, Index, IndexEntry};
use super::layout::{Layout, Measured};
use super::seal::{Envelope, Seal};

/// In which tar counts.
const BLOCK: u64 = 512;

/// The files of one camera and hour.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) camera: String,
    pub(super) hour: DateTime<Utc>,
    /// Class that it is stored in; absent: the bucket's.
    pub(super) class: Option<String>,
    /// For whom its files are sealed.
    pub(super) recipients: Vec<String>,
    files: Vec<BundledFile>,
}

#[derive(Debug)]
struct BundledFile {
    segment: SegmentId,
    start: DateTime<Utc>,
    kind: MemberKind,
    name: String,
    /// Of its segment, below the media folder.
    lay: PathBuf,
    path: PathBuf,
    stat: FileStat,
    /// Absent where it is sent as it is.
    envelope: Option<Envelope>,
}

impl Bundle {
    /// Gathers the files of these segments. Left out is what changed since it was planned.
    pub(super) fn gather(
        media: &MediaFolder,
        camera: &str,
        hour: Span,
        ids: &[SegmentId],
    ) -> Result<Self, ArchiveError> {
        let camera = camera.to_owned();
        let recipients = Vec::new();
        let mut bundle = Self { camera, hour: hour.from, class: None, recipients, files: Vec::new() };
        let mut names = BTreeSet::new();
        for id in ids {
            // Since it was planned, a bundle of a process that died was found to be there.
            if media.catalog().is_archived(*id)? {
                continue;
            }
            let segment = media.catalog().segment(*id)?;
            let video = media.absolute(&segment);
            let is_as_known = stat_of(&video).is_some_and(|found| found.same_content(&segment.stat));
            if segment.state != SegmentState::Processed || !is_as_known {
                continue;
            }
            let kinds = [
                (MemberKind::Video, video.clone()),
                (MemberKind::Sidecar, sidecar_of(&video)),
                (MemberKind::Cues, cues::cues_of(&video)),
            ];
            for (kind, path) in kinds {
                let file = BundledFile::of(&segment, kind, path);
                bundle.files.extend(file.filter(|file| names.insert(file.name.clone())));
            }
        }
        // The small ones come last, beside the index: one read tells what is in a bundle, and what was seen.
        bundle.files.sort_by_key(|file| file.kind != MemberKind::Video);
        Ok(bundle)
    }

    pub(super) fn of_class(self, class: Option<&str>) -> Self {
        Self { class: class.map(str::to_owned), ..self }
    }

    /// Seals each of its files, where there is anybody to seal them for.
    pub(super) fn sealed(mut self, recipients: &[String]) -> Result<Self, ArchiveError> {
        let Some(seal) = Seal::of(recipients)? else { return Ok(self) };
        for file in &mut self.files {
            file.envelope = Some(seal.envelope()?);
            file.name.push_str(SEALED_SUFFIX);
        }
        recipients.clone_into(&mut self.recipients);
        Ok(self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Lists the segments it holds.
    pub(super) fn segments(&self) -> impl Iterator<Item = (SegmentId, u64)> {
        let videos = self.files.iter().filter(|file| file.kind == MemberKind::Video);
        videos.map(|file| (file.segment, file.stat.size))
    }

    /// Finds out what lies where, by writing it into nothing.
    pub(super) fn measure(&self) -> Result<Layout, ArchiveError> {
        self.write_to(&mut io::sink())
    }

    /// Writes the tar. The same files make the same bytes.
    pub(super) fn write_to(&self, out: &mut impl Write) -> Result<Layout, ArchiveError> {
        let mut tar = tar::Builder::new(Measured::new(out));
        let mut members = Vec::new();
        for file in &self.files {
            members.push(file.append_to(&mut tar)?);
        }
        let index = self.index(&members)?;
        let unread = |source| ArchiveError::Read { file: INDEX_NAME.into(), source };
        let mut header = header(index.len() as u64, self.hour);
        tar.append_data(&mut header, INDEX_NAME, index.as_slice()).map_err(unread)?;
        let (_, size, sha256) = tar.into_inner().map_err(unread)?.finish();
        Ok(Layout { size, sha256, members })
    }

    fn index(&self, members: &[Member]) -> Result<Vec<u8>, ArchiveError> {
        let index = Index {
            camera: self.camera.clone(),
            hour: self.hour,
            storage_class: self.class.clone(),
            recipients: self.recipients.clone(),
            members: self.files.iter().zip(members).map(|(file, member)| file.entry(member)).collect(),
        };
        serde_json::to_vec_pretty(&index)
            .map_err(|error| ArchiveError::Read { file: INDEX_NAME.into(), source: error.into() })
    }

    /// Names the object: by what it holds, so that the same bundle sent twice is there once.
    pub(super) fn key(&self, layout: &Layout) -> String {
        let camera: String = self.camera.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        format!(
            "{camera}/{}/{camera}_{}_{}.tar",
            self.hour.format("%Y/%m/%d"),
            self.hour.format("%Y-%m-%dT%HZ"),
            layout.sha256
        )
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

impl BundledFile {
    /// Nothing where no such file is there: not every segment has cues.
    fn of(segment: &Segment, kind: MemberKind, path: PathBuf) -> Option<Self> {
        let stat = stat_of(&path)?;
        let below = name_below_camera(&segment.path)?;
        let name = Path::new(&below).with_file_name(path.file_name()?).to_str()?.to_owned();
        let lay = segment.path.clone();
        Some(Self { segment: segment.id, start: segment.start, kind, name, lay, path, stat, envelope: None })
    }

    fn append_to<W: Write>(&self, tar: &mut tar::Builder<Measured<W>>) -> Result<Member, ArchiveError> {
        let unread = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => ArchiveError::Moved { file: self.path.clone() },
            _ => ArchiveError::Read { file: self.path.clone(), source },
        };
        let file = File::open(&self.path).map_err(unread)?;
        let found = FileStat::of(&file.metadata().map_err(unread)?);
        if !found.same_content(&self.stat) {
            return Err(ArchiveError::Moved { file: self.path.clone() });
        }
        let mut content = Hashed::new(file.take(self.stat.size));
        let mut header = header(self.stored_length(), self.stat.modified());
        let ((length, sha256), plain) = match &self.envelope {
            None => {
                tar.append_data(&mut header, &self.name, &mut content).map_err(unread)?;
                (content.finish(), None)
            }
            Some(envelope) => {
                let mut sealed = Hashed::new(envelope.seal(&mut content, self.stat.size));
                tar.append_data(&mut header, &self.name, &mut sealed).map_err(unread)?;
                let stored = sealed.finish();
                let (length, sha256) = content.finish();
                (stored, Some(Plain { length, sha256 }))
            }
        };
        if length != self.stored_length() {
            return Err(ArchiveError::Moved { file: self.path.clone() });
        }
        let padded = length.div_ceil(BLOCK) * BLOCK;
        Ok(Member {
            name: self.name.clone(),
            segment: self.segment,
            kind: self.kind,
            offset: tar.get_ref().written() - padded,
            length,
            sha256,
            plain,
        })
    }

    fn entry(&self, member: &Member) -> IndexEntry {
        IndexEntry {
            name: member.name.clone(),
            path: (self.kind == MemberKind::Video).then(|| self.lay.clone()),
            start: self.start,
            modified: self.stat.modified(),
            offset: member.offset,
            length: member.length,
            sha256: member.sha256.clone(),
            plain: member.plain.clone(),
        }
    }

    fn stored_length(&self) -> u64 {
        let size = self.stat.size;
        self.envelope.as_ref().map_or(size, |envelope| envelope.sealed_length(size))
    }
}

/// Returns a segment's path below its camera, as it was before it was set aside.
fn name_below_camera(path: &Path) -> Option<String> {
    let mut parts = path.components();
    parts.next()?;
    let below = parts.as_path();
    let below = below.strip_prefix(PROCESSED).or_else(|_| below.strip_prefix(FAILED)).unwrap_or(below);
    let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    below.to_str().filter(|_| is_plain).map(str::to_owned)
}

fn stat_of(path: &Path) -> Option<FileStat> {
    let metadata = path.symlink_metadata().ok()?;
    metadata.is_file().then(|| FileStat::of(&metadata))
}

/// Nothing in it depends on who sends, or where.
fn header(size: u64, modified: DateTime<Utc>) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(u64::try_from(modified.timestamp()).unwrap_or(0));
    header.set_entry_type(tar::EntryType::Regular);
    header
}
