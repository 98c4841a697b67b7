//! The archive: bundles go out, are verified, and come back; nothing local goes before.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::azurite::AzureLogin;
use crate::support::cold::{Cold, Kind};
use crate::support::media::{contents, files_under, finished, let_rest, put_segments, sha256};
use crate::support::moto::Moto;
use crate::support::{Nightreel, PATIENCE, Seen, eventually, sidecar_beside};

const BLIND: &str = "[detect]\nenabled = false\n";
/// All of the footage of these stories.
pub(crate) const NIGHT: [&str; 6] =
    ["--camera", "gate", "--from", "2026-11-22T22:00:00Z", "--to", "2026-11-22T23:00:00Z"];

/// A root with processed segments of one hour.
pub(crate) fn with_footage(count: u32) -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!("{BLIND}[retention]\nafter_processing = \"move\"\n"));
    put_segments(&nightreel.root(), count);
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel
}

pub(crate) fn archive_to(nightreel: &Nightreel, cold: &Cold, keys: &str) {
    let retention = "[retention]\nafter_processing = \"archive\"\n";
    nightreel.configure(&format!("{BLIND}{retention}{}{keys}", cold.section()));
}

pub(crate) fn processed(nightreel: &Nightreel) -> PathBuf {
    nightreel.root().join("gate/processed")
}

pub(crate) fn restore(nightreel: &Nightreel, more: &[&str]) -> crate::support::Outcome {
    nightreel.run(&[&["restore"], &NIGHT[..], more].concat())
}

pub(crate) fn bundles(nightreel: &Nightreel) -> Vec<Value> {
    nightreel.run(&["archive", "list", "--json"]).with_code(0).json_lines()
}

/// Sends footage away and brings it back.
fn there_and_back(nightreel: &Nightreel, cold: &Cold) {
    archive_to(nightreel, cold, "");
    let before = contents(&nightreel.root());
    let (nothing_yet, asked) = (cold.objects(), cold.requests());

    let planned = nightreel.run(&["retain", "--dry-run", "--json"]).with_code(0).json();

    assert!(planned.list("plan").iter().all(|entry| entry["verdict"] == "archive"), "{planned}");
    assert_eq!(contents(&nightreel.root()), before, "a dry run touches nothing");
    assert_eq!((cold.requests(), cold.objects()), (asked, nothing_yet), "and sends nothing");

    let done = nightreel.run(&["retain"]).with_code(0);

    assert!(done.stdout.contains("3 segments in 1 bundles"), "{}", done.stdout);
    assert_eq!(cold.objects(), nothing_yet + 1);
    assert_eq!(finished(&processed(nightreel)), Vec::<PathBuf>::new(), "local copies are gone");
    assert_eq!(nightreel.status()["segments"]["archived"], 3);
    nightreel.verify();
    let gone = nightreel.run(&["why", "gate/segment_20261122_220006.mp4", "--json"]).with_code(0).json();
    assert!(
        gone["archived"]["bundle"].as_str().unwrap().contains("gate") && gone["restored"].is_null(),
        "{gone}"
    );
    assert_eq!(gone["deletion"]["why"], "in the archive");
    let [bundle] = &bundles(nightreel)[..] else { panic!("one bundle") };
    assert_eq!((&bundle["segments"], &bundle["state"]), (&3.into(), &"stored".into()));
    let verified = nightreel.run(&["archive", "verify", "--all", "--json"]).with_code(0).json();
    assert_eq!(verified["read"], 1);
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(cold.objects(), nothing_yet + 1, "it is sent once");

    let one_minute = ["--camera", "gate", "--from", "2026-11-22T22:00:06Z", "--to", "2026-11-22T22:00:07Z"];
    let back = nightreel.run(&[&["restore"][..], &one_minute, &["--json"]].concat()).with_code(0).json();

    assert_eq!(back["restored"], serde_json::json!(["gate/processed/segment_20261122_220006.mp4"]));
    let file = processed(nightreel).join("segment_20261122_220006.mp4");
    assert_eq!(sha256(&file), before[&file]);
    assert!(sidecar_beside(&file).exists());
    nightreel.verify();
    let told = nightreel.run(&["why", file.to_str().unwrap()]).with_code(0).stdout;
    assert!(
        told.contains("archived  ") && told.contains("restored  ") && !told.contains("deleted  "),
        "{told}"
    );

    restore(nightreel, &["--process"]).with_code(0);
    assert_eq!(contents(&nightreel.root()).len(), before.len());
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(finished(&processed(nightreel)).len(), 3, "what was restored stays for a while");
    nightreel.verify();
}

/// Does it with three minutes, unless the store's server is not installed.
fn three_minutes_there_and_back(kind: Kind) {
    let nightreel = with_footage(3);
    if let Some(cold) = Cold::start(kind, &nightreel) {
        there_and_back(&nightreel, &cold);
    }
}

#[test]
fn footage_goes_to_a_folder_and_comes_back() {
    three_minutes_there_and_back(Kind::Folder);
}

