//! A folder of old footage, processed without a camera and without a config.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::media::files_under;
use crate::support::{Clip, Nightreel, PATIENCE, Seen, assert_sidecar, eventually, footage, sidecar_beside};

/// A folder `old` with one file and one in a folder below it; six seconds each, so frames 0 and 30 are looked at.
fn old_footage(nightreel: &Nightreel) -> [PathBuf; 2] {
    let clip = footage(Clip::default());
    [nightreel.copy_in(&clip, "old/gate.mp4"), nightreel.copy_in(&clip, "old/below/yard.mp4")]
}

#[test]
fn writes_a_sidecar_beside_each_file_and_leaves_the_file_as_it_was() {
    let nightreel = Nightreel::new();
    let files = old_footage(&nightreel);
    let before = files.each_ref().map(|file| fs::read(file).unwrap());

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"], json!({"processed": 2, "skipped": 0, "failed": 0}));
    assert_eq!(summary["samples"], 4);
    assert_eq!(summary["calls"], 0);
    assert_eq!(summary["failures"], json!([]));
    let mut persons = 0;
    for file in &files {
        let sidecar = assert_sidecar(&sidecar_beside(file));
        assert_eq!(sidecar["segment"]["camera"], Value::Null);
        assert_eq!(sidecar["segment"]["file"], file.file_name().unwrap().to_str().unwrap());
        assert_eq!(sidecar["segment"]["frames"], 60);
        assert_eq!(sidecar.frames(), [0, 30]);
        persons += sidecar.count("person");
    }
    assert!(persons >= 8, "each of the four samples shows three people or more: {persons}");
    assert_eq!(summary["objects"]["person"], persons);
    assert_eq!(files.each_ref().map(|file| fs::read(file).unwrap()), before);
}

#[test]
fn skips_on_a_second_run_what_the_first_finished() {
    let nightreel = Nightreel::new();
    let files = old_footage(&nightreel);
    nightreel.run(&["process", "old", "--json"]).with_code(0);
    let sidecars = files.each_ref().map(|file| fs::read(sidecar_beside(file)).unwrap());

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"], json!({"processed": 0, "skipped": 2, "failed": 0}));
    assert_eq!(files.each_ref().map(|file| fs::read(sidecar_beside(file)).unwrap()), sidecars);
}

#[test]
fn writes_a_missing_sidecar_again_without_looking_again() {
    let nightreel = Nightreel::new();
    let [file, _] = old_footage(&nightreel);
    nightreel.run(&["process", "old"]).with_code(0);
    let before = fs::read(sidecar_beside(&file)).unwrap();
    fs::remove_file(sidecar_beside(&file)).unwrap();

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"], json!({"processed": 0, "skipped": 2, "failed": 0}));
    assert_eq!(fs::read(sidecar_beside(&file)).unwrap(), before);
}

#[test]
fn reports_files_that_are_no_video_leaves_them_alone_and_does_the_rest() {
    let nightreel = Nightreel::new();
    let [file, _] = old_footage(&nightreel);
    let whole = fs::read(&file).unwrap();
    let broken: [(&str, &[u8]); 3] =
        [("cut.mp4", &whole[..whole.len() / 2]), ("empty.mp4", b""), ("text.mkv", b"a shopping list")];
    for (name, bytes) in broken {
        fs::write(nightreel.path("old").join(name), bytes).unwrap();
    }

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(1).json();

    assert_eq!(summary["segments"], json!({"processed": 2, "skipped": 0, "failed": 3}));
    let failures = summary["failures"].as_array().unwrap();
    for (name, bytes) in broken {
        let failure = failures.iter().find(|failure| failure["file"].as_str().unwrap().ends_with(name));
        let reason = failure.unwrap_or_else(|| panic!("{name} is not in {failures:?}"))["reason"].as_str();
        assert!(!reason.unwrap().is_empty(), "{name} has no reason");
        let path = nightreel.path("old").join(name);
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name} was touched");
        assert!(!sidecar_beside(&path).exists(), "{name} has results");
    }
    assert_sidecar(&sidecar_beside(&file));
}

#[test]
fn keeps_results_under_out_by_relative_path_and_nothing_else_there() {
    let nightreel = Nightreel::new();
    old_footage(&nightreel);
    let before = files_under(&nightreel.path("old"));

    nightreel.run(&["process", "old", "--out", "results"]).with_code(0);

    let results = ["results/gate.mp4.json", "results/below/yard.mp4.json"].map(|path| nightreel.path(path));
    for sidecar in &results {
        assert_sidecar(sidecar);
    }
    let written = files_under(&nightreel.path("results"));
    let sidecars: BTreeSet<_> = written
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .collect();
    assert_eq!(sidecars, results.into());
    assert_eq!(files_under(&nightreel.path("old")), before);
}

