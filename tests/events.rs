//! What was seen, as events: listed, searched, shown by players, looked at again.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::media::put_segments;
use crate::support::{Clip, Nightreel, Reply, Seen, VisionServer, assert_sidecar, footage, sidecar_beside};

const DETECT: &str = "[process]\nevery_nth_frame = 10\n\n[detect]\nlabels = [\"person\", \"car\"]\n";

fn processed(nightreel: &Nightreel, name: &str) -> PathBuf {
    nightreel.root().join("gate/processed").join(name)
}

fn events(nightreel: &Nightreel, flags: &[&str]) -> Vec<Value> {
    nightreel.run(&[&["events", "--json"], flags].concat()).with_code(0).json_lines()
}

#[test]
fn people_who_pass_are_one_event_over_all_segments_whoever_processes_them_in_which_order() {
    let all = [1, 2].map(|workers| {
        let nightreel = Nightreel::new();
        nightreel.configure(&DETECT.replace("[process]", &format!("[process]\nworkers = {workers}")));
        put_segments(&nightreel.root(), 5);
        nightreel.run(&["process", "--once"]).with_code(0);
        nightreel.verify();
        let events = events(&nightreel, &["--label", "person"]);
        let person = events.iter().find(|event| event["still"] == false).expect("people pass");
        // Five segments of six seconds, with people in all of them.
        assert_eq!(person["labels"], json!(["person"]));
        assert!(person["start"].as_str().unwrap() < "2026-11-22T22:00:02Z", "{person}");
        assert!(person["end"].as_str().unwrap() > "2026-11-22T22:00:28Z", "{person}");
        assert!(person["peak"].as_u64().unwrap() >= 2, "{person}");
        let table = nightreel.run(&["events", "--camera", "gate", "--limit", "1"]).with_code(0).stdout;
        assert_eq!(table.lines().count(), 2, "{table}");
        let none = nightreel.run(&["events", "--from", "2026-11-23", "--json"]).with_code(0);
        assert_eq!(none.stdout, "");
        events.iter().map(without_id).collect::<Vec<_>>()
    });
    assert_eq!(all[0], all[1]);
}

/// What an event says of the footage, whichever run found it.
fn without_id(event: &Value) -> Value {
    let mut event = event.clone();
    for key in ["id", "thumbnail"] {
        event.as_object_mut().unwrap().remove(key);
    }
    event
}

