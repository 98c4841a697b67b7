//! Tests of stores: whose keys go with which URL, and what follows from a storage class.

use super::{CAMERA, STORAGE, load, refused};
use crate::StorePlace;

#[test]
fn refuses_stores_with_the_keys_of_another_provider() {
    refused(
        STORAGE,
        &[
            ("[archive]\nurl = 'gs://b'\nregion = 'x'", 5, "`archive.region`: has no effect with `gs://`"),
            (
                "[archive]\nurl = 's3://b'\naccount = 'footage'",
                5,
                "`archive.account`: has no effect with `s3://`",
            ),
            ("[archive]\nurl = 'az://c'", 3, "`archive.account`: is missing"),
            (
                "[archive]\nurl = 'az://c'\naccount = 'my-footage'",
                5,
                "`archive.account`: must be the name of a storage account",
            ),
            (
                "[archive]\nurl = 'az://c@footage'\naccount = 'footage'",
                4,
                "`archive.url`: must not carry credentials: use `account`",
            ),
            (
                "[archive]\nurl = 'az://c'\naccount = 'footage'\naccount_key = 'a'\nsas_token = 'b'",
                7,
                "`archive.sas_token`: is given beside `account_key`; keep one",
            ),
            (
                "[archive]\nurl = 'az://c'\naccount = 'footage'\nstorage_class = 'ARCHIVE'",
                6,
                "`archive.storage_class`: must be `Hot` or `Cool` or `Cold` or `Archive`; did you mean `Archive`?",
            ),
            (
                "[archive]\nurl = 'gs://b'\nstorage_class = 'GLACIER'",
                5,
                "`archive.storage_class`: must be `STANDARD` or `NEARLINE`",
            ),
            (
                "[archive]\nurl = 'az://c'\naccount = 'footage'\nthaw_tier = 'bulk'",
                6,
                "`archive.thaw_tier`: must be `standard` or `expedited`",
            ),
            (
                "[archive]\nurl = 'az://c'\naccount = 'footage'\nstorage_class = 'Archive'\nread_back = true",
                7,
                "`archive.read_back`: cannot be: what is in this class must be thawed first",
            ),
        ],
    );
}

#[test]
fn stores_of_all_providers_are_told_apart_by_their_address() {
    for (text, address) in [
        ("url = 's3://b/night/'", "s3://b/night"),
        ("url = 'gs://b/night'\nendpoint = 'https://h'", "gs://b/night"),
        ("url = 'az://c/night'\naccount = 'footage'", "az://c@footage/night"),
        ("url = 'file:///mnt/cold'", "file:///mnt/cold"),
    ] {
        let settings = load(&format!("{STORAGE}[archive]\n{text}")).unwrap();
        assert_eq!(settings.archive.unwrap().address(), address);
    }
}

#[test]
fn no_secret_of_a_store_is_shown() {
    let text = "url = 'az://c'\naccount = 'footage'\nsas_token = 'sv=1&sig=hunter2'";
    let archive = load(&format!("{STORAGE}[archive]\n{text}")).unwrap().archive.unwrap();
    assert!(matches!(&archive.place, StorePlace::Azure(place) if place.login.is_some()));
    assert!(!format!("{archive:?}").contains("hunter2"));
}

#[test]
fn a_class_tells_whether_it_freezes_how_long_it_bills_and_whether_bundles_are_read_again() {
    let (amazon, other) = ("url = 's3://b'", "url = 's3://b'\nendpoint = 'https://h'");
    let (google, azure) = ("url = 'gs://b'", "url = 'az://c'\naccount = 'footage'");
    for (store, class, expected) in [
        (amazon, "", (false, 0, false)),
        (other, "", (false, 0, true)),
        (amazon, "STANDARD_IA", (false, 30, false)),
        (other, "STANDARD_IA", (false, 30, false)),
        (amazon, "DEEP_ARCHIVE", (true, 180, false)),
        (google, "", (false, 0, true)),
        (google, "STANDARD", (false, 0, true)),
        (google, "COLDLINE", (false, 90, false)),
        (google, "ARCHIVE", (false, 365, false)),
        (azure, "", (false, 0, true)),
        (azure, "Hot", (false, 0, true)),
        (azure, "Cold", (false, 90, false)),
        (azure, "Archive", (true, 180, false)),
    ] {
        let class = if class.is_empty() { String::new() } else { format!("storage_class = '{class}'\n") };
        let archive = load(&format!("{STORAGE}[archive]\n{store}\n{class}")).unwrap().archive.unwrap();
        assert_eq!((archive.is_frozen(), archive.min_days(), archive.read_back), expected, "{store} {class}");
    }
}

