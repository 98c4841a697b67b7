//! Disks that are full, read-only, gone, and back again.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use catalog::GapCause;
use nightreel_recorder::{CameraState, Notice};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};

use crate::clip::{self, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::station::{Running, Station, camera};

const TWO_SECONDS: Duration = Duration::from_secs(2);
/// Longer than a test, which then hardly ever meets a cut.
const HOUR: Duration = Duration::from_secs(3600);
/// From the moment at which there is room again.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Set in the process that has mounts of its own.
const OWN_MOUNTS: &str = "NIGHTREEL_TEST_OWN_MOUNTS";

/// Tells whether the test may mount. If not, it has been run by another process that may.
#[expect(clippy::print_stderr, reason = "a test that is left out has to be seen")]
fn may_mount(test: &str) -> bool {
    if std::env::var_os(OWN_MOUNTS).is_some() {
        return true;
    }
    let allowed = Command::new("unshare").args(["-rm", "true"]).output();
    if !allowed.expect("util-linux is installed").status.success() {
        eprintln!("skipped: users of this machine may not have mounts of their own, run it as root");
        return false;
    }
    let program = std::env::current_exe().unwrap();
    let mut again = Command::new("unshare");
    again.arg("-rm").arg(program).args(["--exact", test, "--nocapture"]).env(OWN_MOUNTS, "yes");
    assert!(again.status().unwrap().success());
    false
}

async fn wait_for_reason(running: &mut Running, part: &str) {
    running
        .wait_for(|camera| matches!(&camera.state, CameraState::Waiting { reason } if reason.contains(part)))
        .await;
}

/// Records on, then stops and looks at all files.
async fn goes_on(station: &Station, mut running: Running, sent: &Path) -> Vec<PathBuf> {
    let back = Instant::now();
    running.wait_for(|camera| camera.state == CameraState::Recording).await;
    assert!(back.elapsed() < BACK_WITHIN, "{:?}", back.elapsed());
    let frames = running.status.cameras()[0].frames;
    running.wait_for(|camera| camera.frames >= frames + 50).await;
    running.stop().await;
    assert_eq!(station.files(".partial"), Vec::<PathBuf>::new());
    assert!(!station.path("media/gate/failed").exists());
    let files = station.files(".mp4");
    let sent = clip::picture_hashes(sent, Codec::H264);
    for file in &files {
        assert_eq!(clip::decode_errors(file), "", "{}", file.display());
        clip::assert_unbroken(&sent, &clip::picture_hashes(file, Codec::H264));
    }
    files
}

fn fill(path: &Path) {
    let mut filler = File::create(path).unwrap();
    let full = loop {
        if let Err(e) = filler.write_all(&[7; 4096]) {
            break e;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_full_disk_costs_only_what_has_no_room() {
    if !may_mount("disk::a_full_disk_costs_only_what_has_no_room") {
        return;
    }
    let station = Station::new();
    let sent = clip::encoded(Codec::H264, SILENT);
    std::fs::create_dir(station.path("media")).unwrap();
    mount("none", station.path("media"), "tmpfs", MountFlags::empty(), Some(c"size=48M")).unwrap();
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, HOUR));
    running.wait_for(|camera| camera.frames >= 75).await;
    fill(&station.path("media/filler"));
    wait_for_reason(&mut running, "the disk is full").await;
    let in_hand = station.files("");
    assert_eq!(in_hand.len(), 1, "attempts leave nothing behind: {in_hand:?}");
    assert_eq!(clip::decode_errors(&in_hand[0]), "");
    assert!(clip::picture_hashes(&in_hand[0], Codec::H264).len() >= 25);

    std::fs::remove_file(station.path("media/filler")).unwrap();
    let files = goes_on(&station, running, &sent).await;
    assert!(files.len() >= 2, "{files:?}");
    assert_eq!(station.gaps()[0].cause, GapCause::DiskFull);
}

#[tokio::test]
async fn a_full_disk_is_said_at_once_and_gaps_wait_until_its_catalogue_takes_them() {
    if !may_mount("disk::a_full_disk_is_said_at_once_and_gaps_wait_until_its_catalogue_takes_them") {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    mount("none", disk.path(), "tmpfs", MountFlags::empty(), Some(c"size=24M")).unwrap();
    // catalogue and footage on the same disk
    let station = Station::within(disk.path());
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, HOUR));
    running.wait_for(|camera| camera.frames >= 75).await;
    let filler = disk.path().join("filler");
    fill(&filler);
    let full = Instant::now();
    let said = running.notice().await;
    assert!(matches!(&said, Notice::DiskFull { cause: GapCause::DiskFull, .. }), "{said:?}");
    // a fragment of two seconds has to fail first
    assert!(full.elapsed() < BACK_WITHIN, "{:?}", full.elapsed());
    let attempts = running.status.cameras()[0].reconnects;
    running.wait_for(|camera| camera.reconnects >= attempts + 2).await;

    std::fs::remove_file(&filler).unwrap();
    let (room, frames) = (Instant::now(), running.status.cameras()[0].frames);
    running.wait_for(|camera| camera.state == CameraState::Recording).await;
    assert!(room.elapsed() < BACK_WITHIN, "{:?}", room.elapsed());
    let said = running.notice().await;
    assert!(matches!(&said, Notice::DiskBack { .. }), "{said:?}");
    running.wait_for(|camera| camera.frames >= frames + 50).await;
    running.stop().await;
    let gaps = station.gaps();
    assert!(gaps.iter().any(|gap| gap.cause == GapCause::DiskFull && gap.from < gap.to), "{gaps:?}");
    assert_eq!(station.catalog.open_gaps().unwrap(), []);
    let mut listed = 0;
    station.catalog.each_segment(&[catalog::SegmentState::Ready], |_| listed += 1).unwrap();
    assert_eq!(listed, station.files(".mp4").len());
    unmount(disk.path(), UnmountFlags::DETACH).unwrap();
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_is_waited_for() {
    if !may_mount("disk::a_disk_that_becomes_read_only_is_waited_for") {
        return;
    }
    let station = Station::new();
    let media = station.path("media");
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    running.wait_for_segments(1).await;
    while station.files(".partial").is_empty() {
        // waits for the first fragment of the second segment
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mount_bind(&media, &media).unwrap();
    mount_remount(&media, MountFlags::BIND | MountFlags::RDONLY, c"").unwrap();
    wait_for_reason(&mut running, "Read-only file system").await;
    let partials = station.files(".partial");
    assert_eq!(partials.len(), 1, "the segment in hand could not get its name");
    assert_eq!(clip::decode_errors(&partials[0]), "");

    unmount(&media, UnmountFlags::empty()).unwrap();
    let files = goes_on(&station, running, &sent).await;
    assert!(files.contains(&partials[0].with_extension("")), "{files:?}");
    assert_eq!(station.gaps()[0].cause, GapCause::NotWritable);
}

#[tokio::test]
async fn a_root_that_is_gone_is_named_and_nothing_is_written_until_it_is_back() {
    let station = Station::new();
    let (id, away) = (station.path("media/.nightreel-root"), station.path("id"));
    let sent = clip::encoded(Codec::H264, SILENT);
    let fake = FakeCamera::play(&sent, &[]);
    let mut running = station.start(camera(fake.port, TWO_SECONDS));
    running.wait_for_segments(1).await;
    std::fs::rename(&id, &away).unwrap();
    wait_for_reason(&mut running, "`storage.root`").await;
    let before = station.files("");
    let attempts = running.status.cameras()[0].reconnects;
    running.wait_for(|camera| camera.reconnects >= attempts + 2).await;
    assert_eq!(station.files(""), before);

    std::fs::rename(&away, &id).unwrap();
    let files = goes_on(&station, running, &sent).await;
    assert!(files.len() > before.len(), "{files:?}");
    assert_eq!(station.gaps()[0].cause, GapCause::NotWritable);
}