#[test]
fn what_is_seen_lies_beside_the_file_for_programs_and_for_players() {
    let nightreel = Nightreel::new();
    nightreel.configure(DETECT);
    put_segments(&nightreel.root(), 2);
    let theirs = nightreel.root().join("gate/segment_20261122_220006.vtt");
    fs::write(&theirs, "WEBVTT\n\n00:00.000 --> 00:01.000\nmine\n").unwrap();

    nightreel.run(&["process", "--once"]).with_code(0);

    let file = processed(&nightreel, "segment_20261122_220000.mp4");
    let sidecar = assert_sidecar(&sidecar_beside(&file));
    let event = &sidecar.list("events")[0];
    assert_eq!(event["labels"].as_array().unwrap().len(), 1, "{event}");
    assert!(sidecar.frames().contains(&event["best"]["frame"].as_u64().unwrap()), "{event}");
    let cues = fs::read_to_string(file.with_extension("vtt")).unwrap();
    assert!(cues.starts_with("WEBVTT\n\n") && cues.contains("00:00:00.000 --> "), "{cues}");
    assert!(cues.contains("person"), "{cues}");
    let probe = std::process::Command::new("ffprobe")
        .args(["-loglevel", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0"])
        .arg(file.with_extension("vtt"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&probe.stdout).trim(), "webvtt");
    // Subtitles of another hand stay as and where they are.
    assert!(fs::read_to_string(&theirs).unwrap().ends_with("mine\n"));

    let before = events(&nightreel, &[]);
    nightreel.configure(&format!("{DETECT}\n[retention]\nmax_age_days = 0.001\n"));
    nightreel.run(&["retain"]).with_code(0);
    assert!(!file.exists() && !file.with_extension("vtt").exists() && theirs.exists());
    let after = events(&nightreel, &[]);
    assert_eq!(after.len(), before.len(), "what was seen is kept");
    assert!(after.iter().all(|event| event["file_state"] == "deleted"), "{after:?}");
    nightreel.verify();
}

#[test]
fn events_are_found_by_what_was_said_of_them() {
    let server =
        VisionServer::start(None, |_| Reply::Caption("A cyclist in a yellow jacket rides past.".to_owned()));
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("{DETECT}\n[vision]\nbase_url = {:?}\nmodel = \"m\"\n", server.base_url()));
    put_segments(&nightreel.root(), 1);
    nightreel.run(&["process", "--once"]).with_code(0);

    let hits = nightreel.run(&["search", "yellow", "jack", "--json"]).with_code(0).json_lines();
    assert!(!hits.is_empty());
    assert!(hits[0]["snippet"].as_str().unwrap().contains("[yellow] [jacket]"), "{}", hits[0]);
    assert_eq!(hits[0]["camera"], "gate");
    let shown = nightreel.run(&["search", "person jackets"]).with_code(0);
    assert!(shown.stdout.contains("person"), "{}", shown.stdout);
    for typed in ["\"yellow", "jacket\"", "yellow AND (", "NEAR(", "labels:person -x", "*"] {
        nightreel.run(&["search", "--json", "--", typed]).with_code(0);
    }
    nightreel.run(&["search", "zebra", "--json"]).with_code(0).telling(&["no event was found"]);
    nightreel.run(&["search", "yellow", "--from", "noon"]).with_code(1).telling(&["`noon` is no time"]);
}

#[test]
fn other_settings_look_again_keep_what_was_seen_before_and_pay_nothing_twice() {
    let nightreel = Nightreel::new();
    let configure = |labels: &str| {
        nightreel.configure(&format!("[process]\nevery_nth_frame = 10\n\n[detect]\nlabels = [{labels}]\n"));
    };
    configure("\"person\"");
    put_segments(&nightreel.root(), 3);
    nightreel.run(&["process", "--once"]).with_code(0);
    let nothing = nightreel.run(&["process", "--again", "--dry-run", "--json"]).with_code(0).json();
    assert_eq!(nothing, json!({"again": {"gate": {"segments": 0, "known": 0}}}));
    let persons = events(&nightreel, &["--label", "person"]);
    assert!(!persons.is_empty());

    configure("\"car\"");
    let plan = ["process", "--again", "--dry-run", "--json", "--from", "2026-11-22T22:00:06"];
    assert_eq!(nightreel.run(&plan).with_code(0).json()["again"]["gate"], json!({"segments": 2, "known": 0}));
    let done = nightreel.run(&["process", "--again", "--json"]).with_code(0).json();
    assert_eq!(done["segments"], json!({"processed": 3, "skipped": 0, "failed": 0}));
    assert!(events(&nightreel, &["--label", "person"]).is_empty(), "the newest count");
    nightreel.verify();

    configure("\"person\"");
    let plan = nightreel.run(&["process", "--again", "--dry-run", "--json"]).with_code(0).json();
    assert_eq!(plan["again"]["gate"], json!({"segments": 0, "known": 3}));
    let done = nightreel.run(&["process", "--again", "--json"]).with_code(0).json();
    assert_eq!(done["segments"]["processed"], 0, "what is known is not looked at again");
    let again = events(&nightreel, &["--label", "person"]);
    assert_eq!(
        again.iter().map(without_id).collect::<Vec<_>>(),
        persons.iter().map(without_id).collect::<Vec<_>>()
    );
    let file = processed(&nightreel, "segment_20261122_220000.mp4");
    assert!(assert_sidecar(&sidecar_beside(&file)).count("person") > 0);
    nightreel.run(&["process", "--again", "--camera", "nowhere"]).with_code(1).telling(&["nowhere"]);
    nightreel.verify();
}

#[test]
fn what_was_seen_is_exported_in_every_form() {
    let nightreel = Nightreel::new();
    nightreel.configure(DETECT);
    put_segments(&nightreel.root(), 2);
    nightreel.run(&["process", "--once"]).with_code(0);
    let rows = nightreel.run(&["export", "--json"]).with_code(0).json_lines();
    let sidecars = ["segment_20261122_220000.mp4", "segment_20261122_220006.mp4"]
        .map(|name| assert_sidecar(&sidecar_beside(&processed(&nightreel, name))));
    let objects: usize = sidecars.iter().map(|sidecar| sidecar.objects().len()).sum();
    assert!(objects > 0);
    assert_eq!(rows.len(), objects);
    let first = sidecars[0].objects()[0];
    assert_eq!((&rows[0]["label"], &rows[0]["x"]), (&first["label"], &first["box"][0]));
    let later = nightreel.run(&["export", "--from", "2026-11-22T22:00:06", "--camera", "gate"]).with_code(0);
    assert_eq!(later.json_lines().len(), sidecars[1].objects().len());

    let csv = nightreel.run(&["export", "--format", "csv"]).with_code(0).stdout;
    assert_eq!(csv.lines().count(), objects + 1);
    assert!(
        csv.starts_with("time,camera,file,frame,view,label,score,x,y,width,height,caption,profile"),
        "{csv}"
    );

    let coco = nightreel.path("coco.json");
    nightreel.run(&["export", "--format", "coco", "--out", "coco.json"]).with_code(0);
    let coco: Value = serde_json::from_slice(&fs::read(coco).unwrap()).unwrap();
    assert_eq!(coco.list("annotations").len(), objects);
    assert_eq!(coco.list("images").len(), sidecars.iter().map(|s| s.views().len()).sum::<usize>());
    let annotation = &coco.list("annotations")[0];
    let category = coco.list("categories").iter().find(|c| c["id"] == annotation["category_id"]).unwrap();
    assert_eq!(category["name"], first["label"]);
    let x = annotation["bbox"][0].as_f64().unwrap();
    assert!((x - first["box"][0].as_f64().unwrap() * 768.0).abs() < 0.01, "{annotation}");

    nightreel.run(&["export", "--format", "parquet", "--out", "rows.parquet"]).with_code(0);
    let parquet = fs::read(nightreel.path("rows.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));

    let profiles = nightreel.run(&["export", "--profiles", "--json"]).with_code(0).json_lines();
    assert_eq!(profiles.len(), 1);
    let profile = profiles[0]["id"].as_str().unwrap();
    assert_eq!(nightreel.run(&["export", "--profile", profile]).with_code(0).json_lines(), rows);
    nightreel.run(&["export", "--profile", "none"]).with_code(1).telling(&["--profiles"]);
}

#[test]
fn an_event_has_a_picture_of_its_best_frame() {
    let nightreel = Nightreel::new();
    nightreel.configure(DETECT);
    put_segments(&nightreel.root(), 2);
    nightreel.run(&["process", "--once"]).with_code(0);
    let seen = events(&nightreel, &["--label", "person"]);
    let pictures: Vec<_> = seen.iter().filter_map(|event| event["thumbnail"].as_str()).collect();
    assert!(!pictures.is_empty(), "{seen:?}");
    let jpeg = fs::read(pictures[0]).unwrap();
    assert!(jpeg.starts_with(&[0xFF, 0xD8]) && jpeg.len() < 60_000);

    let without = Nightreel::new();
    without.configure(&format!("{DETECT}\n[events]\nthumbnails_mb = 0\n"));
    put_segments(&without.root(), 1);
    without.run(&["process", "--once"]).with_code(0);
    assert!(events(&without, &[]).iter().all(|event| event["thumbnail"].is_null()));
    assert!(!without.root().join(".nightreel/thumbnails").exists());
}

#[test]
fn of_files_without_a_camera_are_found_by_their_path() {
    let nightreel = Nightreel::new();
    for name in ["old/gate.mp4", "old/below/yard.mp4", "older/shop.mp4"] {
        nightreel.copy_in(&footage(Clip::default()), name);
    }
    nightreel.run(&["events", "--path", "old"]).with_code(1).telling(&["nightreel process PATH"]);
    nightreel.run(&["process", "old", "older"]).with_code(0);

    let files = |arguments: &[&str]| {
        let lines = nightreel.run(arguments).with_code(0).json_lines();
        let name = |line: &Value| {
            let file = line["file"].as_str().unwrap();
            file.rsplit('/').next().unwrap().to_owned()
        };
        lines.iter().map(name).collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    for command in [&["events", "--json"][..], &["search", "person", "--json"], &["export", "--json"]] {
        let in_path = |path: &[&'static str]| files(&[command, path].concat());
        assert_eq!(in_path(&["--path", "old"]), set(&["gate.mp4", "yard.mp4"]), "{command:?}");
        assert_eq!(in_path(&["--path", "old/gate.mp4"]), set(&["gate.mp4"]), "{command:?}");
        assert_eq!(
            in_path(&["--path", "older", "--path", "old/below"]),
            set(&["shop.mp4", "yard.mp4"]),
            "{command:?}"
        );
        assert_eq!(in_path(&["--path", "nowhere"]), BTreeSet::new(), "{command:?}");
    }
}
