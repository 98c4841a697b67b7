//! Files that cannot be looked at: set aside with the reason, and never in the way of the rest.

use std::path::PathBuf;
use std::time::Duration;

use catalog::SegmentState;
use chrono::TimeDelta;
use nightreel_processor::WindowRule;

use crate::clips;
use crate::home::{BLIND, Home, Told, clip, read_json, set_age, sidecar};

#[test]
fn corrupt_files_are_set_aside_with_the_reason_and_the_rest_is_done() {
    let home = Home::new(BLIND);
    let whole = std::fs::read(clip()).unwrap();
    let broken: [(&str, &[u8]); 4] = [
        ("cut.mp4", &whole[..whole.len() / 2]),
        ("empty.mp4", b""),
        ("text.mkv", b"a shopping list"),
        ("zeros.ts", &[0; 50_000]),
    ];
    for (name, bytes) in broken {
        home.put(format!("media/gate/{name}"), bytes);
    }
    home.put_clip("media/gate/good.mp4");

    let heard = home.drain();

    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 4));
    assert!(home.media("gate/processed/good.mp4").exists());
    for (name, bytes) in broken {
        let path = home.media("gate/failed").join(name);
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}");
        let segment = home.segment(PathBuf::from("gate/failed").join(name));
        assert_eq!(segment.state, SegmentState::Failed);
        let line = heard.tally.failures.iter().find(|line| line.file.ends_with(name)).unwrap();
        assert_eq!(segment.reason.as_deref(), Some(line.reason.as_str()));
        assert!(!line.reason.is_empty() && !catalog::sidecar_of(&path).exists());
    }
    assert_eq!(home.drain().told, [], "what is set aside stays there");
}

#[test]
fn a_broken_file_that_was_just_written_gets_time_to_become_whole() {
    let home = Home::new(BLIND);
    let whole = std::fs::read(clip()).unwrap();
    let path = home.put("media/gate/a.mp4", &whole[..whole.len() / 2]);
    set_age(&path, Duration::from_secs(10));
    let begin = home.clock.now();

    let heard = home
        .try_drain(WindowRule::Keep, |told| {
            if matches!(told, Told::GivenBack(..)) {
                std::fs::write(&path, &whole).unwrap();
                home.clock.set(begin + TimeDelta::seconds(21));
            }
        })
        .unwrap();

    assert!(matches!(&heard.told[..], [Told::GivenBack(..), Told::Processed(_)]), "{:?}", heard.told);
    assert_eq!((heard.tally.segments.processed, heard.tally.segments.failed), (1, 0));
    assert!(heard.tally.waiting.is_empty());
}

#[test]
fn a_file_that_was_deleted_meanwhile_is_missing_and_not_waited_for() {
    let home = Home::new(&format!("{BLIND}\n[process]\nworkers = 1"));
    home.put_clip("media/gate/segment_20260101_000000.mp4");
    let second = home.put_clip("media/gate/segment_20260101_000100.mp4");
    let heard = home
        .try_drain(WindowRule::Keep, |told| {
            if matches!(told, Told::Processed(_)) {
                std::fs::remove_file(&second).unwrap();
            }
        })
        .unwrap();
    assert!(
        matches!(&heard.told[1], Told::Failed(file, reason)
        if file.ends_with("segment_20260101_000100.mp4") && reason.contains("gone")),
        "{:?}",
        heard.told
    );
    assert_eq!(home.stats().backlog(), 0);
}

#[test]
fn a_file_that_was_cut_off_gives_what_is_in_it_and_says_so() {
    let home = Home::new(BLIND);
    let encoder = ["-c:v", "libx264", "-g", "10", "-movflags", "frag_keyframe+empty_moov"];
    let source = ["-t", "8", "-i", clips::PEDESTRIANS];
    let fragmented = std::fs::read(clips::make("fragments.mp4", &[&source[..], &encoder].concat())).unwrap();
    home.put("media/gate/fragments.mp4", &fragmented[..fragmented.len() * 7 / 10]);
    let stream = clips::make("four-seconds.ts", &["-t", "4", "-i", clips::PEDESTRIANS, "-c:v", "libx264"]);
    let stream = std::fs::read(stream).unwrap();
    home.put("media/gate/stream.ts", &stream[..stream.len() * 9 / 10]);

    assert_eq!(home.drain().tally.segments.processed, 2);

    let sidecar = read_json(&sidecar(&home.media("gate/processed/fragments.mp4")));
    assert!(sidecar["segment"]["faults"][0].as_str().unwrap().contains("breaks off"), "{sidecar}");
    assert!(sidecar["samples"].as_array().unwrap().len() >= 2);
}

#[test]
fn a_root_whose_disk_is_gone_blames_no_segment() {
    let home = Home::new(&format!("{BLIND}\n[process]\nworkers = 1"));
    home.put_clip("media/gate/segment_20260101_000000.mp4");
    home.put_clip("media/gate/segment_20260101_000100.mp4");
    let (root, away) = (home.path("media"), home.path("unplugged"));
    let error = home
        .try_drain(WindowRule::Keep, |told| {
            if matches!(told, Told::Processed(_)) {
                for name in ["gate", ".nightreel-root"] {
                    std::fs::create_dir_all(&away).unwrap();
                    std::fs::rename(root.join(name), away.join(name)).unwrap();
                }
            }
        })
        .unwrap_err();
    assert!(error.to_string().contains("`storage.root`"), "{error}");
    for name in ["gate", ".nightreel-root"] {
        std::fs::rename(away.join(name), root.join(name)).unwrap();
    }
    assert_eq!(home.segment("gate/segment_20260101_000100.mp4").state, SegmentState::Ready);
    assert_eq!((home.stats().queued, home.stats().leased, home.stats().dead), (1, 0, 0));
    assert_eq!(home.drain().tally.segments.processed, 1);
}
