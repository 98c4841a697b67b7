//! A catalogue that is made anew answers as the former one did; a folder that was meddled with is taken up.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::media::{contents, let_rest};
use crate::support::{
    Clip, FakeCamera, Nightreel, PATIENCE, Play, Seen, eventually, footage, sidecar_beside,
};

/// A store with footage in every state.
fn lived_in() -> Nightreel {
    let nightreel = Nightreel::new();
    let settings = |retention: &str| {
        format!("[process]\nevery_nth_frame = 5\n[gate]\nenabled = false\n[retention]\n{retention}\n")
    };
    nightreel.configure(&settings("after_processing = 'keep'"));
    let clip = footage(Clip { seconds: 1, ..Clip::default() });
    let put = |name: &str| {
        let_rest(&nightreel.copy_in(&clip, nightreel.root().join("gate").join(name)));
    };
    for name in ["segment_20200101_000000.mp4", "segment_20261101_000000.mp4", "segment_20261101_010000.mp4"]
    {
        put(name);
    }
    let_rest(&nightreel.write(nightreel.root().join("gate/broken.mp4"), "a shopping list"));
    nightreel.run(&["process", "--once"]).with_code(1);
    nightreel.configure(&settings("max_age_days = 3000"));
    // One is too old, one was taken away by somebody, one is moved, one comes in.
    let file = nightreel.root().join("gate/segment_20261101_010000.mp4");
    fs::remove_file(sidecar_beside(&file)).unwrap();
    fs::remove_file(file.with_extension("vtt")).unwrap();
    fs::remove_file(file).unwrap();
    nightreel.configure(&settings("max_age_days = 2000"));
    nightreel.run(&["retain"]).with_code(0);
    put("segment_20261101_020000.mp4");
    nightreel.run(&["retain"]).with_code(0);
    nightreel
}

/// What people ask, without what differs from one moment to the next.
fn answers(nightreel: &Nightreel) -> [Vec<Value>; 3] {
    let mut status = nightreel.status();
    for key in ["disk", "backlog_done", "window"] {
        status.as_object_mut().unwrap().remove(key);
    }
    let mut events = nightreel.run(&["events", "--limit", "0", "--json"]).with_code(0).json_lines();
    let mut found = nightreel.run(&["search", "person", "--json"]).with_code(0).json_lines();
    for event in events.iter_mut().chain(&mut found) {
        event.as_object_mut().unwrap().remove("id");
    }
    // those that begin at the same moment come in any order
    for listed in [&mut events, &mut found] {
        listed.sort_by_key(Value::to_string);
    }
    [vec![status], events, found]
}