#[test]
fn takes_every_container_and_codec_that_recorders_write() {
    let nightreel = Nightreel::new();
    let h264: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-g", "20"];
    let h265: &[&str] =
        &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=20"];
    let cases = [
        ("mkv", h265, "hevc"),
        ("ts", h264, "h264"),
        ("mov", h264, "h264"),
        ("avi", &["-c:v", "mpeg4"], "mpeg4"),
    ];
    for (extension, encoder, _) in cases {
        let clip = footage(Clip { seconds: 4, extension, encoder, ..Clip::default() });
        nightreel.copy_in(&clip, format!("old/clip.{extension}"));
    }

    let summary = nightreel.run(&["process", "old", "--json"]).with_code(0).json();

    assert_eq!(summary["segments"], json!({"processed": 4, "skipped": 0, "failed": 0}));
    for (extension, _, codec) in cases {
        let sidecar = assert_sidecar(&nightreel.path(format!("old/clip.{extension}.json")));
        assert_eq!(sidecar["segment"]["codec"], codec, "{extension}");
        assert_eq!(sidecar["segment"]["frames"], 40, "{extension}");
        assert_eq!(sidecar.frames(), [0, 30], "{extension}");
    }
}

#[test]
fn reads_the_start_from_metadata_else_the_name_else_the_modification_time() {
    let nightreel = Nightreel::new();
    let plain = footage(Clip::default());
    let stamped = footage(Clip {
        encoder: &[
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-metadata",
            "creation_time=2026-03-04T05:06:07Z",
        ],
        ..Clip::default()
    });
    nightreel.copy_in(&stamped, "old/segment_20260102_030405.mp4");
    nightreel.copy_in(&plain, "old/segment_20260102_030406.mp4");
    let unnamed = nightreel.copy_in(&plain, "old/holiday.mp4");
    let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_606);
    fs::File::options().append(true).open(unnamed).unwrap().set_modified(written).unwrap();

    nightreel.run(&["process", "old"]).with_code(0);

    for (name, start, source) in [
        ("segment_20260102_030405.mp4", "2026-03-04T05:06:07", "metadata"),
        ("segment_20260102_030406.mp4", "2026-01-02T03:04:06", "name"),
        ("holiday.mp4", "2026-01-01T00:00:00", "mtime"),
    ] {
        let segment = &assert_sidecar(&nightreel.path(format!("old/{name}.json")))["segment"];
        assert_eq!(segment["start_source"], source, "{name}");
        assert!(segment["start"].as_str().unwrap().starts_with(start), "{name}: {segment}");
    }
}

#[test]
fn moves_what_is_done_into_processed_beside_it_when_asked_to() {
    let nightreel = Nightreel::new();
    let files = old_footage(&nightreel);
    let text = nightreel.write("old/text.mkv", "a shopping list");

    let summary = nightreel.run(&["process", "old", "--move", "--json"]).with_code(1).json();

    assert_eq!(summary["segments"], json!({"processed": 2, "skipped": 0, "failed": 1}));
    for file in files {
        let moved = file.parent().unwrap().join("processed").join(file.file_name().unwrap());
        assert!(!file.exists() && moved.exists(), "{}", moved.display());
        assert_sidecar(&sidecar_beside(&moved));
        assert!(!sidecar_beside(&file).exists(), "its sidecar went with it");
    }
    assert!(text.exists(), "what failed is left alone");
    let again = nightreel.run(&["process", "old", "--move", "--json"]).with_code(1).json();
    assert_eq!(again["segments"], json!({"processed": 0, "skipped": 0, "failed": 1}));
}

#[test]
fn goes_on_where_it_was_killed() {
    let nightreel = Nightreel::new();
    let files = [0, 6, 12, 18].map(|from_s| {
        let clip = footage(Clip { from_s, ..Clip::default() });
        nightreel.copy_in(&clip, format!("old/{from_s}.mp4"))
    });
    let done = || files.iter().filter(|file| sidecar_beside(file).exists()).count();
    let mut run = nightreel.start(&["process", "old", "--every", "15"]);
    eventually("the first sidecar", PATIENCE, || (done() > 0).then_some(()));
    assert!(run.kill(), "it ended too soon");

    let summary = nightreel.run(&["process", "old", "--every", "15", "--json"]).with_code(0).json();

    let segments = &summary["segments"];
    let all = segments["processed"].as_u64().unwrap() + segments["skipped"].as_u64().unwrap();
    assert_eq!((all, &segments["failed"]), (4, &json!(0)));
    for file in &files {
        assert_eq!(assert_sidecar(&sidecar_beside(file)).frames(), [0, 15, 30, 45]);
    }
    let third = nightreel.run(&["process", "old", "--every", "15", "--json"]).with_code(0).json();
    assert_eq!(third["segments"], json!({"processed": 0, "skipped": 4, "failed": 0}));
}
