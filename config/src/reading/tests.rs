//! Tests of reading: types, unknown keys, and faults that come all at once.

use std::sync::Arc;

use super::*;
use crate::Origin;
use crate::raw::{RawSettings, keys};

fn faults_of(text: &str) -> Vec<String> {
    let mut faults = Faults::default();
    let mut table = tree::parse(text, &Arc::from("f.toml"), &mut faults);
    let origins = tree::origins(&table);
    let _: RawSettings = read(&mut table, &mut faults);
    faults.locate(&origins);
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn names_key_line_and_kind_of_each_value_of_a_wrong_type() {
    let cases = [
        ("storage = 1", "f.toml:1: `storage`: must be a section, but is a whole number"),
        ("[storage]\nroot = 5", "f.toml:2: `storage.root`: must be text in quotes, but is a whole number"),
        ("camera = {}", "f.toml:1: `camera`: must be a list, but is a section"),
        ("camera = [1]", "f.toml:1: `camera[0]`: must be a section, but is a whole number"),
        ("[[camera]]\naudio = 'yes'", "f.toml:2: `camera[0].audio`: must be `true` or `false`, but is text"),
        (
            "[[camera]]\npassword = 123",
            "f.toml:2: `camera[0].password`: must be text in quotes, but is a whole number",
        ),
        (
            "[process]\nworkers = 1.5",
            "f.toml:2: `process.workers`: must be a whole number, but is a decimal number",
        ),
        ("[process]\nwindows = '22:00-06:00'", "f.toml:2: `process.windows`: must be a list, but is text"),
        (
            "[process]\nwindows = [\n'22:00-06:00',\n7]",
            "f.toml:4: `process.windows[1]`: must be text in quotes, but is a whole number",
        ),
        (
            "[detect]\nmin_score = 2026-01-01",
            "f.toml:2: `detect.min_score`: must be a number, but is a date or time",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(faults_of(text), [expected], "{text}");
    }
}

#[test]
fn offers_the_nearest_key_for_an_unknown_one() {
    let cases = [
        ("[storage]\nrot = '/a'", "f.toml:2: `storage.rot`: there is no such key; did you mean `root`?"),
        ("[proces]", "f.toml:1: `proces`: there is no such key; did you mean `process`?"),
        (
            "[[camera]]\n[camera.lense]",
            "f.toml:2: `camera[0].lense`: there is no such key; did you mean `lens`?",
        ),
        (
            "[events]\nzzz = 1",
            "f.toml:2: `events.zzz`: there is no such key; here it can be one of gap_seconds, thumbnails_mb",
        ),
        (
            "[[camera]]\nrotate_deg = 90",
            "f.toml:2: `camera[0].rotate_deg`: this is planned, and this version cannot do it yet; take it out",
        ),
        (
            "[cluster]\nurl = 's3://a'",
            "f.toml:1: `cluster`: this is planned, and this version cannot do it yet; take it out",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(faults_of(text), [expected], "{text}");
    }
}

#[test]
fn tells_of_all_faults_at_once_in_the_order_of_the_file() {
    let text = "[storage]\nrot = '/a'\n[process]\nworkers = 'two'\nevery_nth_frame = true\n\
                [[camera]]\nid = 1\n[[camera]]\naudio = 0\nurll = ''";
    let lines: Vec<String> =
        faults_of(text).iter().map(|fault| fault.split(": ").take(2).collect()).collect();
    assert_eq!(
        lines,
        [
            "f.toml:2`storage.rot`",
            "f.toml:4`process.workers`",
            "f.toml:5`process.every_nth_frame`",
            "f.toml:7`camera[0].id`",
            "f.toml:9`camera[1].audio`",
            "f.toml:10`camera[1].urll`",
        ]
    );
}

#[test]
fn reads_texts_of_the_environment_as_the_type_that_the_key_has() {
    let origin = Origin::Environment("X".to_owned());
    let section = |entries: &[(&str, &str)]| Node {
        value: Value::Table(
            entries.iter().map(|(key, text)| ((*key).to_owned(), Node::loose(text, &origin))).collect(),
        ),
        origin: origin.clone(),
    };
    let mut table = Table::from([
        ("process".to_owned(), section(&[("workers", "3"), ("windows", "22:00-23:00, 01:00-02:00")])),
        ("detect".to_owned(), section(&[("min_score", "0.5"), ("enabled", "FALSE"), ("labels", "")])),
        ("storage".to_owned(), section(&[("root", "2026"), ("scan_seconds", "soon")])),
    ]);
    let mut faults = Faults::default();
    let raw: RawSettings = read(&mut table, &mut faults);
    assert_eq!(raw.process.workers, Some(3));
    assert_eq!(raw.process.windows, ["22:00-23:00", "01:00-02:00"]);
    assert_eq!((raw.detect.min_score, raw.detect.enabled, raw.detect.labels.len()), (0.5, false, 0));
    assert_eq!(raw.storage.root.as_deref(), Some("2026"));
    let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["`storage.scan_seconds`: must be a whole number, but is text"]);
}

#[test]
fn knows_every_key_of_every_section() {
    let keys = keys::all();
    for key in
        ["storage.root", "camera.password_env", "camera.lens.k", "camera.view.size", "vision.price.model"]
    {
        assert!(keys.iter().any(|known| known == key), "{key} in {keys:?}");
    }
}