#[test]
fn a_rebuilt_catalogue_answers_as_the_former_one_did() {
    let nightreel = lived_in();
    nightreel.verify();
    let before = answers(&nightreel);
    let files = contents(&nightreel.root());
    let segments = &before[0][0]["segments"];
    for state in ["processed", "ready", "failed", "missing", "deleted"] {
        assert_eq!(segments[state], 1, "{state}: {segments}");
    }
    assert!(before[1].len() >= 3 && !before[2].is_empty(), "{before:#?}");

    let rebuilt = nightreel.run(&["rebuild", "--json"]).with_code(0).json();

    assert_eq!(
        (&rebuilt["processed"], &rebuilt["queued"], &rebuilt["failed"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(rebuilt["lost"], serde_json::json!([]));
    assert!(fs::exists(rebuilt["former"].as_str().unwrap()).unwrap());
    assert_eq!(answers(&nightreel), before);
    nightreel.verify();
    assert_eq!(contents(&nightreel.root()), files);
    nightreel.run(&["process", "--once"]).with_code(0);
    assert_eq!(nightreel.status()["segments"]["processed"], 2);
}

#[test]
fn a_catalogue_that_cannot_be_read_is_rebuilt_from_the_folder_alone() {
    let nightreel = lived_in();
    let state = nightreel.root().join(".nightreel");
    fs::write(state.join("catalog.sqlite3"), vec![b'x'; 9000]).unwrap();
    nightreel.run(&["status"]).with_code(1);

    nightreel.run(&["rebuild"]).with_code(0);

    // By itself the one segment that is left shows what its sidecar says.
    let file = nightreel.root().join("gate/processed/segment_20261101_000000.mp4");
    let sidecar: Value = serde_json::from_slice(&fs::read(sidecar_beside(&file)).unwrap()).unwrap();
    let [status, mut events, found] = answers(&nightreel);
    for event in &mut events {
        assert_eq!(event["file_state"], "processed");
        let of_catalogue = ["camera", "file", "file_state", "thumbnail"];
        event.as_object_mut().unwrap().retain(|key, _| !of_catalogue.contains(&key.as_str()));
    }
    let mut told = sidecar.list("events").clone();
    for listed in [&mut events, &mut told] {
        listed.sort_by_key(Value::to_string);
    }
    assert_eq!(events, told);
    assert_eq!(found.len(), 1);
    let segments = serde_json::json!({"processed": 1, "ready": 1, "failed": 1});
    assert_eq!(status[0]["segments"], segments);
    nightreel.verify();
}

/// What `why` tells of where footage lies in time.
fn told_times(nightreel: &Nightreel) -> BTreeMap<String, [Value; 5]> {
    let files = fs::read_dir(nightreel.root().join("gate")).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|end| end == "mp4"))
        .map(|file| {
            let told = nightreel.run(&["why", file.to_str().unwrap(), "--json"]).with_code(0).json();
            let keys = ["start", "start_source", "duration_s", "bytes", "camera"];
            (told["file"].as_str().unwrap().to_owned(), keys.map(|key| told[key].clone()))
        })
        .collect()
}

#[test]
fn what_was_recorded_keeps_its_times_without_a_former_catalogue() {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    let camera = FakeCamera::start(Play { clip: &clip, port: 0, options: &[] });
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("[[camera]]\nid = 'gate'\nurl = {:?}\nsegment_seconds = 2\n", camera.url()));
    let mut recording = nightreel.start(&["record"]);
    eventually("three segments are recorded", PATIENCE, || {
        let known = nightreel.run(&["status", "--json"]);
        (known.status.success() && known.json()["segments"]["ready"].as_u64() >= Some(3)).then_some(())
    });
    assert!(recording.terminate().success());
    let before = told_times(&nightreel);
    assert!(before.len() >= 3 && before.values().all(|times| times[1] == "recorder"), "{before:#?}");
    fs::write(nightreel.root().join(".nightreel/catalog.sqlite3"), vec![b'x'; 9000]).unwrap();

    nightreel.run(&["rebuild"]).with_code(0);

    assert_eq!(told_times(&nightreel), before);
    nightreel.verify();
}

#[test]
fn a_catalogue_in_use_is_not_replaced() {
    let nightreel = lived_in();
    let mut running = nightreel.start(&["run"]);
    let in_hand = || nightreel.run(&["rebuild"]).status.code() == Some(1);
    eventually("it is refused", PATIENCE, || in_hand().then_some(()));
    let said = nightreel.run(&["rebuild"]).with_code(1).telling(&["is in use", "nothing was replaced"]);
    assert!(said.stdout.is_empty());
    assert!(running.terminate().success());
    nightreel.run(&["rebuild"]).with_code(0);
}

#[test]
fn what_was_put_aside_by_hand_is_adopted_when_asked_to() {
    let nightreel = lived_in();
    let gate = nightreel.root().join("gate");
    let moved = gate.join("processed/segment_20261101_000000.mp4");
    // A backup that was put back, with its sidecar, and what was left over from another.
    let backup = gate.join("processed/segment_20261031_000000.mp4");
    fs::copy(&moved, &backup).unwrap();
    fs::copy(sidecar_beside(&moved), sidecar_beside(&backup)).unwrap();
    let left_over = gate.join("processed/segment_20261030_000000.mp4.json");
    fs::copy(sidecar_beside(&moved), &left_over).unwrap();
    nightreel.run(&["verify"]).with_code(1);

    let said = nightreel.run(&["verify", "--repair"]).with_code(1);

    assert!(
        said.stdout.contains("segment_20261031_000000.mp4: adopted, with the results"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("results of a file that is gone") && left_over.exists(), "{}", said.stdout);
    assert_eq!(nightreel.status()["segments"]["processed"], 2);
    fs::remove_file(left_over).unwrap();
    nightreel.verify();
}
