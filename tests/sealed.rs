//! An archive that cannot read what it holds: sealed by `age` for a key that the sending machine does not have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::archive::{
    NIGHT, archive_to, bundles, killed_while_sending, processed, restore, with_footage, with_large_footage,
};
use crate::support::cold::{Cold, Kind};
use crate::support::media::{contents, files_under, finished, sha256};
use crate::support::{Nightreel, Seen};

/// A key that `age-keygen` made: the public one, and the file with the secret one.
pub(crate) struct Key {
    pub(crate) public: String,
    file: PathBuf,
}

impl Key {
    pub(crate) fn make(nightreel: &Nightreel, name: &str) -> Self {
        let file = nightreel.path(name);
        let made = Command::new("age-keygen").arg("-o").arg(&file).output().expect("`age` is installed");
        assert!(made.status.success(), "{made:?}");
        let text = fs::read_to_string(&file).unwrap();
        let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
        Self { public, file }
    }

    pub(crate) fn seals(&self) -> String {
        format!("recipients = [\"{}\"]\n", self.public)
    }

    pub(crate) fn opens(&self) -> String {
        format!("identity_file = \"{}\"\n", self.file.display())
    }

    fn open(&self, sealed: &Path) -> Vec<u8> {
        let opened = Command::new("age").arg("-d").arg("-i").arg(&self.file).arg(sealed).output().unwrap();
        assert!(opened.status.success(), "{opened:?}");
        opened.stdout
    }
}

#[test]
fn a_sealed_bundle_can_be_read_by_tar_and_age_alone() {
    let nightreel = with_footage(2);
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    let key = Key::make(&nightreel, "key");
    let before = contents(&nightreel.root());
    archive_to(&nightreel, &cold, &key.seals());
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(
        finished(&processed(&nightreel)),
        Vec::<PathBuf>::new(),
        "the secret key is not needed to send"
    );
    let file = &files_under(&nightreel.path("cold")).pop_first().unwrap();
    let out = nightreel.path("out");
    fs::create_dir(&out).unwrap();

    assert!(Command::new("tar").arg("-xf").arg(file).arg("-C").arg(&out).status().unwrap().success());

    let index: Value = serde_json::from_slice(&fs::read(out.join("nightreel-index.json")).unwrap()).unwrap();
    assert_eq!(index["recipients"], serde_json::json!([key.public]));
    let whole = fs::read(file).unwrap();
    for member in index.list("members") {
        let name = member["name"].as_str().unwrap();
        let sealed = out.join(name);
        assert_eq!(member["sha256"], sha256(&sealed));
        let offset = member["offset"].as_u64().unwrap() as usize;
        let length = member["length"].as_u64().unwrap() as usize;
        assert_eq!(fs::read(&sealed).unwrap(), whole[offset..offset + length], "ranged reads find it");
        let opened = out.join(name.strip_suffix(".age").unwrap());
        fs::write(&opened, key.open(&sealed)).unwrap();
        assert_eq!(sha256(&opened), before[&processed(&nightreel).join(opened.file_name().unwrap())]);
        assert_eq!(member["plain"]["sha256"], sha256(&opened));
    }
    assert_eq!(index.list("members").len(), 6);
}

/// Sends sealed footage away, fails to bring it back without the key, and brings it back with it.
fn sealed_and_back(nightreel: &Nightreel, cold: &Cold) {
    let (key, other) = (Key::make(nightreel, "key"), Key::make(nightreel, "other"));
    let before = contents(&nightreel.root());
    archive_to(nightreel, cold, &key.seals());
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(nightreel.run(&["archive", "verify", "--all", "--json"]).with_code(0).json()["read"], 1);
    let id = bundles(nightreel)[0]["id"].to_string();
    assert!(nightreel.run(&["archive", "show", &id]).with_code(0).stdout.contains(&key.public));

    restore(nightreel, &[]).with_code(1).telling(&[&key.public, "archive.identity_file"]);
    archive_to(nightreel, cold, &format!("{}{}", key.seals(), other.opens()));
    restore(nightreel, &[]).with_code(1).telling(&[&key.public, other.file.to_str().unwrap()]);
    nightreel.run(&["doctor"]).stdout.lines().find(|line| line.contains("the secret key of none")).unwrap();
    nightreel.verify();
    assert_eq!(nightreel.status()["segments"]["archived"], 3, "nothing is lost");

    // Bundles of today are for another key: those of before are opened all the same.
    archive_to(nightreel, cold, &format!("{}{}", other.seals(), key.opens()));
    let one_minute = ["--camera", "gate", "--from", "2026-11-22T22:00:06Z", "--to", "2026-11-22T22:00:07Z"];
    nightreel.run(&[&["restore"][..], &one_minute].concat()).with_code(0);
    let file = processed(nightreel).join("segment_20261122_220006.mp4");
    assert_eq!(finished(&processed(nightreel)), std::slice::from_ref(&file));
    assert_eq!(sha256(&file), before[&file]);
    nightreel.run(&[&["restore"], &NIGHT[..], &["--out", "evidence"]].concat()).with_code(0);
    for (file, hash) in before.iter().filter(|(file, _)| file.starts_with(processed(nightreel))) {
        let copy = nightreel.path("evidence").join(file.file_name().unwrap());
        assert_eq!(sha256(&copy), *hash, "{}", copy.display());
    }
    nightreel.verify();
}

#[test]
fn footage_goes_sealed_to_a_folder_and_comes_back_for_who_has_the_key() {
    let nightreel = with_footage(3);
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    sealed_and_back(&nightreel, &cold);
}

#[test]
fn footage_goes_sealed_to_a_bucket_and_comes_back_for_who_has_the_key() {
    let nightreel = with_footage(3);
    let Some(cold) = Cold::start(Kind::S3, &nightreel) else { return };
    sealed_and_back(&nightreel, &cold);
}

#[test]
fn killed_while_it_sends_sealed_it_sends_anew_and_mixes_no_two_tries() {
    let nightreel = with_large_footage();
    let cold = Cold::start(Kind::Folder, &nightreel).unwrap();
    let key = Key::make(&nightreel, "key");
    let keys = format!("{}{}", key.seals(), key.opens());
    killed_while_sending(&nightreel, &cold, &keys, |cold| cold.unfinished() == 1);
    let nightreel = with_footage(2);
    let Some(cold) = Cold::start(Kind::S3, &nightreel) else { return };
    killed_while_sending(&nightreel, &cold, &keys, |cold| cold.objects() == 1);
}
