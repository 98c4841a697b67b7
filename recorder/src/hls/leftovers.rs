//! Leftovers: what the live playlist of an earlier run has left in the folder of a camera that has none now.

use std::path::Path;
use std::time::Duration;

use catalog::{CatalogError, LIVE, PLAYLIST, files};

use super::tap::read_playlist;
use super::{live, maps};

/// Removes the playlist, its maps and its live footage, where each is certainly of our making: by its name and
/// place, and what could be another program's by its content too.
pub(crate) fn clear(folder: &Path) -> Result<(), CatalogError> {
    let live = folder.join(LIVE);
    // a link may lead to footage that somebody keeps
    if live.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        live::remove_all(&live)?;
    }
    let playlist = folder.join(PLAYLIST);
    let is_ours = playlist.symlink_metadata().is_ok_and(|found| found.is_file())
        && read_playlist(&playlist, Duration::MAX).is_some();
    maps::remove_all(folder)?;
    if is_ours { files::remove_live(&playlist) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::playlist::{FileOfParts, Follows, Numbers, Playlist};
    use crate::mp4::{FileHead, Metadata, Origins, TrackHead, TrackKind};

    fn map() -> Vec<u8> {
        let kind = TrackKind::Video { width: 320, height: 240 };
        let metadata = Metadata {
            camera: "gate".parse().unwrap(),
            start: chrono::DateTime::UNIX_EPOCH,
            clock: catalog::ClockSource::ReceiveTime,
        };
        let sample_entry = [&12u32.to_be_bytes()[..], b"avc1abcd"].concat();
        let tracks = vec![TrackHead { kind, time_scale: 90_000, sample_entry }];
        FileHead { metadata, tracks, origins: Origins::default() }.map()
    }

    fn playlist() -> String {
        let numbers = Numbers { media_sequence: 7, discontinuity_sequence: 3, target_seconds: 2 };
        let mut playlist = Playlist::new(Duration::from_secs(60), numbers);
        playlist.begin_file(FileOfParts {
            name: "segment_20261125_100000.mp4".to_owned(),
            map: super::super::playlist::Map { number: 1, bytes: 1146 },
            start: chrono::DateTime::UNIX_EPOCH,
            follows: Follows::Anew,
        });
        playlist.add(0..10, Duration::from_secs(2));
        playlist.text()
    }

    #[test]
    fn what_is_ours_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(LIVE)).unwrap();
        let cases = [
            // name, content, is removed
            ("stream.m3u8", playlist().into_bytes(), true),
            ("init.mp4", map(), true),
            ("init_12.mp4", map(), true),
            ("live/segment_20261125_100000.mp4", b"x".to_vec(), true),
            ("live/segment_20261125_100100.mp4.partial", b"x".to_vec(), true),
            ("live/holiday.mp4", b"x".to_vec(), false),
            ("segment_20261125_100000.mp4", b"x".to_vec(), false),
            ("segment_20261125_100100.mp4.partial", b"x".to_vec(), false),
            ("init_x.mp4", map(), false),
            ("init_13.mp4", b"\0\0\0\x18ftypiso5\0\0\x02\0iso5iso6mp41".to_vec(), false),
            ("other.m3u8", playlist().into_bytes(), false),
        ];
        for (name, content, _) in &cases {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        clear(folder.path()).unwrap();
        for (name, _, removed) in &cases {
            assert_eq!(folder.path().join(name).exists(), !removed, "{name}");
        }
        clear(folder.path()).unwrap();
        clear(&folder.path().join("none")).unwrap();
    }

    #[test]
    fn a_playlist_of_another_program_and_footage_behind_a_link_stay() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let footage = elsewhere.path().join("segment_20261125_100000.mp4");
        std::fs::write(&footage, "kept").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(LIVE)).unwrap();
        let foreign = folder.path().join("stream.m3u8");
        std::fs::write(&foreign, "#EXTM3U\n#EXT-X-VERSION:7\n#EXTINF:2.0,\npart1.m4s\n").unwrap();
        clear(folder.path()).unwrap();
        assert!(footage.exists() && foreign.exists());
    }
}
