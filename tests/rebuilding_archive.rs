//! A machine that burnt: what is in the archive is found again, with its events, by nothing but the settings and the key.

use std::fs;

use serde_json::Value;

use crate::archive::{archive_to, processed, restore};
use crate::sealed::Key;
use crate::support::azurite::AzureLogin;
use crate::support::cold::{Cold, Kind};
use crate::support::media::{contents, finished, let_rest, sha256};
use crate::support::{Clip, Nightreel, PATIENCE, Seen, eventually, footage};

/// A root with processed footage in which something is seen, that is about to be archived.
fn with_events() -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(
        "[process]\nevery_nth_frame = 5\n[gate]\nenabled = false\n[retention]\nafter_processing = 'move'\n",
    );
    let clip = footage(Clip { seconds: 1, ..Clip::default() });
    for name in ["segment_20261122_220000.mp4", "segment_20261122_220100.mp4", "segment_20261122_230000.mp4"]
    {
        let_rest(&nightreel.copy_in(&clip, nightreel.root().join("gate").join(name)));
    }
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel
}

/// What people ask, without what is told otherwise by another catalogue, and pictures, which are gone.
fn answers(nightreel: &Nightreel) -> [Vec<Value>; 2] {
    let mut events = nightreel.run(&["events", "--limit", "0", "--json"]).with_code(0).json_lines();
    let mut found = nightreel.run(&["search", "person", "--json"]).with_code(0).json_lines();
    for listed in [&mut events, &mut found] {
        for event in listed.iter_mut() {
            for key in ["id", "thumbnail"] {
                event.as_object_mut().unwrap().remove(key);
            }
        }
        // those that begin at the same moment come in any order
        listed.sort_by_key(Value::to_string);
    }
    [events, found]
}

fn burn(nightreel: &Nightreel) {
    fs::remove_dir_all(nightreel.root()).unwrap();
    fs::create_dir_all(nightreel.root()).unwrap();
}

fn rebuild(nightreel: &Nightreel, more: &[&str]) -> Value {
    let rebuilt = nightreel.run(&[&["rebuild", "--archive", "--json"], more].concat()).with_code(0).json();
    rebuilt["archive"].clone()
}

/// Archives, loses everything but the archive, and has it all back.
fn burnt_and_back(nightreel: &Nightreel, cold: &Cold, keys: &str) {
    let before = contents(&nightreel.root());
    archive_to(nightreel, cold, keys);
    nightreel.run(&["retain"]).with_code(0);
    let answered = answers(nightreel);
    assert!(answered.iter().all(|events| !events.is_empty()), "{answered:#?}");
    burn(nightreel);

    let asked = cold.requests();
    let found = rebuild(nightreel, &[]);

    assert_eq!((&found["bundles"], &found["segments"], &found["results"]), (&2.into(), &3.into(), &3.into()));
    // One to see that it answers, one to list them, and of each its end.
    assert_eq!(found["requests"], 4);
    if !matches!(cold, Cold::Folder(_)) {
        assert_eq!(cold.requests() - asked, 4);
    }
    assert_eq!(answers(nightreel), answered);
    assert_eq!(nightreel.status()["segments"]["archived"], 3);
    nightreel.verify();
    let again = rebuild(nightreel, &[]);
    assert_eq!((&again["bundles"], &again["known"], &again["requests"]), (&0.into(), &2.into(), &2.into()));

    restore(nightreel, &[]).with_code(0);
    let back = finished(&processed(nightreel));
    assert_eq!(back.len(), 2, "of the hour that was asked for");
    for file in back {
        assert_eq!(sha256(&file), before[&file], "{}", file.display());
    }
    nightreel.verify();
    assert_eq!(nightreel.run(&["archive", "verify", "--all", "--json"]).with_code(0).json()["read"], 2);
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(cold.objects(), 2, "nothing is sent anew");
}

#[test]
fn what_a_folder_holds_is_found_again_by_who_lost_all_else() {
    let nightreel = with_events();
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    burnt_and_back(&nightreel, &cold, "");
}

#[test]
fn what_any_store_holds_sealed_is_found_again_by_who_has_the_key() {
    for kind in [Kind::S3, Kind::Azure(AzureLogin::Key)] {
        let nightreel = with_events();
        let key = Key::make(&nightreel, "key");
        if let Some(cold) = Cold::start(kind, &nightreel) {
            burnt_and_back(&nightreel, &cold, &format!("{}{}", key.seals(), key.opens()));
        }
    }
}

#[test]
fn without_the_key_footage_is_found_and_its_events_when_the_key_is_there() {
    let nightreel = with_events();
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    let key = Key::make(&nightreel, "key");
    archive_to(&nightreel, &cold, &key.seals());
    nightreel.run(&["retain"]).with_code(0);
    let answered = answers(&nightreel);
    burn(&nightreel);

    let found = rebuild(&nightreel, &[]);

    assert_eq!(
        (&found["segments"], &found["results"], &found["unopened"]),
        (&3.into(), &0.into(), &3.into())
    );
    assert!(found["unopened_because"].as_str().unwrap().contains(&key.public));
    assert!(nightreel.run(&["archive", "list"]).with_code(0).stdout.contains("2 bundles"));
    archive_to(&nightreel, &cold, &format!("{}{}", key.seals(), key.opens()));
    assert_eq!(rebuild(&nightreel, &[])["results"], 3);
    assert_eq!(answers(&nightreel), answered);
    nightreel.verify();
}

#[test]
fn what_is_frozen_is_told_of_and_asked_for_only_where_that_is_said() {
    let nightreel = with_events();
    let Some(cold) = Cold::start(Kind::S3, &nightreel) else { return };
    if let Cold::Moto(moto) = &cold {
        moto.thaw_after(2);
    }
    archive_to(&nightreel, &cold, "storage_class = \"DEEP_ARCHIVE\"\n");
    nightreel.run(&["retain"]).with_code(0);
    let answered = answers(&nightreel);
    burn(&nightreel);

    for _ in 0..2 {
        let found = rebuild(&nightreel, &[]);
        assert_eq!((&found["bundles"], found.list("frozen").len()), (&0.into(), 2), "nothing was asked for");
    }
    let told = nightreel.run(&["rebuild", "--archive"]).with_code(0);
    assert!(told.stdout.contains("--thaw"), "{}", told.stdout);
    rebuild(&nightreel, &["--thaw"]);
    eventually("the thaw", PATIENCE, || {
        (rebuild(&nightreel, &["--thaw"]).list("frozen").is_empty()).then_some(())
    });
    assert_eq!(answers(&nightreel), answered);
    assert_eq!(
        nightreel.run(&["archive", "list", "--json"]).json_lines()[0]["storage_class"],
        "DEEP_ARCHIVE"
    );
}

#[test]
fn an_archive_that_does_not_answer_replaces_nothing() {
    let nightreel = with_events();
    let cold = Cold::Folder(nightreel.path("unmounted"));
    archive_to(&nightreel, &cold, "");
    let before = fs::read_dir(nightreel.root().join(".nightreel")).unwrap().count();
    nightreel.run(&["rebuild", "--archive"]).with_code(1).telling(&["is its disk mounted?"]);
    assert_eq!(fs::read_dir(nightreel.root().join(".nightreel")).unwrap().count(), before);
}