#[test]
fn footage_goes_to_a_bucket_of_amazon_and_comes_back() {
    three_minutes_there_and_back(Kind::S3);
}

#[test]
fn footage_goes_to_a_bucket_of_google_and_comes_back() {
    three_minutes_there_and_back(Kind::Gcs);
}

#[test]
fn footage_goes_to_a_container_of_azure_and_comes_back() {
    three_minutes_there_and_back(Kind::Azure(AzureLogin::Key));
}

#[test]
fn footage_goes_to_a_container_by_a_signature_and_comes_back() {
    three_minutes_there_and_back(Kind::Azure(AzureLogin::Signature));
}

#[test]
fn a_bundle_can_be_read_by_tar_alone() {
    let nightreel = with_footage(2);
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    let before = contents(&nightreel.root());
    archive_to(&nightreel, &cold, "");
    nightreel.run(&["retain"]).with_code(0);
    let files = files_under(&nightreel.path("cold"));
    let bundle = files.iter().find(|file| file.extension().is_some_and(|e| e == "tar")).unwrap();
    assert!(bundle.to_str().unwrap().contains(&sha256(bundle)), "its name tells what it holds");
    let out = nightreel.path("out");
    fs::create_dir(&out).unwrap();

    assert!(Command::new("tar").arg("-xf").arg(bundle).arg("-C").arg(&out).status().unwrap().success());

    let index: Value = serde_json::from_slice(&fs::read(out.join("nightreel-index.json")).unwrap()).unwrap();
    let whole = fs::read(bundle).unwrap();
    for member in index.list("members") {
        let name = member["name"].as_str().unwrap();
        let extracted = out.join(name);
        assert_eq!(sha256(&extracted), before[&processed(&nightreel).join(name)]);
        assert_eq!(member["sha256"], sha256(&extracted));
        let offset = member["offset"].as_u64().unwrap() as usize;
        let length = member["length"].as_u64().unwrap() as usize;
        assert_eq!(fs::read(&extracted).unwrap(), whole[offset..offset + length], "ranged reads find it");
    }
    assert_eq!(index.list("members").len(), 6);
}

/// Archives a large bundle slowly, is killed in the middle of it, and archives anew.
pub(crate) fn killed_while_sending(
    nightreel: &Nightreel,
    cold: &Cold,
    keys: &str,
    reached: fn(&Cold) -> bool,
) {
    let before = contents(&nightreel.root());
    // A part goes out at once, and the next long after.
    archive_to(nightreel, cold, &format!("part_mb = 6\nmax_mbit_s = 0.01\n{keys}"));
    let mut sending = nightreel.start(&["retain"]);
    eventually("the moment of the kill", PATIENCE, || reached(cold).then_some(()));
    assert!(sending.kill(), "it ended too soon: {}", sending.said());
    assert_eq!(contents(&nightreel.root()), before, "nothing local went");

    archive_to(nightreel, cold, keys);
    for _ in 0..2 {
        nightreel.run(&["retain"]).with_code(0);
    }

    assert_eq!((cold.objects(), cold.unfinished()), (1, 0));
    assert_eq!(finished(&processed(nightreel)), Vec::<PathBuf>::new());
    nightreel.verify();
    restore(nightreel, &[]).with_code(0);
    for (file, hash) in before.iter().filter(|(file, _)| file.extension().is_some_and(|e| e == "mp4")) {
        assert_eq!(sha256(file), *hash, "{}", file.display());
    }
}

/// Large enough for several parts: the tail that players pass over is made longer.
pub(crate) fn with_large_footage() -> Nightreel {
    let nightreel = with_footage(0);
    put_segments(&nightreel.root(), 2);
    for file in finished(&nightreel.root().join("gate")) {
        let mut grown = fs::OpenOptions::new().append(true).open(&file).unwrap();
        let length: u32 = 5_000_000;
        grown
            .write_all(&[&length.to_be_bytes()[..], b"free", &vec![0; length as usize - 8]].concat())
            .unwrap();
        drop(grown);
        let_rest(&file);
    }
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel
}

const EVERY_STORE: [Kind; 4] = [Kind::Folder, Kind::S3, Kind::Gcs, Kind::Azure(AzureLogin::Key)];

#[test]
fn killed_between_two_parts_it_sends_anew_and_leaves_nothing_half_sent() {
    for kind in EVERY_STORE {
        let nightreel = with_large_footage();
        if let Some(cold) = Cold::start(kind, &nightreel) {
            killed_while_sending(&nightreel, &cold, "", |cold| cold.unfinished() == 1);
        }
    }
}

#[test]
fn killed_before_the_catalogue_knows_it_is_sent_it_is_not_sent_again() {
    for kind in EVERY_STORE {
        let nightreel = with_footage(2);
        if let Some(cold) = Cold::start(kind, &nightreel) {
            killed_while_sending(&nightreel, &cold, "", |cold| cold.objects() == 1);
        }
    }
}

