//! Bundles that are sealed: what is in them comes back to whoever has a key, and to nobody else.

use std::io::Read;

use catalog::{BundleState, MemberKind, SegmentId, SegmentState};
use object_store::{ObjectStoreExt, PutPayload};

use super::faulty::Fault;
use super::world::World;
use super::{assert_recovers, note};
use crate::archive::ArchiveError;
use crate::archive::bundle::Bundle;
use crate::archive::keys::{Keys, opens_own};

fn gathered(world: &World, ids: &[SegmentId]) -> Bundle {
    let bundle = Bundle::gather(&world.media(), "gate", world.span(), ids).unwrap();
    bundle.sealed(&world.settings.recipients).unwrap()
}

fn object(world: &World) -> Vec<u8> {
    let [bundle] = &world.bundles()[..] else { panic!("one bundle") };
    let mut bytes = Vec::new();
    let add = |piece: &[u8]| {
        bytes.extend_from_slice(piece);
        Ok(())
    };
    world.store().read(&bundle.key, None, add).unwrap();
    bytes
}

#[test]
fn what_is_sealed_comes_back_and_the_archive_never_saw_it() {
    let world = World::sealed();
    let ids = [1, 2].map(|minute| world.process(minute));
    world.archive().unwrap();
    assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived && !world.has_file(*id)));

    let bytes = object(&world);
    for minute in [1, 2] {
        assert!(!bytes.windows(100).any(|window| window == [minute; 100]), "no footage in the clear");
    }
    let [bundle] = &world.bundles()[..] else { panic!("one bundle") };
    assert_eq!(bundle.recipients, world.settings.recipients);
    for member in world.catalog.bundle_members(bundle.id).unwrap() {
        let plain = member.plain.as_ref().unwrap();
        assert!(member.name.ends_with(".age") && member.length > plain.length, "{member:?}");
        assert!(member.kind != MemberKind::Video || plain.length == 1000, "{member:?}");
    }
    // Who has the bytes alone can check them: no key is asked for.
    let store = world.store();
    let verified = crate::archive::verify(&world.catalog, &store, &world.clock, &world.bundles()).unwrap();
    assert_eq!((verified.read, verified.faults.len()), (1, 0));

    assert_eq!(world.restore().unwrap().files.len(), 2);
    assert!(ids.iter().all(|id| world.has_file(*id)));
}

#[test]
fn a_sealed_bundle_tells_what_is_in_it() {
    let world = World::sealed();
    world.process(1);
    world.archive().unwrap();
    let bytes = object(&world);
    let mut tar = tar::Archive::new(&bytes[..]);
    let mut names = Vec::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        names.push(entry.path().unwrap().display().to_string());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if names.last().unwrap().ends_with("index.json") {
            let index: serde_json::Value = serde_json::from_slice(&content).unwrap();
            assert_eq!(index["recipients"], serde_json::json!(world.settings.recipients));
            assert_eq!(index["members"][0]["plain"]["length"], 1000);
        }
    }
    assert_eq!(names, ["01.mp4.age", "01.mp4.json.age", "nightreel-index.json"]);
}

#[test]
fn without_the_key_nothing_comes_back_nothing_is_lost_and_the_key_is_named() {
    let mut world = World::sealed();
    let id = world.process(1);
    // Sending asks for no key.
    let right = world.settings.identity_file.take();
    assert_eq!(world.archive().unwrap().bundles, 1);
    let (other, wrong) = world.draw_key("wrong");
    let keyless = world.path("keyless");
    std::fs::write(&keyless, format!("# {other}\n")).unwrap();

    let mut told = |file: Option<std::path::PathBuf>| {
        world.settings.identity_file = file;
        let error = world.restore().unwrap_err();
        assert_eq!(world.state(id), SegmentState::Archived);
        let left = std::fs::read_dir(world.path("media/gate/processed")).unwrap().count();
        assert_eq!(left, 0, "not even a hidden file");
        error
    };
    let none = told(None);
    assert!(matches!(none, ArchiveError::NoKey { .. }), "{none}");
    let another = told(Some(wrong));
    assert!(matches!(another, ArchiveError::OtherKey { .. }), "{another}");
    assert!(matches!(told(Some(keyless)), ArchiveError::Keyless { .. }));
    assert!(matches!(told(Some("/nowhere".into())), ArchiveError::Read { .. }));
    for error in [none, another] {
        assert!(error.to_string().contains(&world.settings.recipients[0]), "{error}");
        assert!(!error.is_of_the_store());
    }

    world.settings.identity_file = right;
    assert_eq!(world.restore().unwrap().files.len(), 1);
    assert!(world.has_file(id));
}

#[test]
fn keys_tell_whether_they_open_what_is_sealed_now() {
    let mut world = World::sealed();
    opens_own(&world.settings).unwrap();
    world.settings.recipients = vec![world.draw_key("other").0];
    assert!(matches!(opens_own(&world.settings), Err(ArchiveError::OtherKey { .. })));
    assert!(!format!("{:?}", Keys::of(&world.settings)).contains("AGE-SECRET"));
}

#[test]
fn a_store_that_misbehaves_gets_no_mixture_of_two_tries() {
    for fault in [Fault::Down, Fault::BreaksOff, Fault::Flips] {
        let world = World::sealed();
        let ids = [1, 2].map(|minute| world.process(minute));
        world.faulty.set(fault);
        let failed = world.archive();
        assert!(failed.is_err() || failed.unwrap().failed == 1, "{fault:?}");
        // All of it is read back and compared, and opened.
        assert_recovers(&world, &ids);
    }
}

#[test]
fn what_a_process_that_died_sealed_counts_where_it_arrived_and_is_sealed_anew_where_not() {
    for arrived in [true, false] {
        let world = World::sealed();
        let ids = [1, 2].map(|minute| world.process(minute));
        let bundle = gathered(&world, &ids);
        note(&world, &bundle);
        let begun = world.bundles().remove(0);
        if arrived {
            let (store, mut whole) = (world.store(), Vec::new());
            bundle.write_to(&mut whole).unwrap();
            store.wait(store.objects().put(&store.path(&begun.key), PutPayload::from(whole))).unwrap();
        }
        let taken = world.faulty.taken();
        world.archive().unwrap();
        world.let_go();
        assert_eq!(world.faulty.taken() == taken, arrived);
        let [stored] = &world.bundles()[..] else { panic!("one bundle") };
        assert_eq!((stored.key == begun.key, stored.state), (arrived, BundleState::Stored));
        assert!(ids.iter().all(|id| world.state(*id) == SegmentState::Archived));
        assert_eq!(world.restore().unwrap().files.len(), 2);
        assert!(ids.iter().all(|id| world.has_file(*id)));
    }
}

#[test]
fn damage_in_what_is_sealed_is_found_and_leaves_no_file() {
    let world = World::sealed();
    let id = world.process(1);
    world.archive().unwrap();
    let whole = object(&world);
    let store = world.store();
    let path = store.path(&world.bundles()[0].key);
    // In the head, and in the body.
    for at in [520, 1400] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        store.wait(store.objects().put(&path, PutPayload::from(bytes))).unwrap();
        let error = world.restore().unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{at}: {error}");
        assert_eq!(world.state(id), SegmentState::Archived);
        assert_eq!(std::fs::read_dir(world.path("media/gate/processed")).unwrap().count(), 0);
    }
}
