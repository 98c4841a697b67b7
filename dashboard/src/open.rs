//! Opening a file below the root so that no link can lead elsewhere, wherever the segment is in its life.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::path::MediaPath;

/// A file that is open, with its length and time as they were then. It may grow; what was read stays.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) len: u64,
    pub(crate) modified: SystemTime,
    pub(crate) name: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Own,
    Partial,
}

/// Opens what a path means, `None` if there is nothing. A segment is a partial first, then has its name, then
/// lies in `processed/`: a link to it holds all the way.
pub(crate) fn open(root: &Path, wanted: &MediaPath) -> io::Result<Option<Opened>> {
    find(wanted, |parts, name| open_below(root, parts, name))
}

fn find<T>(
    wanted: &MediaPath,
    mut look: impl FnMut(&[String], Name) -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let own = || Some(wanted.parts().to_vec());
    let places = [
        (own(), Name::Own),
        (wanted.partial(), Name::Partial),
        // It may have got its name between the two looks.
        (wanted.partial().and_then(|_| own()), Name::Own),
        (wanted.processed(), Name::Own),
    ];
    for (parts, name) in places {
        let Some(parts) = parts else { continue };
        if let Some(found) = look(&parts, name)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn open_below(root: &Path, parts: &[String], name: Name) -> io::Result<Option<Opened>> {
    let file = match walk(root, parts) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::NXIO) => {
            return Ok(None);
        }
        Err(errno) => return Err(errno.into()),
    };
    let stat = file.metadata()?;
    let opened = || Ok(Opened { file, len: stat.len(), modified: stat.modified()?, name });
    stat.is_file().then(opened).transpose()
}

/// Goes down name by name from an open folder to the next and follows no link, so that nobody who swaps one in
/// meanwhile is faster than a check. Links that stay inside are not followed either: scans of the root do not.
fn walk(root: &Path, parts: &[String]) -> Result<OwnedFd, Errno> {
    let (name, folders) = parts.split_last().ok_or(Errno::NOENT)?;
    let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut here = openat(CWD, root, folder, Mode::empty())?;
    for part in folders {
        here = openat(&here, part.as_str(), folder | OFlags::NOFOLLOW, Mode::empty())?;
    }
    // NONBLOCK: a pipe under such a name must not hold the thread.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(&here, name.as_str(), file, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for file in files {
                let path = folder.path("root").join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, file).unwrap();
            }
            folder
        }

        fn path(&self, below: &str) -> std::path::PathBuf {
            self.0.path().join(below)
        }

        /// Every test file holds its own path below the root.
        fn read(&self, path: &str) -> Option<(String, Name)> {
            let wanted = MediaPath::parse(path).unwrap();
            let mut opened = open(&self.path("root"), &wanted).unwrap()?;
            let mut content = String::new();
            opened.file.read_to_string(&mut content).unwrap();
            Some((content, opened.name))
        }
    }

    #[test]
    fn a_segment_is_found_in_each_part_of_its_life() {
        let cases = [
            (vec!["gate/a.mp4.partial"], Some(("gate/a.mp4.partial", Name::Partial))),
            (vec!["gate/a.mp4", "gate/a.mp4.partial"], Some(("gate/a.mp4", Name::Own))),
            (vec!["gate/a.mp4"], Some(("gate/a.mp4", Name::Own))),
            (vec!["gate/processed/a.mp4"], Some(("gate/processed/a.mp4", Name::Own))),
            (vec!["gate/failed/a.mp4"], None),
            (vec!["gate/a.mp4.json", "gate/b.mp4", "yard/a.mp4"], None),
        ];
        for (files, found) in cases {
            let folder = Folder::with(&files);
            let found = found.map(|(path, name)| (path.to_owned(), name));
            assert_eq!(folder.read("gate/a.mp4"), found, "{files:?}");
        }
    }

    #[test]
    fn a_segment_that_is_renamed_between_two_looks_is_found() {
        let life = ["gate/a.mp4.partial", "gate/a.mp4", "gate/processed/a.mp4"];
        let wanted = MediaPath::parse("gate/a.mp4").unwrap();
        for renamed_after in 0..4 {
            for next in 1..life.len() {
                let mut looks = 0;
                let found = find(&wanted, |parts, _| {
                    let lies_at = life[if looks < renamed_after { next - 1 } else { next }];
                    looks += 1;
                    Ok((parts.join("/") == lies_at).then_some(()))
                });
                assert_eq!(found.unwrap(), Some(()), "{} after {renamed_after} looks", life[next]);
            }
        }
    }

    #[test]
    fn no_link_is_followed() {
        let folder = Folder::with(&["gate/a.mp4", ".nightreel/catalog.mp4"]);
        std::fs::create_dir(folder.path("outside")).unwrap();
        std::fs::write(folder.path("outside/secret.mp4"), "secret").unwrap();
        let link = |to: &str, from: &str| symlink(to, folder.path("root").join(from)).unwrap();
        link("../../outside/secret.mp4", "gate/relative.mp4");
        link(folder.path("outside/secret.mp4").to_str().unwrap(), "gate/absolute.mp4");
        link("../../outside/secret.mp4", "gate/growing.mp4.partial");
        link("../outside", "yard");
        link("../../outside", "gate/processed");
        link("../.nightreel/catalog.mp4", "gate/catalogue.mp4");
        link("/dev/zero", "gate/endless.mp4");
        for path in ["relative", "absolute", "growing", "processed/secret", "catalogue", "endless", "secret"]
        {
            assert_eq!(folder.read(&format!("gate/{path}.mp4")), None, "{path}");
        }
        assert_eq!(folder.read("yard/secret.mp4"), None);
        assert!(folder.read("gate/a.mp4").is_some());
    }

    #[test]
    fn the_root_itself_may_be_a_link() {
        let folder = Folder::with(&["gate/a.mp4"]);
        symlink(folder.path("root"), folder.path("link")).unwrap();
        let wanted = MediaPath::parse("gate/a.mp4").unwrap();
        assert!(open(&folder.path("link"), &wanted).unwrap().is_some());
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = Folder::with(&["gate/file.mp4/a.mp4"]);
        let pipe = folder.path("root/gate/pipe.mp4");
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path("root/gate/socket.mp4")).unwrap();
        for path in ["gate/file.mp4", "gate/pipe.mp4", "gate/socket.mp4"] {
            assert_eq!(folder.read(path), None, "{path}");
        }
        assert_eq!(folder.read(&format!("gate/{}.mp4", "a".repeat(300))), None);
    }

    #[test]
    fn without_the_root_there_is_nothing() {
        let wanted = MediaPath::parse("gate/a.mp4").unwrap();
        assert!(open(Path::new("/nowhere/at/all"), &wanted).unwrap().is_none());
    }
}
