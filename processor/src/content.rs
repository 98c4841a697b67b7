//! The content of a segment's file: its hash, and whether it stayed the same.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use catalog::{FileStat, hex};
use sha2::{Digest, Sha256};

use crate::unfinished::{Progress, Unfinished};

/// A file as it was when it was read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) sha256: String,
    stat: FileStat,
}

impl Content {
    /// Reads the whole file once.
    pub(crate) fn read(path: &Path, progress: &mut Progress<'_>) -> Result<Self, Unfinished> {
        let stat = stat(path)?;
        if !path.is_file() {
            // Opening a pipe would block until somebody writes to it.
            return Err(Unfinished::Unreadable("it is no regular file".to_owned()));
        }
        let mut file = File::open(path).map_err(unreadable)?;
        let mut hash = Sha256::new();
        let mut chunk = vec![0; 1 << 20];
        loop {
            progress()?;
            match file.read(&mut chunk) {
                Ok(0) => return Ok(Self { sha256: hex(&hash.finalize()), stat }),
                Ok(read) => hash.update(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// Fails where the file is no longer what was read: its results would be told of another's content.
    pub(crate) fn check(&self, path: &Path) -> Result<(), Unfinished> {
        let now = stat(path)?;
        // A renamed or copied-back file has another inode or change time, but the same content.
        let same = (now.size, now.mtime_ns) == (self.stat.size, self.stat.mtime_ns);
        if same { Ok(()) } else { Err(Unfinished::Changed) }
    }
}

fn stat(path: &Path) -> Result<FileStat, Unfinished> {
    path.metadata().map(|metadata| FileStat::of(&metadata)).map_err(unreadable)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: io::Error) -> Unfinished {
    match error.kind() {
        ErrorKind::NotFound => Unfinished::Unreadable("the file is gone".to_owned()),
        _ => Unfinished::Retry(format!("the file cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_is_told_from_one_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        std::fs::write(&path, "abc").unwrap();
        let content = Content::read(&path, &mut || Ok(())).unwrap();
        assert_eq!(content.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        content.check(&path).unwrap();
        std::fs::write(&path, "abcd").unwrap();
        assert!(matches!(content.check(&path), Err(Unfinished::Changed)));
    }

    #[test]
    fn reading_stops_when_the_run_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        std::fs::write(&path, "abc").unwrap();
        let stopped = Content::read(&path, &mut || Err(Unfinished::Ending));
        assert!(matches!(stopped, Err(Unfinished::Ending)));
    }

    #[test]
    fn a_file_that_is_gone_is_not_tried_again() {
        let gone = Content::read(Path::new("/nowhere/a.mp4"), &mut || Ok(()));
        assert!(matches!(gone, Err(Unfinished::Unreadable(_))));
    }
}
