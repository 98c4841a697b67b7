//! The bounds of the media folder: no path leads out of it by a link, by `..`, or onto another disk below a camera's
//! folder. A camera's folder itself may be a disk of its own.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path};

use crate::CatalogError;

/// Refuses a path under the root whose folders lead elsewhere. Folders that are not there yet lead nowhere.
pub(crate) fn check_inside(root: &Path, relative: &Path) -> Result<(), CatalogError> {
    let outside = |by: &'static str| Err(CatalogError::OutsideRoot { path: root.join(relative), by });
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return outside("its name");
    }
    let mut folder = root.to_owned();
    let mut disk = None;
    let folders = relative.parent().unwrap_or(Path::new("")).components();
    for part in folders {
        folder.push(part);
        let Some(metadata) = looked_at(&folder)? else { return Ok(()) };
        if metadata.is_symlink() {
            return outside("a link");
        }
        if *disk.get_or_insert(metadata.dev()) != metadata.dev() {
            return outside("another disk that is mounted there");
        }
    }
    Ok(())
}

fn looked_at(folder: &Path) -> Result<Option<Metadata>, CatalogError> {
    match folder.symlink_metadata() {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CatalogError::file("look at", folder)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fixture::{Store, noon};
    use crate::{Planned, SegmentState, files};

    #[test]
    fn a_path_stays_inside_by_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("media");
        fs::create_dir_all(root.join("gate/2026")).unwrap();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), root.join("linked")).unwrap();
        symlink(folder.path().join("elsewhere"), root.join("gate/linked")).unwrap();
        for inside in ["gate/a.mp4", "gate/2026/a.mp4", "gate/new/a.mp4", "new/a.mp4"] {
            check_inside(&root, Path::new(inside)).unwrap();
        }
        for outside in
            ["linked/a.mp4", "gate/linked/a.mp4", "../elsewhere/a.mp4", "gate/../../a.mp4", "/a.mp4"]
        {
            let refused = check_inside(&root, Path::new(outside)).unwrap_err();
            assert!(matches!(refused, CatalogError::OutsideRoot { .. }), "{outside}: {refused}");
        }
    }

    /// A person moves a folder to another disk and leaves a link: its rows still fit its files.
    #[test]
    fn what_a_link_has_taken_out_of_the_folder_is_neither_moved_nor_deleted() {
        let elsewhere = tempfile::tempdir().unwrap();
        for (file, taken) in [("gate/a.mp4", "gate"), ("gate/2026/a.mp4", "gate/2026")] {
            let store = Store::new();
            let id = store.add_processed(file, "a");
            let place = elsewhere.path().join(taken.replace('/', "-"));
            files::rename(&store.path(taken), &place).unwrap();
            symlink(&place, store.path(taken)).unwrap();
            let planned = Planned { id, state: SegmentState::Processed, now: noon() };
            let media = store.media();
            for refused in [media.delete_planned(planned, "old"), media.move_planned(planned)] {
                assert!(matches!(refused, Err(CatalogError::OutsideRoot { .. })), "{file}: {refused:?}");
            }
            media.delete(id).unwrap_err();
            media.move_into(id, Some(crate::PROCESSED)).unwrap_err();
            assert!(place.join("a.mp4").exists() && place.join("a.mp4.json").exists());
            // What was begun before the folder was moved.
            store.break_rows("UPDATE segment SET intent = 'delete'");
            media.finish_intents().unwrap();
            assert!(place.join("a.mp4").exists() && place.join("a.mp4.json").exists());
        }
    }

    #[test]
    fn a_name_that_leads_out_deletes_nothing() {
        let store = Store::new();
        let id = store.add_processed("gate/a.mp4", "a");
        let outside = store.root.path().parent().unwrap().join("a.mp4");
        files::rename(&store.path("gate/a.mp4"), &outside).unwrap();
        store.break_rows("UPDATE segment SET path = 'gate/../../a.mp4'");
        store.media().delete(id).unwrap_err();
        assert!(outside.exists());
    }

    #[test]
    fn links_to_a_file_outside_cost_only_the_name_inside() {
        let elsewhere = tempfile::tempdir().unwrap();
        let store = Store::new();
        let ids = ["gate/hard.mp4", "gate/soft.mp4"].map(|file| store.add_processed(file, file));
        let outside = ["hard.mp4", "soft.mp4"].map(|name| elsewhere.path().join(name));
        fs::hard_link(store.path("gate/hard.mp4"), &outside[0]).unwrap();
        files::rename(&store.path("gate/soft.mp4"), &outside[1]).unwrap();
        symlink(&outside[1], store.path("gate/soft.mp4")).unwrap();
        for id in ids {
            let planned = Planned { id, state: SegmentState::Processed, now: noon() };
            store.media().delete_planned(planned, "old").unwrap();
        }
        assert!(outside.iter().all(|file| file.exists()));
        assert!(!store.path("gate/hard.mp4").exists());
    }
}
