//! Who is told of events and faults, and the reports that are written by themselves.

use serde_json::Value;

use crate::support::broker::{Broker, LOGIN};
use crate::support::{Clip, FakeCamera, Nightreel, PATIENCE, Play, eventually, footage};

fn camera() -> FakeCamera {
    let clip = footage(Clip { seconds: 20, ..Clip::default() });
    FakeCamera::start(Play { clip: &clip, port: 0, options: &[] })
}

fn configure(nightreel: &Nightreel, camera: &FakeCamera, section: &str) {
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 10\n[detect]\nlabels = [\"person\"]\n\
         [[camera]]\nid = \"gate\"\nurl = {:?}\nsegment_seconds = 2\n{section}",
        camera.url()
    ));
}

#[test]
fn home_assistant_learns_of_cameras_and_of_what_they_see() {
    let (nightreel, camera, mut broker) = (Nightreel::new(), camera(), Broker::start());
    configure(&nightreel, &camera, &broker.section());
    let listener = broker.listen();
    let mut run = nightreel.start(&["run"]);

    let recording = listener.wait_for_json("homeassistant/binary_sensor/nightreel_gate/recording/config");
    assert_eq!(recording["state_topic"], "nightreel/camera/gate/recording");
    assert_eq!(recording["availability_topic"], "nightreel/status");
    let seen = listener.wait_for_json("homeassistant/event/nightreel_gate/seen/config");
    assert_eq!(seen["device"], recording["device"]);
    assert_ne!(seen["unique_id"], recording["unique_id"]);
    listener.wait_for("nightreel/camera/gate/recording", "ON");
    listener.wait_for("nightreel/disk_full", "OFF");
    listener.wait_for("nightreel/status", "online");

    let event = listener.wait_for_json("nightreel/camera/gate/seen");
    assert_eq!((&event["event"], &event["labels"][0]), (&"event_found".into(), &"person".into()));
    assert!(seen["event_types"].as_array().unwrap().contains(&event["event_type"]));
    assert!(!listener.messages("nightreel/events/event_found").is_empty());

    // one that has forgotten everything is told of it again
    broker.replace();
    let listener = broker.listen();
    listener.wait_for_json("homeassistant/binary_sensor/nightreel_gate/recording/config");
    listener.wait_for("nightreel/status", "online");
    drop(camera);
    let lost = listener.wait_for_json("nightreel/events/camera_lost");
    assert_eq!(lost["camera"], "gate");
    listener.wait_for("nightreel/camera/gate/recording", "OFF");

    run.kill();
    listener.wait_for("nightreel/status", "offline");
    assert!(!run.said().contains(LOGIN.1), "the password is in the log");
}

#[test]
fn a_broker_that_is_left_hears_a_farewell() {
    let (nightreel, camera, broker) = (Nightreel::new(), camera(), Broker::start());
    configure(&nightreel, &camera, &format!("{}topic = \"home/cams\"\n", broker.section()));
    let listener = broker.listen();
    let mut run = nightreel.start(&["record"]);
    listener.wait_for("home/cams/status", "online");
    assert_eq!(run.terminate().code(), Some(0));
    listener.wait_for("home/cams/status", "offline");
    assert!(
        listener.messages("homeassistant/event/home_cams_gate/seen/config").is_empty(),
        "what does not process announces no events"
    );
}

#[test]
fn a_login_that_the_broker_refuses_is_told_with_its_keys_and_recording_goes_on() {
    let (nightreel, camera, broker) = (Nightreel::new(), camera(), Broker::start());
    configure(&nightreel, &camera, &broker.section().replace(LOGIN.1, "wrong-one"));
    let mut run = nightreel.start(&["record"]);
    eventually("the refusal to be told", PATIENCE, || run.said().contains("`mqtt.password`").then_some(()));
    eventually("a segment", PATIENCE, || {
        crate::support::media::finished(&nightreel.root().join("gate")).pop()
    });
    assert_eq!(run.terminate().code(), Some(0));
    assert!(!run.said().contains("wrong-one"), "the password is in the log");
}

