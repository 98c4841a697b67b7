//! Runs that ask the vision model: what is sent, what is kept, and what happens when it will not answer.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use nightreel_processor::video::Video;
use nightreel_processor::view::{Views, encode, shrink_to};
use nightreel_processor::{AfterNamed, ProcessorError, WaitReason, WindowRule};
use serde_json::{Value, json};

use crate::home::{BLIND, Home, Told, read_json, sidecar};
use crate::vision_server::{Reply, VisionServer};

fn asking(server: &VisionServer, more: &str) -> Home {
    Home::new(&format!(
        "{BLIND}\n[process]\nworkers = 1\n[vision]\nbase_url = {:?}\nmodel = \"gpt-6-luna\"\n{more}",
        server.base_url()
    ))
}

fn captions(sidecar: &Value) -> Vec<&Value> {
    sidecar["samples"].as_array().unwrap().iter().map(|sample| &sample["views"][0]["caption"]).collect()
}

#[test]
fn captions_and_calls_come_into_the_sidecar_and_into_the_sums() {
    let server = VisionServer::scripted([]);
    let home = asking(
        &server,
        "concurrency = 1\n[[vision.price]]\nmodel = \"gpt-6-luna\"\ninput_per_million = 0.1\noutput_per_million = 0.5",
    );
    home.put_clip("media/gate/a.mp4");
    let heard = home.drain();
    assert_eq!(heard.tally.calls, 2);
    assert!((heard.tally.cost_usd - 0.0003).abs() < 1e-12);
    let sidecar = read_json(&sidecar(&home.media("gate/processed/a.mp4")));
    assert_eq!(captions(&sidecar), ["caption 1", "caption 2"]);
    assert_eq!(sidecar["profile"]["vision_model"], "gpt-6-luna");
    let calls = sidecar["calls"].as_array().unwrap();
    assert!(calls.iter().all(|call| call["status"] == "answered" && call["input_tokens"] == 1000));
    let asked: BTreeSet<_> = server.journal().iter().map(|one| one.request_id().to_owned()).collect();
    assert_eq!(
        calls.iter().map(|call| call["request_id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        asked
    );
}

#[test]
fn what_is_sent_is_the_dewarped_view_as_jpeg() {
    let server = VisionServer::scripted([]);
    let home = asking(
        &server,
        "image_max_px = 200\n[[camera]]\nid = \"gate\"\n[camera.lens]\nfov_deg = 170\n\
         [[camera.view]]\nname = \"north\"\npitch_deg = 30\nsize = [320, 240]",
    );
    home.put_clip("media/gate/a.mp4");
    home.drain();
    let sent: Vec<Vec<u8>> = server.journal().iter().flat_map(|received| received.images.clone()).collect();

    let video = Video::open(&home.media("gate/processed/a.mp4")).unwrap();
    let camera = &home.settings.cameras[0];
    let views = Views::new(camera.lens.as_ref(), &camera.views).unwrap();
    for frame in video.samples(NonZeroU32::new(30).unwrap()).unwrap() {
        let picture = frame.unwrap().picture().unwrap();
        let cut = views.cut(&picture).next().unwrap();
        let jpeg = encode(&shrink_to(&cut.picture, 200).unwrap(), 80).unwrap();
        let undistorted = encode(&shrink_to(&picture, 200).unwrap(), 80).unwrap();
        assert!(sent.contains(&jpeg) && !sent.contains(&undistorted));
    }
}

#[test]
fn answers_are_not_bought_again_when_the_run_dies_before_the_results_are_stored() {
    let server = VisionServer::scripted([]);
    let home = asking(&server, "");
    let file = home.put_clip("media/gate/a.mp4");
    // The disk refuses the sidecar: the answers are there, the results are not.
    std::fs::create_dir_all(sidecar(&file).join("in the way")).unwrap();
    let error = home.try_drain(WindowRule::Keep, |_| {}).unwrap_err();
    assert!(matches!(error, ProcessorError::Catalog(_)), "{error}");
    assert_eq!(server.journal().len(), 2);
    assert_eq!((home.stats().queued, home.stats().leased), (1, 0));

    std::fs::remove_dir_all(sidecar(&file)).unwrap();
    assert_eq!(home.drain().tally.segments.processed, 1);
    assert_eq!(server.journal().len(), 2);
    let sidecar = read_json(&sidecar(&home.media("gate/processed/a.mp4")));
    assert!(captions(&sidecar).iter().all(|caption| caption.is_string()));
    assert_eq!(sidecar["calls"].as_array().unwrap().len(), 2);
}

#[test]
fn at_the_cap_the_rest_waits_for_the_next_day_and_nothing_is_lost() {
    let server = VisionServer::scripted([]);
    let home = asking(&server, "max_calls_per_day = 3");
    for name in ["segment_20260101_000000", "segment_20260101_000100", "segment_20260101_000200"] {
        // Other bytes, the same pictures: each is another content.
        let bytes = [&std::fs::read(crate::home::clip()).unwrap()[..], name.as_bytes()].concat();
        home.put(format!("media/gate/{name}.mp4"), &bytes);
    }
    let heard = home.drain();
    assert_eq!(heard.tally.segments.processed, 1);
    assert!(
        matches!(&heard.told[1], Told::GivenBack(_, reason) if reason.contains("`vision.max_calls_per_day"))
    );
    assert_eq!(heard.told.last(), Some(&Told::Waiting(WaitReason::CapReached)));
    assert_eq!((home.stats().backlog(), home.stats().leased, server.journal().len()), (2, 0, 3));

    assert_eq!(home.drain().tally.segments.processed, 0);
    assert_eq!(server.journal().len(), 3, "the cap holds over a restart");
    home.clock.set(home.clock.now() + TimeDelta::days(1));
    assert_eq!(home.drain().tally.segments.processed, 2);
    assert_eq!(server.journal().len(), 6, "the third call was not for nothing");
}

#[test]
fn a_server_that_is_down_puts_the_work_off() {
    let server = VisionServer::start(None, |_| Reply::integer_code(503).retry_after("3600"));
    let home = asking(&server, "");
    home.put_clip("media/gate/a.mp4");
    let heard = home.drain();
    assert!(matches!(&heard.told[..], [Told::GivenBack(..), Told::Waiting(WaitReason::VisionUnavailable)]));
    assert_eq!((home.stats().backlog(), home.stats().leased, home.stats().dead), (1, 0, 0));
    assert!(home.media("gate/a.mp4").exists());
}

#[test]
fn a_refused_key_ends_the_run_with_what_to_do() {
    let server = VisionServer::start(Some("sk-another"), |_| Reply::Hang);
    let home = asking(&server, "api_key = \"sk-secret-of-the-test\"");
    home.put_clip("media/gate/a.mp4");
    home.put_clip("media/gate/b.mp4");
    let error = home.try_drain(WindowRule::Keep, |_| {}).unwrap_err();
    let ProcessorError::Vision(cause) = &error else { panic!("{error}") };
    assert!(cause.to_string().contains("`vision.api_key`"), "{cause}");
    assert!(!format!("{error:?}").contains("sk-secret-of-the-test"));
    assert_eq!((home.stats().queued, home.stats().leased, home.stats().dead), (2, 0, 0));
}

#[test]
fn a_picture_that_is_refused_leaves_a_caption_out() {
    let server = VisionServer::scripted([Reply::error(400, "bad_request", "too small")]);
    let home = asking(&server, "concurrency = 1");
    home.put_clip("media/gate/a.mp4");
    assert_eq!(home.drain().tally.segments.processed, 1);
    let sidecar = read_json(&sidecar(&home.media("gate/processed/a.mp4")));
    assert_eq!(captions(&sidecar), [&Value::Null, &json!("caption 2")]);
    let calls = sidecar["calls"].as_array().unwrap().iter();
    let statuses: BTreeSet<_> = calls.map(|call| call["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, BTreeSet::from(["answered", "refused"]));
}

#[test]
fn a_file_that_is_written_to_while_it_is_looked_at_is_left_for_later() {
    let folder = tempfile::tempdir().unwrap();
    let growing = folder.path().join("path");
    let target = growing.clone();
    let server = VisionServer::start(None, move |_| {
        let path = std::fs::read_to_string(&target).unwrap();
        let mut file = std::fs::File::options().append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, b"more").unwrap();
        Reply::Caption("a person".to_owned())
    });
    let home = asking(&server, "");
    let file = home.put_clip("media/gate/a.mp4");
    std::fs::write(&growing, file.to_str().unwrap()).unwrap();
    let heard = home.drain();
    assert!(
        matches!(&heard.told[..], [Told::GivenBack(_, reason)] if reason.contains("changed")),
        "{heard:?}"
    );
    assert!(!sidecar(&file).exists());
    assert_eq!(home.stats().delayed, 1);
}

#[test]
fn of_named_files_each_is_told_even_those_that_were_not_begun() {
    let server = VisionServer::scripted([]);
    let home = asking(&server, "max_calls_per_day = 1");
    for name in ["a", "b", "c"] {
        let bytes = [&std::fs::read(crate::home::clip()).unwrap()[..], name.as_bytes()].concat();
        home.put(format!("old/{name}.mp4"), &bytes);
    }
    let mut heard = home.process_named(&[&home.path("old")], AfterNamed::Leave);
    assert_eq!(heard.tally.waiting.len(), 3, "{:?}", heard.told);
    assert!(heard.tally.waiting.values().all(|reason| reason.contains("`vision.max_calls_per_day")));
    heard.tally.fail_waiting();
    assert_eq!((heard.tally.segments.failed, heard.tally.failures.len()), (3, 3));
}

#[test]
fn the_same_footage_under_another_name_is_not_paid_for_again() {
    let server = VisionServer::scripted([]);
    let home = asking(&server, "");
    let (one, other) = (home.put_clip("old/a.mp4"), home.put_clip("old/b.mp4"));
    let heard = home.process_named(&[&one, &other], AfterNamed::Leave);
    assert_eq!((heard.tally.segments.processed, heard.tally.calls), (2, 2));
    assert_eq!(server.journal().len(), 2);
    let read = |file: &Path| captions(&read_json(&sidecar(file))).into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(read(&one), read(&other));
}

#[test]
fn a_signal_does_not_wait_for_a_server_that_hangs() {
    let server = VisionServer::start(None, |_| Reply::Hang);
    let home = asking(&server, "");
    home.put_clip("media/gate/a.mp4");
    let heard = std::thread::scope(|scope| {
        let run = scope.spawn(|| home.drain());
        server.wait_for(2);
        home.ending.cancel();
        let signalled = std::time::Instant::now();
        let heard = run.join().unwrap();
        assert!(signalled.elapsed() < Duration::from_secs(10), "{:?}", signalled.elapsed());
        heard
    });
    assert!(matches!(&heard.told[..], [Told::GivenBack(_, reason)] if reason.contains("ending")));
    assert_eq!((home.stats().queued, home.stats().leased), (1, 0));
}
