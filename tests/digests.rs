//! Digests: what a night's captions tell, in a few sentences, paid once and under the caps.

use serde_json::{Value, json};

use crate::support::clock::faketime_variables;
use crate::support::media::put_segments;
use crate::support::{Nightreel, Received, Reply, Running, VisionServer};
use crate::vision::{configure, process};

const JSON: &str = "answer = \"json\"\nconcurrency = 1\ndigest = true";

/// Tells of pictures, and sums up what is asked about without any.
fn answer(received: &Received) -> Reply {
    let number = received.number;
    if received.images.is_empty() {
        return Reply::Caption(format!("A quiet night, {number}."));
    }
    let caption = json!({
        "caption": format!("caption {number}"), "confidence": 0.5, "need_detail": [], "notable": number == 2,
        "objects": [], "people": 1, "reason": format!("reason {number}"), "tags": [],
    });
    Reply::Caption(caption.to_string())
}

fn asked_for_a_digest(server: &VisionServer) -> Vec<String> {
    let journal = server.journal();
    let without = journal.iter().filter(|received| received.images.is_empty());
    without
        .map(|received| received.body["messages"][0]["content"][0]["text"].as_str().unwrap().to_owned())
        .collect()
}

fn digests(nightreel: &Nightreel) -> Vec<Value> {
    let digests = nightreel.status()["vision"]["digests"].as_array().unwrap().clone();
    assert!(digests.iter().all(|digest| digest["camera"] == "gate"), "{digests:?}");
    digests.into_iter().map(|digest| digest["text"].clone()).collect()
}

#[test]
fn a_run_ends_with_a_digest_that_is_paid_once_for_the_same_captions() {
    let server = VisionServer::start(None, answer);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, JSON);
    put_segments(&nightreel.root(), 1);

    process(&nightreel, 0);

    assert_eq!(digests(&nightreel), ["A quiet night, 3."]);
    let asked = asked_for_a_digest(&server);
    let lines: Vec<_> = asked[0].lines().skip(2).collect();
    assert!(lines[0].ends_with(" original: caption 1"), "{asked:?}");
    assert!(lines[1].ends_with(" original: caption 2 (notable: reason 2)") && lines.len() == 2, "{asked:?}");
    assert!(server.journal()[2].body.get("response_format").is_none());
    let ledger = nightreel.run(&["ledger", "--json"]).with_code(0).json_lines();
    assert_eq!((&ledger[2]["camera"], &ledger[2]["segment_sha256"]), (&json!("gate"), &json!("")));
    assert_eq!(nightreel.status()["vision"]["calls_today"], 3);

    process(&nightreel, 0);
    assert_eq!(server.journal().len(), 3, "the same captions");

    put_segments(&nightreel.root(), 2);
    process(&nightreel, 0);
    assert_eq!(asked_for_a_digest(&server).len(), 2);
    assert_eq!(digests(&nightreel), ["A quiet night, 6."]);
    nightreel.run(&["status"]).with_code(0).telling(&[]);
    let shown = nightreel.run(&["status"]).with_code(0).stdout;
    assert!(shown.contains("camera `gate`: A quiet night, 6."), "{shown}");
    nightreel.verify();
}

#[test]
fn a_digest_keeps_to_the_caps() {
    let server = VisionServer::start(None, answer);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, &format!("{JSON}\nmax_calls_per_day = 2"));
    put_segments(&nightreel.root(), 1);
    process(&nightreel, 0).telling(&["no digest of the night", "vision.max_calls_per_day"]);
    assert_eq!((server.journal().len(), digests(&nightreel)), (2, Vec::new()));
}

#[test]
fn without_the_key_nothing_is_asked() {
    let server = VisionServer::start(None, answer);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "answer = \"json\"");
    put_segments(&nightreel.root(), 1);
    process(&nightreel, 0);
    assert_eq!(asked_for_a_digest(&server), Vec::<String>::new());
}

#[test]
fn a_program_that_runs_on_sums_up_the_night_when_its_window_closes() {
    let Some(late) = faketime_variables("@2040-11-22 05:59:50") else { return };
    let server = VisionServer::start(None, answer);
    let nightreel = Nightreel::new();
    let base_url = server.base_url();
    nightreel.configure_storage(
        "scan_seconds = 1",
        &format!(
            "[process]\nworkers = 1\nwindows = [\"22:00-06:00\"]\n[detect]\nenabled = false\n[[camera]]\nid = \"gate\"\n\
             [vision]\nbase_url = {base_url:?}\nmodel = \"gpt-6-luna\"\n{JSON}\n"
        ),
    );
    put_segments(&nightreel.root(), 1);
    let mut command = nightreel.command(&["process"]);
    command.envs(late).env("TZ", "UTC").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut run = Running::spawn(command);
    server.wait_for(3);
    assert!(run.terminate().success(), "{}", run.said());
    assert_eq!(asked_for_a_digest(&server).len(), 1);
    let digest = &nightreel.status()["vision"]["digests"][0];
    assert_eq!((&digest["night"], &digest["text"]), (&json!("2040-11-21"), &json!("A quiet night, 3.")));
}