#[test]
fn a_rule_names_a_class_that_the_store_knows() {
    let rule = "[[retention.rule]]\ncameras = ['gate']\nstorage_class = 'GLACIER'\n";
    refused(
        STORAGE,
        &[
            (rule, 5, "`retention.rule[0].storage_class`: needs the section `[archive]`"),
            (
                &format!("{rule}[archive]\nurl = 'gs://b'"),
                5,
                "`retention.rule[0].storage_class`: must be `STANDARD` or `NEARLINE`",
            ),
            (
                &format!("{rule}[archive]\nurl = 'file:///mnt/cold'"),
                5,
                "`retention.rule[0].storage_class`: has no effect for a folder",
            ),
        ],
    );
    let settings = load(&format!("{STORAGE}{rule}[archive]\nurl = 's3://b'\n")).unwrap();
    assert_eq!(settings.retention.storage_classes().into_iter().collect::<Vec<_>>(), ["GLACIER"]);
}

#[test]
fn what_a_rule_puts_into_another_class_is_read_again_only_where_that_is_free_and_can_be() {
    let other = "url = 's3://b'\nendpoint = 'https://h'";
    let usual = load(&format!("{STORAGE}[archive]\n{other}\n")).unwrap().archive.unwrap();
    assert!(usual.in_class(None).read_back);
    for (class, expected) in
        [("STANDARD", (false, 0, true)), ("STANDARD_IA", (false, 30, false)), ("GLACIER", (true, 90, false))]
    {
        let archive = usual.in_class(Some(class));
        assert_eq!((archive.is_frozen(), archive.min_days(), archive.read_back), expected, "{class}");
    }
}

#[test]
fn a_rule_whose_class_bills_for_longer_than_it_is_kept_is_warned_of() {
    let text = "[[retention.rule]]\ncameras = ['gate']\nstorage_class = 'DEEP_ARCHIVE'\n\
                [archive]\nurl = 's3://b'\nmax_age_days = 100\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nightreel.toml");
    std::fs::write(&file, format!("{STORAGE}{text}")).unwrap();
    let environment = crate::Environment::new(folder.path(), std::collections::BTreeMap::new()).unwrap();
    let warnings = crate::load(Some(&file), &environment).unwrap().warnings;
    assert!(
        warnings.iter().any(|text| text.contains("`DEEP_ARCHIVE` bills 180")) && warnings.len() == 1,
        "{warnings:?}"
    );
}

#[test]
fn snapshots_go_to_a_store_by_the_same_keys_where_a_camera_takes_any() {
    let camera = format!("{CAMERA}url = 'rtsp://h/a'\n");
    refused(
        &camera,
        &[("[snapshots]\nurl = 's3://b'", 6, "`snapshots`: has no effect: no camera has `snapshot_seconds`")],
    );
    let camera = format!("{camera}snapshot_seconds = 5\n");
    refused(
        &camera,
        &[
            ("[snapshots]", 7, "`snapshots.url`: is missing"),
            (
                "[snapshots]\nurl = 'az://c'\naccount = 'footage'\nregion = 'x'",
                10,
                "`snapshots.region`: has no effect with `az://`",
            ),
        ],
    );
    let settings = load(&format!("{camera}[snapshots]\nurl = 'gs://b/pictures'")).unwrap();
    assert_eq!(settings.snapshot_store.unwrap().address(), "gs://b/pictures");
}
