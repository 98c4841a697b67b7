//! The way back: ranged reads of just what is wanted, compared before it appears.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use catalog::{Archived, Bundle, BundleId, Clock, MediaFolder, Member, SegmentState, files};

use super::member::MemberReading;
use super::provider::ThawState;
use super::{ArchiveError, Keys, Store};

/// Where restored footage goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Back to where retention and processing know it.
    MediaFolder,
    /// Copies of the files, for somebody else.
    Folder(PathBuf),
}

#[derive(Debug)]
pub struct Restorer<'a> {
    pub media: &'a MediaFolder,
    pub store: &'a Store,
    pub clock: &'a Clock,
    /// To what is sealed.
    pub keys: &'a Keys,
    pub to: Destination,
}

/// What became of what was asked for.
#[derive(Debug, Default)]
pub struct Restored {
    /// With their segments; relative to the root, or in the other folder.
    pub files: Vec<(Archived, PathBuf)>,
    /// Local copies were there all the while.
    pub here_already: u64,
    /// Bundles that are being thawed.
    pub thawing: Vec<Bundle>,
}

impl Restorer<'_> {
    /// Brings back what can be read now, and asks for what must be thawed first. What was brought back stays also
    /// where a later one fails.
    pub fn restore(&self, wanted: Vec<Archived>) -> Result<Restored, ArchiveError> {
        let mut restored = Restored::default();
        let mut readable: BTreeMap<BundleId, Option<Bundle>> = BTreeMap::new();
        for archived in wanted {
            if self.is_here(&archived) {
                restored.here_already += 1;
                continue;
            }
            let bundle = match readable.entry(archived.bundle) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.if_readable(archived.bundle, &mut restored)?),
            };
            if let Some(bundle) = bundle
                && let Some(file) = self.bring_back(bundle, &archived)?
            {
                restored.files.push((archived, file));
            }
        }
        Ok(restored)
    }

    fn is_here(&self, archived: &Archived) -> bool {
        matches!(self.to, Destination::MediaFolder) && archived.segment.state != SegmentState::Archived
    }

    /// Returns the bundle. Nothing while it thaws, which is asked for where it was not.
    fn if_readable(&self, id: BundleId, restored: &mut Restored) -> Result<Option<Bundle>, ArchiveError> {
        let catalog = self.media.catalog();
        let Some(mut bundle) = catalog.bundle(id)? else { return Ok(None) };
        if bundle.store != self.store.url() {
            return Err(ArchiveError::OtherStore { key: bundle.key, store: bundle.store });
        }
        match self.store.thaw_state(&bundle.key)? {
            ThawState::Readable { until } => {
                if until.is_some() && until != bundle.thawed_until {
                    catalog.note_thaw(id, bundle.thaw_asked, until)?;
                } else if until.is_none() && bundle.thaw_asked.is_some() {
                    // Azure's stays thawed.
                    catalog.note_thaw(id, None, None)?;
                }
                return Ok(Some(bundle));
            }
            ThawState::Frozen => {
                self.store.ask_for_thaw(&bundle.key)?;
                bundle.thaw_asked = Some(self.clock.now());
                catalog.note_thaw(id, bundle.thaw_asked, None)?;
            }
            ThawState::Thawing => {}
        }
        restored.thawing.push(bundle);
        Ok(None)
    }

    fn bring_back(&self, bundle: &Bundle, archived: &Archived) -> Result<Option<PathBuf>, ArchiveError> {
        match &self.to {
            Destination::MediaFolder => {
                let Some(video) = archived.members.first() else { return Ok(None) };
                let staged = self.media.restoring_path(archived.segment.id)?;
                self.read_member(bundle, video, &staged)?;
                Ok(self.media.take_back(archived.segment.id, self.clock.now())?)
            }
            Destination::Folder(folder) => {
                let mut first = None;
                for member in &archived.members {
                    let file = folder.join(member.plain_name());
                    self.copy_out(bundle, member, &file)?;
                    first.get_or_insert(file);
                }
                Ok(first)
            }
        }
    }

    /// Never replaces a file; one that is there already may be what is wanted, and is for the user to tell.
    fn copy_out(&self, bundle: &Bundle, member: &Member, file: &Path) -> Result<(), ArchiveError> {
        let folder = file.parent().unwrap_or(Path::new(""));
        files::create_folder(folder)?;
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(".restoring");
        let staged = folder.join(name);
        self.read_member(bundle, member, &staged)?;
        let renamed = files::rename(&staged, file);
        if renamed.is_err() {
            files::take_back(&staged)?;
        }
        Ok(renamed?)
    }

    /// Reads one member into a file, synced, and compares. What is not as it was sent leaves no file.
    fn read_member(&self, bundle: &Bundle, member: &Member, file: &Path) -> Result<(), ArchiveError> {
        let unwritten = |source| ArchiveError::Write { file: file.to_owned(), source };
        let mut out = File::create(file).map_err(unwritten)?;
        let reading = MemberReading { store: self.store, keys: self.keys, bundle, member };
        let read = reading.each(|piece| out.write_all(piece).map_err(unwritten));
        let done = read.and_then(|()| out.sync_all().map_err(unwritten));
        if done.is_err() {
            files::take_back(file)?;
        }
        done
    }
}
