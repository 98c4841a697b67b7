//! Runs over named files: no root, no camera, nothing moved unless asked for, and never twice the same work.

use std::path::PathBuf;
use std::time::Duration;

use catalog::{Catalog, Queue, SqliteQueue};
use nightreel_processor::AfterNamed;
use serde_json::Value;

use crate::home::{BLIND, Home, Told, clip, now, read_json, sidecar};

#[test]
fn a_second_run_skips_what_is_done_and_writes_a_missing_sidecar_again() {
    let home = Home::new("");
    let files = [home.put_clip("old/a.mp4"), home.put_clip("old/below/b.mp4")];
    let first = home.process_named(&[&home.path("old")], AfterNamed::Leave);
    assert_eq!(first.tally.segments.processed, 2);
    let text = std::fs::read(sidecar(&files[0])).unwrap();
    assert_eq!(read_json(&sidecar(&files[0]))["segment"]["camera"], Value::Null);
    std::fs::remove_file(sidecar(&files[0])).unwrap();

    let second = home.process_named(&[&home.path("old")], AfterNamed::Leave);

    assert_eq!(second.told, files.clone().map(Told::Skipped));
    assert_eq!(std::fs::read(sidecar(&files[0])).unwrap(), text);
    assert!(files.iter().all(|file| file.exists()));
}

#[test]
fn a_sidecar_of_another_profile_is_replaced_by_that_of_this_one() {
    let mut home = Home::new(BLIND);
    let file = home.put_clip("old/a.mp4");
    let every = |home: &mut Home, frames: u32| {
        home.settings.process.every_nth_frame = std::num::NonZeroU32::new(frames).unwrap();
        let heard = home.process_named(&[&file], AfterNamed::Leave);
        (heard.tally.segments, read_json(&sidecar(&file))["samples"].as_array().unwrap().len())
    };
    assert_eq!(every(&mut home, 30).1, 2);
    assert_eq!(every(&mut home, 10).1, 4);
    let (segments, samples) = every(&mut home, 30);
    assert_eq!((segments.skipped, samples), (1, 2));
}

#[test]
fn bad_files_are_told_left_alone_and_tried_again_by_the_next_run() {
    let home = Home::new(BLIND);
    let whole = std::fs::read(clip()).unwrap();
    let good = home.put_clip("old/good.mp4");
    let cut = home.put("old/cut.mp4", &whole[..whole.len() / 2]);
    let absent = home.path("old/absent.mp4");
    for _ in 0..2 {
        let heard = home.process_named(&[&home.path("old"), &absent], AfterNamed::Move);
        assert_eq!(heard.tally.segments.failed, 2, "{:?}", heard.told);
        assert!(heard.tally.failures.iter().any(|line| line.file == cut.to_str().unwrap()));
        assert_eq!(std::fs::read(&cut).unwrap(), &whole[..whole.len() / 2]);
        assert!(!sidecar(&cut).exists());
    }
    assert!(!good.exists() && home.path("old/processed/good.mp4.json").exists());
    // Whoever copies it again gets it looked at.
    home.put("old/cut.mp4", &whole);
    let heard = home.process_named(&[&home.path("old")], AfterNamed::Leave);
    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 0), "{:?}", heard.told);
}

#[test]
fn moved_files_take_their_sidecars_along_also_when_they_were_done_before() {
    let home = Home::new(BLIND);
    let files = [home.put_clip("old/a.mp4"), home.put_clip("old/b.mp4")];
    home.process_named(&[&files[0]], AfterNamed::Leave);
    let heard = home.process_named(&[&home.path("old")], AfterNamed::Move);
    assert_eq!((heard.tally.segments.processed, heard.tally.segments.skipped), (1, 1));
    for name in ["a.mp4", "b.mp4"] {
        let moved = home.path("old/processed").join(name);
        assert!(moved.exists() && sidecar(&moved).exists(), "{name}");
        assert!(!home.path("old").join(name).exists());
    }
    let again = home.process_named(&[&home.path("old/processed/a.mp4")], AfterNamed::Move);
    assert_eq!(again.told, [Told::Skipped(home.path("old/processed/a.mp4"))]);
}

#[test]
fn results_go_under_out_by_relative_path() {
    let home = Home::new(BLIND);
    let file = home.put_clip("old/below/a.mp4");
    let out = home.path("results");
    let heard = home.process_named_to(&[&home.path("old")], Some(&out), AfterNamed::Leave);
    assert_eq!(heard.tally.segments.processed, 1);
    assert!(out.join("below/a.mp4.json").exists() && !sidecar(&file).exists());
}

#[test]
fn a_folder_that_cannot_be_written_to_fails_its_files_and_no_others() {
    let home = Home::new(BLIND);
    let (good, bad) = (home.put_clip("good/a.mp4"), home.put_clip("bad/b.mp4"));
    std::fs::create_dir_all(sidecar(&bad).join("in the way")).unwrap();
    let heard = home.process_named(&[&home.path("bad"), &home.path("good")], AfterNamed::Leave);
    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 1));
    assert!(heard.tally.failures[0].reason.contains("`--out DIR`"), "{:?}", heard.tally.failures);
    assert!(sidecar(&good).exists());
}

#[test]
fn what_a_killed_run_had_in_hand_is_taken_up_by_the_next() {
    let home = Home::new(BLIND);
    let file = home.put_clip("old/a.mp4");
    {
        let killed = Catalog::open(&home.settings.storage.state_dir).unwrap();
        let stat = catalog::FileStat::of(&file.metadata().unwrap());
        let segment = killed.index_named_file(&file, stat, now()).unwrap();
        let queue = SqliteQueue::new(killed, 3).scoped();
        queue.offer(&[segment.id], now()).unwrap();
        assert_eq!(queue.lease(1, Duration::from_secs(1200), now()).unwrap().len(), 1);
    }
    let heard = home.process_named(&[&file], AfterNamed::Leave);
    assert_eq!(heard.told, [Told::Processed(file)]);
}

#[test]
fn what_another_run_has_in_hand_is_told_and_left_to_it() {
    let home = Home::new(BLIND);
    let file: PathBuf = home.put_clip("old/a.mp4");
    let other = Catalog::open(&home.settings.storage.state_dir).unwrap();
    let stat = catalog::FileStat::of(&file.metadata().unwrap());
    let segment = other.index_named_file(&file, stat, now()).unwrap();
    let queue = SqliteQueue::new(other, 3).scoped();
    queue.offer(&[segment.id], now()).unwrap();
    assert_eq!(queue.lease(1, Duration::from_secs(1200), now()).unwrap().len(), 1);
    let heard = home.process_named(&[&file], AfterNamed::Leave);
    assert!(matches!(&heard.told[..], [Told::GivenBack(_, reason)] if reason.contains("another nightreel")));
}
