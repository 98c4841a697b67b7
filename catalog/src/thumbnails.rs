//! Thumbnails: a small picture per event, of the frame in which it shows best. A folder that never grows beyond what
//! is set; each picture can be done without.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::params;

use crate::{Catalog, CatalogError, Event, SegmentId, files};

const FOLDER: &str = "thumbnails";

/// The pictures of one catalogue's events.
#[derive(Clone, Debug)]
pub struct Thumbnails {
    catalog: Catalog,
    folder: PathBuf,
}

/// A picture as it lies there.
struct Picture {
    path: PathBuf,
    bytes: u64,
    made: SystemTime,
}

impl Catalog {
    pub fn thumbnails(&self) -> Thumbnails {
        Thumbnails { folder: self.state_dir().join(FOLDER), catalog: self.clone() }
    }
}

impl Thumbnails {
    /// Keeps the picture of a view of a frame. The same one has the same name, whoever makes it and however often.
    pub fn keep(
        &self,
        (segment, view, frame): (SegmentId, &str, u64),
        jpeg: &[u8],
    ) -> Result<(), CatalogError> {
        files::create_folder(&self.folder)?;
        files::write_atomically(&self.path(segment, (view, frame)), jpeg)
    }

    /// Returns the picture of an event, if it is there.
    pub fn of(&self, event: &Event) -> Option<PathBuf> {
        let path = self.path(event.segment, (&event.what.view, event.what.best.frame));
        path.is_file().then_some(path)
    }

    /// Removes what no event shows any more, and then the oldest until all have room in `cap` bytes. Returns the
    /// bytes that are left.
    pub fn tidy(&self, cap: u64) -> Result<u64, CatalogError> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Ok(0) };
        let mut pictures: Vec<Picture> = entries.flatten().filter_map(|entry| picture(&entry)).collect();
        pictures.sort_by(|a, b| (a.made, &a.path).cmp(&(b.made, &b.path)));
        let mut left: u64 = pictures.iter().map(|picture| picture.bytes).sum();
        let mut shown = Vec::new();
        for picture in pictures {
            match self.is_shown(&picture.path)? {
                true => shown.push(picture),
                false => {
                    files::remove(&picture.path)?;
                    left -= picture.bytes;
                }
            }
        }
        for picture in shown {
            if left <= cap {
                break;
            }
            files::remove(&picture.path)?;
            left -= picture.bytes;
        }
        Ok(left)
    }

    fn path(&self, segment: SegmentId, (view, frame): (&str, u64)) -> PathBuf {
        let view: String = view.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        self.folder.join(format!("{segment}-{frame}-{view}.jpg"))
    }

    /// Tells whether an event shows best in this picture. What has another name, such as a picture whose writer
    /// was killed, is shown by none.
    fn is_shown(&self, path: &Path) -> Result<bool, CatalogError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut parts = name.splitn(3, '-');
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<i64>().ok());
        let (Some(segment), Some(frame)) = (number(parts.next()), number(parts.next())) else {
            return Ok(false);
        };
        self.catalog.read("look for the event of a thumbnail", |c| {
            c.prepare_cached("SELECT 1 FROM event WHERE segment_id = ?1 AND frame = ?2")?
                .exists(params![segment, frame])
        })
    }
}

fn picture(entry: &DirEntry) -> Option<Picture> {
    let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(Picture { path: entry.path(), bytes: metadata.len(), made: metadata.modified().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventFilter;
    use crate::fixture::Store;

    #[test]
    fn pictures_of_events_stay_within_the_cap_and_others_go() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let thumbnails = store.catalog.thumbnails();
        assert_eq!(thumbnails.tidy(0).unwrap(), 0);
        for (view, frame) in [("south", 0), ("south", 30), ("south", 60)] {
            thumbnails.keep((id, view, frame), &[0; 100]).unwrap();
        }
        let stray = thumbnails.folder.join(".x.jpg.staged");
        std::fs::write(&stray, "half").unwrap();
        let shown = |thumbnails: &Thumbnails| {
            let events = store.catalog.events(&EventFilter::default()).unwrap();
            events.iter().filter(|event| thumbnails.of(event).is_some()).count()
        };
        assert_eq!(shown(&thumbnails), 2);
        assert_eq!(thumbnails.tidy(1000).unwrap(), 200);
        assert!(!stray.exists());
        assert_eq!(shown(&thumbnails), 2);
        assert_eq!(thumbnails.tidy(150).unwrap(), 100);
        assert_eq!(shown(&thumbnails), 1);
        let told = store.catalog.events(&EventFilter::default()).unwrap();
        assert_eq!(told.iter().filter(|event| event.thumbnail.is_some()).count(), 1);
    }
}
