//! What is around the archive fails: its disk is full, the disk that footage is to come back to is full, its server
//! says nothing. No footage is lost, and the cameras are recorded all the while.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::archive::{NIGHT, archive_to, bundles, processed, restore, with_footage, with_large_footage};
use crate::support::cold::{Cold, Kind};
use crate::support::media::{contents, files_under, finished, sha256};
use crate::support::{Clip, FakeCamera, Nightreel, Outcome, PATIENCE, Play, eventually, footage};

/// Longer than a program may take that was asked to end, and far shorter than a server is waited for.
const SOON: Duration = Duration::from_secs(15);

/// Runs nightreel in a namespace where a disk of memory lies over `folder`; nothing where users may not mount.
fn beside_a_small_disk(
    nightreel: &Nightreel,
    (folder, size): (&str, &str),
    args: &[&str],
) -> Option<Outcome> {
    let allowed = Command::new("unshare").args(["-rm", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no user namespaces here");
        return None;
    }
    let folder = nightreel.path(folder);
    fs::create_dir_all(&folder).unwrap();
    // What is left on the disk goes with the namespace, and is told before.
    let script = format!(
        "mount -t tmpfs -o size={size} none {folder:?} && \"$@\"; code=$?; find {folder:?} -type f -printf 'left: %p\\n' >&2; exit $code"
    );
    let under = ["unshare", "-rm", "sh", "-c", &script, "sh"];
    Some(Outcome::of(&mut nightreel.command_under(&under, args)))
}

#[test]
fn a_disk_that_is_full_when_footage_comes_back_keeps_nothing_half() {
    let nightreel = with_footage(3);
    let before = contents(&nightreel.root());
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    archive_to(&nightreel, &cold, "");
    nightreel.run(&["retain"]).with_code(0);
    let wanted = [&["restore"], &NIGHT[..], &["--out", "evidence"]].concat();

    let Some(full) = beside_a_small_disk(&nightreel, ("evidence", "16k"), &wanted) else { return };

    let full = full.with_code(1).telling(&["cannot write", "evidence", "No space left"]);
    assert!(!full.stderr.contains("left: "), "not even a hidden file: {}", full.stderr);
    assert_eq!(nightreel.status()["segments"]["archived"], 3, "it is in the archive as before");
    nightreel.verify();
    restore(&nightreel, &[]).with_code(0);
    for file in finished(&processed(&nightreel)) {
        assert_eq!(sha256(&file), before[&file]);
    }
}

#[test]
fn an_archive_whose_disk_is_full_gets_what_it_has_no_room_for_later() {
    let nightreel = with_large_footage();
    let before = contents(&nightreel.root());
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    archive_to(&nightreel, &cold, "part_mb = 6\n");

    let Some(full) = beside_a_small_disk(&nightreel, ("cold", "8M"), &["retain"]) else { return };

    let full = full.with_code(1).telling(&["No space left"]);
    assert!(!full.stderr.contains("left: "), "no half of a bundle takes room there: {}", full.stderr);
    assert_eq!(contents(&nightreel.root()), before, "nothing local went");
    nightreel.verify();
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!((cold.objects(), cold.unfinished()), (1, 0));
    assert_eq!(bundles(&nightreel).len(), 1);
    assert_eq!(finished(&processed(&nightreel)), Vec::<PathBuf>::new());
    nightreel.verify();
}

#[test]
fn an_archive_that_says_nothing_holds_up_neither_recording_nor_the_end() {
    let nightreel = with_footage(1);
    let before = contents(&nightreel.root());
    // Takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    nightreel.configure(&format!(
        "[detect]\nenabled = false\n[process]\nwindows = [\"03:00-03:01\"]\n[retention]\nafter_processing = \"archive\"\n\
         [archive]\nurl = \"s3://cold\"\nendpoint = \"http://127.0.0.1:{port}\"\nallow_http = true\n\
         access_key_id = \"a\"\nsecret_access_key = \"b\"\n\
         [serve]\nlisten = \"127.0.0.1:0\"\n[[camera]]\nid = \"yard\"\nurl = {:?}\nsegment_seconds = 2\n",
        camera.url()
    ));
    let mut run = nightreel.start(&["run"]);
    silent.set_nonblocking(true).unwrap();
    let asked = eventually("the archive to be asked", PATIENCE, || silent.accept().ok());
    let recorded = || finished(&nightreel.root().join("yard")).len();
    let so_far = recorded();
    eventually("recording to go on meanwhile", PATIENCE, || (recorded() >= so_far + 3).then_some(()));

    let told = Instant::now();
    assert!(run.terminate().success(), "{}", run.said());
    assert!(told.elapsed() < SOON, "it took {:?}", told.elapsed());

    drop(asked);
    for (file, hash) in &before {
        assert_eq!(sha256(file), *hash, "nothing local went: {}", file.display());
    }
    nightreel.verify();
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    archive_to(&nightreel, &cold, "");
    nightreel.run(&["retain"]).with_code(0);
    assert!(files_under(&nightreel.path("cold")).len() == 1, "and goes when there is an archive");
}
