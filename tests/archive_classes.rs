//! A rule that names a storage class of its own: what it holds for goes there, and the rest where all goes.

use std::fs;

use crate::archive::{bundles, restore};
use crate::support::cold::{Cold, Kind};
use crate::support::media::{finished, let_rest, put_segments};
use crate::support::{Nightreel, Seen};

#[test]
fn each_rule_sends_into_its_class_and_only_what_is_frozen_must_thaw() {
    let nightreel = Nightreel::new();
    let Some(cold) = Cold::start(Kind::S3, &nightreel) else { return };
    if let Cold::Moto(moto) = &cold {
        moto.thaw_after(2);
    }
    put_segments(&nightreel.root(), 1);
    let yard = nightreel.root().join("yard");
    fs::create_dir(&yard).unwrap();
    for file in finished(&nightreel.root().join("gate")) {
        let copy = yard.join(file.file_name().unwrap());
        fs::copy(file, &copy).unwrap();
        let_rest(&copy);
    }
    let rules = "[detect]\nenabled = false\n[retention]\nafter_processing = \"archive\"\n\
                 [[retention.rule]]\ncameras = [\"gate\"]\nstorage_class = \"DEEP_ARCHIVE\"\n";
    nightreel.configure(&format!("{rules}{}storage_class = \"STANDARD\"\n", cold.section()));
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel.run(&["retain"]).with_code(0);

    let classes: Vec<_> = bundles(&nightreel)
        .iter()
        .map(|bundle| (bundle["camera"].clone(), bundle["storage_class"].clone()))
        .collect();
    assert_eq!(
        classes,
        [("gate".into(), "DEEP_ARCHIVE".into()), ("yard".into(), "STANDARD".into())],
        "each where its rule says"
    );
    assert_eq!(nightreel.status()["segments"]["archived"], 2);
    let frozen = restore(&nightreel, &["--json"]).with_code(1).json();
    assert_eq!((frozen.list("restored").len(), frozen.list("thawing").len()), (0, 1));
    let at_once = ["restore", "--camera", "yard", "--from", "2026-11-22T22:00:00Z", "--json"];
    assert_eq!(nightreel.run(&at_once).with_code(0).json().list("restored").len(), 1);
    nightreel.verify();
}
