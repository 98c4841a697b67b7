//! Whether footage can be stored: looked at before a camera is asked for it, so that no camera is called every
//! two seconds for frames that have no place.

use config::CameraId;
use rustix::fs::{Access, access};

use catalog::{Disk, files};

use crate::RecorderError;
use crate::segment::Place;

/// Below this the disk counts as full: some seconds of many cameras, so that recording does not begin only to
/// break off again.
const ROOM_MIN: u64 = 16 << 20;

/// Tells why nothing can be recorded, if so. The order matters: in a root that is not mounted nothing is made.
pub(crate) fn check_room(place: &Place, camera: &CameraId) -> Result<(), RecorderError> {
    place.root.check()?;
    let folder = place.folder(camera);
    files::create_folder(&folder)?;
    access(&folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|errno| RecorderError::file("write into", &folder)(errno.into()))?;
    let Disk { free, .. } = Disk::measure(&folder).map_err(RecorderError::file("look at", &folder))?;
    if free < ROOM_MIN { Err(RecorderError::DiskFull { folder, free }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use catalog::{Catalog, MediaRoot};

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a disk that is unmounted takes its id file along")]
    fn a_root_that_is_gone_is_named_and_nothing_is_made_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        let path = folder.path().join("media");
        let root = MediaRoot::open(&catalog, &path).unwrap();
        let place = Place { root, name_timezone: chrono_tz::Tz::UTC };
        let camera: CameraId = "gate".parse().unwrap();
        check_room(&place, &camera).unwrap();
        assert!(path.join("gate").is_dir());

        std::fs::rename(&path, folder.path().join("unmounted")).unwrap();
        std::fs::create_dir(&path).unwrap();
        let refused = check_room(&place, &camera).unwrap_err();
        assert!(refused.to_string().contains("`storage.root`"), "{refused}");
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }
}