#[test]
fn what_is_frozen_is_asked_for_and_comes_back_when_it_has_thawed() {
    for (kind, class) in [(Kind::S3, "DEEP_ARCHIVE"), (Kind::Azure(AzureLogin::Key), "Archive")] {
        let nightreel = with_footage(1);
        if let Some(cold) = Cold::start(kind, &nightreel) {
            frozen_and_thawed(&nightreel, &cold, class);
        }
    }
}

fn frozen_and_thawed(nightreel: &Nightreel, cold: &Cold, class: &str) {
    // Azurite thaws at once.
    if let Cold::Moto(moto) = cold {
        moto.thaw_after(2);
    }
    archive_to(nightreel, cold, &format!("storage_class = \"{class}\"\n"));
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(bundles(nightreel)[0]["storage_class"], class);
    let verified = nightreel.run(&["archive", "verify", "--all", "--json"]).with_code(0).json();
    assert_eq!((&verified["read"], &verified["frozen"]), (&0.into(), &1.into()));

    let asked = restore(nightreel, &["--json"]).with_code(1).json();

    assert_eq!((asked.list("restored").len(), asked.list("thawing").len()), (0, 1));
    let thawing = nightreel.run(&["archive", "list"]).with_code(0);
    assert!(thawing.stdout.contains("thawing"), "it is remembered: {}", thawing.stdout);
    eventually("the thaw", PATIENCE, || (restore(nightreel, &[]).status.code() == Some(0)).then_some(()));
    assert_eq!(finished(&processed(nightreel)).len(), 1);
    // Of Azure it stays thawed.
    assert_eq!(bundles(nightreel)[0]["thawed_until"].is_null(), matches!(cold, Cold::Azurite(_)));
    assert!(!nightreel.run(&["archive", "list"]).stdout.contains("thawing"));
    nightreel.verify();
}

#[test]
fn what_google_keeps_coldest_is_read_at_once() {
    let nightreel = with_footage(1);
    let Some(cold) = Cold::start(Kind::Gcs, &nightreel) else { return };
    archive_to(&nightreel, &cold, "storage_class = \"ARCHIVE\"\n");
    nightreel.run(&["retain"]).with_code(0).telling(&["reading out of `ARCHIVE` costs"]);
    let Cold::Moto(moto) = &cold else { panic!("moto stands for Google's") };
    assert!(moto.said().contains("stored as ARCHIVE"));
    restore(&nightreel, &[]).with_code(0);
    assert_eq!(finished(&processed(&nightreel)).len(), 1);
}

#[test]
fn an_archive_out_of_reach_costs_no_footage_and_says_why() {
    let nightreel = with_footage(1);
    let before = contents(&nightreel.root());
    let unused = "[archive]\nurl = \"s3://cold\"\nendpoint = \"http://127.0.0.1:9\"\nallow_http = true\n\
                  access_key_id = \"a\"\nsecret_access_key = \"b\"\n";
    let missing = format!("[archive]\nurl = \"file://{}\"\n", nightreel.path("unmounted").display());
    let refusing = Moto::refusing(Path::new(env!("CARGO_MANIFEST_DIR"))).map(Cold::Moto);
    let strange = Cold::start(Kind::Azure(AzureLogin::WrongKey), &nightreel);
    let mut cases = vec![(unused.to_owned(), "cannot look at"), (missing, "is its disk mounted?")];
    cases.extend(
        [&refusing, &strange].into_iter().flatten().map(|cold| (cold.section(), "the store refuses")),
    );
    for (section, why) in cases {
        nightreel.configure(&format!("{BLIND}[retention]\nafter_processing = \"archive\"\n{section}"));
        nightreel.run(&["retain"]).with_code(1).telling(&[why]);
        assert_eq!(contents(&nightreel.root()), before, "{why}");
        assert!(nightreel.run(&["doctor"]).with_code(1).stdout.contains("FAULT   archive"), "{why}");
        nightreel.verify();
    }
}

#[test]
fn copies_go_into_another_folder_and_replace_nothing() {
    let nightreel = with_footage(2);
    let before = contents(&nightreel.root());
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    archive_to(&nightreel, &cold, "");
    nightreel.run(&["retain"]).with_code(0);
    let held = contents(&nightreel.root());

    restore(&nightreel, &["--out", "evidence"]).with_code(0);

    assert_eq!(contents(&nightreel.root()), held, "the media folder is left as it is");
    for (file, hash) in before.iter().filter(|(file, _)| file.starts_with(processed(&nightreel))) {
        let copy = nightreel.path("evidence").join(file.file_name().unwrap());
        assert_eq!(sha256(&copy), *hash);
    }
    restore(&nightreel, &["--out", "evidence"]).with_code(1).telling(&["is taken"]);
    restore(&nightreel, &["--dry-run"]).with_code(0);
    assert_eq!(nightreel.status()["segments"]["archived"], 2);
}