#[test]
fn a_broker_is_told_over_tls_by_who_trusts_its_authority_alone() {
    let (nightreel, camera, broker) = (Nightreel::new(), camera(), Broker::start_tls());
    configure(&nightreel, &camera, &broker.section());
    let mut run = nightreel.start(&["record"]);
    eventually("the certificate to be refused", PATIENCE, || {
        run.said().contains("see `mqtt.url` and `mqtt.ca_file`").then_some(())
    });
    assert_eq!(run.terminate().code(), Some(0));

    configure(&nightreel, &camera, &format!("{}ca_file = {:?}\n", broker.section(), broker.authority()));
    let listener = broker.listen();
    let mut run = nightreel.start(&["record"]);
    listener.wait_for("nightreel/status", "online");
    assert_eq!(run.terminate().code(), Some(0));
}

/// Reads the objects that the hook's command was given.
fn told(nightreel: &Nightreel) -> Vec<Value> {
    let said = std::fs::read_to_string(nightreel.path("told")).unwrap_or_default();
    let whole = said.lines().take(said.matches('\n').count());
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn hook(nightreel: &Nightreel) -> String {
    let script = format!("cat >> {}", nightreel.path("told").display());
    format!("[hook]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n")
}

fn named<'t>(told: &'t [Value], event: &str) -> Vec<&'t Value> {
    told.iter().filter(|object| object["event"] == event).collect()
}

#[test]
fn the_hook_hears_of_each_event_once_and_of_what_fails() {
    let nightreel = Nightreel::new();
    let clip = footage(Clip { seconds: 4, ..Clip::default() });
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 10\nmax_attempts = 1\n[detect]\nlabels = [\"person\"]\n\
         [[camera]]\nid = \"gate\"\n{}",
        hook(&nightreel)
    ));
    let put = |name: &str, bytes: &[u8]| {
        let file = nightreel.write(nightreel.root().join("gate").join(name), bytes);
        crate::support::media::let_rest(&file);
    };
    put("segment_20261120_220000.mp4", &std::fs::read(&clip).unwrap());
    put("segment_20261120_220100.mp4", b"no video at all");

    nightreel.run(&["process", "--once"]).with_code(1);
    nightreel.run(&["process", "--once"]);

    let (told, known) = (told(&nightreel), nightreel.run(&["events", "--json"]).with_code(0).json_lines());
    let ids =
        |events: &[&Value]| events.iter().map(|event| event["id"].as_i64().unwrap()).collect::<Vec<_>>();
    let mut found = ids(&named(&told, "event_found"));
    found.sort_unstable();
    let mut expected = ids(&known.iter().collect::<Vec<_>>());
    expected.sort_unstable();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    let failed = named(&told, "segment_failed");
    assert_eq!(failed.len(), 1, "{told:?}");
    assert!(failed[0]["file"].as_str().unwrap().ends_with("segment_20261120_220100.mp4"));
}

#[test]
fn a_night_has_its_report_when_its_window_ends_and_only_once() {
    let nightreel = Nightreel::new();
    let clock = |minutes| (chrono::Utc::now() + chrono::TimeDelta::minutes(minutes)).format("%H:%M");
    nightreel.configure(&format!(
        "[process]\nwindows = [\"{}-{}\"]\n[report]\ndir = \"reports\"\n[[camera]]\nid = \"gate\"\n{}",
        clock(-90),
        clock(-30),
        hook(&nightreel)
    ));
    let mut run = nightreel.start(&["run"]);
    let told = eventually("the report to be told of", PATIENCE, || {
        named(&told(&nightreel), "report_written").first().map(|&told| told.clone())
    });
    assert!(run.terminate().success());
    let file = std::path::Path::new(told["file"].as_str().unwrap());
    assert_eq!(file.file_stem().unwrap().to_str(), told["night"].as_str());
    assert!(std::fs::read_to_string(file).unwrap().contains("<h1>Night of "));

    std::fs::remove_file(file).unwrap();
    let mut run = nightreel.start(&["run"]);
    eventually("the run to look at the clock", PATIENCE, || {
        run.said().contains("no camera has a url").then_some(())
    });
    assert!(run.terminate().success());
    assert!(!file.exists(), "it was written a second time");
}
