//! Snapshots on their way to a store: what it cannot take waits in the folder, over outages and restarts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::gateway::Gateway;
use crate::support::moto::Moto;
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, Running, eventually, footage};

const PREFIX: &str = "night/gate/";

/// Names of the snapshots that wait.
fn waiting(nightreel: &Nightreel) -> BTreeSet<String> {
    let entries = fs::read_dir(nightreel.root().join("gate/snapshots"));
    let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".jpg") && !name.starts_with('.')).collect()
}

fn held(moto: &Moto) -> BTreeSet<String> {
    moto.keys().iter().map(|key| key.strip_prefix(PREFIX).unwrap().to_owned()).collect()
}

fn outages(running: &Running) -> usize {
    running.said().matches("snapshots cannot be sent").count()
}

/// Nothing but pictures is made of the camera, one a second.
fn pictures_only(nightreel: &Nightreel, camera: &FakeCamera, store: &str) {
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = {:?}\nrecord = false\nsnapshot_seconds = 1\n[snapshots]\n{store}",
        camera.url()
    ));
}

#[test]
fn pictures_go_to_a_bucket_and_wait_while_it_is_away() {
    let Some(moto) = Moto::start(Path::new(env!("CARGO_MANIFEST_DIR"))) else { return };
    let gateway = Gateway::to(moto.address());
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let nightreel = Nightreel::new();
    pictures_only(&nightreel, &camera, &moto.keys_by_way_of(gateway.address()));
    let mut seen = BTreeSet::new();
    let mut first = nightreel.start(&["record"]);
    eventually("pictures that wait", PATIENCE, || (waiting(&nightreel).len() > 2).then_some(()));
    eventually("what the log says", PATIENCE, || (outages(&first) == 1).then_some(()));
    seen.extend(waiting(&nightreel));
    assert!(moto.keys().is_empty());

    gateway.open();
    eventually("the pictures", PATIENCE, || seen.is_subset(&held(&moto)).then_some(()));
    eventually("room in the folder", PATIENCE, || seen.is_disjoint(&waiting(&nightreel)).then_some(()));
    let told = || first.said().contains("snapshots are sent again");
    eventually("the end of the outage", PATIENCE, || told().then_some(()));
    let key = format!("{PREFIX}{}", seen.first().unwrap());
    assert!(moto.head(&key).to_lowercase().contains("content-type: image/jpeg"), "{}", moto.head(&key));

    gateway.shut();
    eventually("pictures that wait again", PATIENCE, || (waiting(&nightreel).len() > 2).then_some(()));
    eventually("what the log says now", PATIENCE, || (outages(&first) == 2).then_some(()));
    let said = first.said();
    assert!(first.kill(), "{said}");
    let left = waiting(&nightreel);
    seen.extend(left.iter().cloned());

    gateway.open();
    let mut second = nightreel.start(&["record"]);
    eventually("what was left", PATIENCE, || left.is_subset(&held(&moto)).then_some(()));
    eventually("room once more", PATIENCE, || left.is_disjoint(&waiting(&nightreel)).then_some(()));
    assert_eq!(second.terminate().code(), Some(0));

    assert!(waiting(&nightreel).is_empty(), "the last ones go before the end");
    assert!(seen.is_subset(&held(&moto)), "none is missing");
    assert_eq!(moto.puts(), held(&moto).len(), "and none was sent twice");
    assert_eq!(outages(&first), 2, "a line for each outage: {said}");
    assert_eq!(said.matches("snapshots are sent again").count(), 1, "{said}");
}

#[test]
fn run_sends_pictures_too_and_doctor_looks_at_their_store() {
    let Some(moto) = Moto::start(Path::new(env!("CARGO_MANIFEST_DIR"))) else { return };
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let nightreel = Nightreel::new();
    pictures_only(&nightreel, &camera, &moto.keys_of_section());
    let doctor = nightreel.run(&["doctor"]);
    assert!(doctor.stdout.contains("ok      snapshots: `s3://cold/night` answers"), "{}", doctor.stdout);
    let mut run = nightreel.start(&["run"]);
    eventually("a picture", PATIENCE, || (!moto.keys().is_empty()).then_some(()));
    assert_eq!(run.terminate().code(), Some(0));
    assert!(waiting(&nightreel).is_empty());
}

#[test]
fn a_store_for_pictures_that_is_not_there_is_told_by_doctor() {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!(
        "[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1:9/cam\"\nrecord = false\nsnapshot_seconds = 1\n\
         [snapshots]\nurl = \"file://{}\"\n",
        nightreel.path("unmounted").display()
    ));
    let doctor = nightreel.run(&["doctor"]).with_code(1);
    assert!(doctor.stdout.contains("FAULT   snapshots: the store's folder"), "{}", doctor.stdout);
}
