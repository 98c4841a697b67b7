//! The row of one file that was found: brought in, brought up to date, or given up for another content.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Transaction, params};

use crate::carry::is_gone;
use crate::intent::is_on_its_way;
use crate::paths::{camera_of, special_folder};
use crate::segment::{NewSegment, PathText, Word};
use crate::segments::{self, by_file, by_path, has_results, overwritten, set_stat};
use crate::walk::Found;
use crate::{FileStat, Segment, SegmentState, StartSource, start_from_name};

/// Brings rows up to the files of one root.
pub(crate) struct Index<'a> {
    pub(crate) t: &'a Transaction<'a>,
    pub(crate) root: &'a Path,
    /// Of the times in names.
    pub(crate) zone: Tz,
    pub(crate) now: DateTime<Utc>,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Indexed {
    Known,
    /// There is something to be looked at.
    Work,
    /// It was renamed by hand, and its row with it.
    Followed {
        from: PathBuf,
        work: bool,
    },
}

impl Indexed {
    pub(crate) fn is_work(&self) -> bool {
        matches!(self, Self::Work | Self::Followed { work: true, .. })
    }
}

impl Index<'_> {
    pub(crate) fn take(&self, file: &Found) -> rusqlite::Result<Indexed> {
        if is_on_its_way(self.t, &file.path)? {
            return Ok(Indexed::Known);
        }
        match by_path(self.t, &file.path)? {
            None => self.bring_in(file),
            Some(known) if known.state == SegmentState::Missing => self.take_back(&known, file),
            Some(known) if known.stat.same_content(&file.stat) => {
                // A copy that was put back has another inode.
                set_stat(self.t, known.id, &file.stat)?;
                Ok(Indexed::Known)
            }
            Some(known) if known.state == SegmentState::Ready => self.refresh(&known, file),
            Some(known) => self.replace(&known, file),
        }
    }

    fn bring_in(&self, file: &Found) -> rusqlite::Result<Indexed> {
        for twin in by_file(self.t, &file.stat)? {
            if is_gone(&self.root.join(&twin.path)) && !is_on_its_way(self.t, &twin.path)? {
                return self.follow(&twin, file);
            }
        }
        self.insert(file)
    }

    /// A file that was renamed by hand takes its row along: what was seen in it is not lost, nor seen again.
    pub(crate) fn follow(&self, twin: &Segment, file: &Found) -> rusqlite::Result<Indexed> {
        self.t.execute(
            "UPDATE segment SET path = ?2, camera = ?3 WHERE id = ?1",
            params![twin.id, PathText(file.path.clone()), camera_of(&file.path)],
        )?;
        let work = match twin.state {
            SegmentState::Missing => self.take_back(twin, file)? == Indexed::Work,
            // Whoever takes it out of `failed/` wants it to be tried again.
            SegmentState::Failed if special_folder(&file.path).is_none() => {
                self.make_ready(twin)?;
                true
            }
            _ => false,
        };
        Ok(Indexed::Followed { from: twin.path.clone(), work })
    }

    fn take_back(&self, known: &Segment, file: &Found) -> rusqlite::Result<Indexed> {
        if !known.stat.same_content(&file.stat) {
            return self.replace(known, file);
        }
        set_stat(self.t, known.id, &file.stat)?;
        if has_results(self.t, known.id)? {
            self.set_state(known, SegmentState::Processed)?;
            return Ok(Indexed::Known);
        }
        self.make_ready(known)?;
        Ok(Indexed::Work)
    }

    /// A file that nobody has looked at yet, and that has changed: another recorder writes to it. What is being
    /// looked at now keeps its row, so that the change is seen when the lease ends.
    fn refresh(&self, known: &Segment, file: &Found) -> rusqlite::Result<Indexed> {
        let leased = self
            .t
            .prepare_cached(
                "SELECT 1 FROM job WHERE segment_id = ?1 AND state = 'leased' AND lease_until_ms > ?2",
            )?
            .exists(params![known.id, self.now.timestamp_millis()])?;
        if leased {
            return Ok(Indexed::Known);
        }
        if has_results(self.t, known.id)? {
            return self.replace(known, file);
        }
        set_stat(self.t, known.id, &file.stat)?;
        // Attempts on half a file do not count against the whole one.
        segments::queue(self.t, known.id, "", self.now)?;
        Ok(Indexed::Known)
    }

    /// Another recorder used the name again: the former row keeps what was seen in the former content.
    fn replace(&self, known: &Segment, file: &Found) -> rusqlite::Result<Indexed> {
        overwritten(self.t, known.id)?;
        self.insert(file)
    }

    fn insert(&self, file: &Found) -> rusqlite::Result<Indexed> {
        let camera = camera_of(&file.path).map(str::to_owned);
        let new = NewSegment { camera, ..found_segment(&file.path, file.stat, self.zone) };
        Ok(match segments::insert(self.t, &new, "", self.now)? {
            Some(_) => Indexed::Work,
            None => Indexed::Known,
        })
    }

    fn make_ready(&self, segment: &Segment) -> rusqlite::Result<()> {
        self.set_state(segment, SegmentState::Ready)?;
        segments::queue(self.t, segment.id, "", self.now)?;
        Ok(())
    }

    fn set_state(&self, segment: &Segment, state: SegmentState) -> rusqlite::Result<()> {
        self.t.execute(
            "UPDATE segment SET state = ?2, reason = NULL WHERE id = ?1",
            params![segment.id, Word(state)],
        )?;
        Ok(())
    }
}

/// Describes a file by what can be told without opening it.
pub(crate) fn found_segment(path: &Path, stat: FileStat, zone: Tz) -> NewSegment {
    let (start, start_source) = match start_from_name(path, zone) {
        Some(start) => (start, StartSource::Name),
        None => (stat.modified(), StartSource::Mtime),
    };
    NewSegment { path: path.into(), camera: None, start, start_source, duration: None, stat }
}
