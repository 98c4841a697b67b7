//! The vision model out of order: a server that refuses, fails, breaks off or asks for time loses nothing, and what it
//! answered is counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::media::put_segments;
use crate::support::{Nightreel, Outcome, Reply, VisionServer};
use crate::vision::{
    KEY, asked, assert_all_wait, assert_ledger_is, calls, captions, command, configure, process, results,
    statuses,
};

#[test]
fn a_wrong_key_stops_the_run_with_one_word_and_loses_nothing() {
    let server =
        VisionServer::start(Some(KEY), |received| Reply::Caption(format!("caption {}", received.number)));
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "");
    put_segments(&nightreel.root(), 3);
    let wrong = "sk-wrong-8tGx";

    let refused = Outcome::of(&mut command(&nightreel, wrong)).with_code(1);

    let errors = refused.stderr.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "{}", refused.stderr);
    let because = refused.stderr.split("error:").nth(1).unwrap();
    assert!(because.contains("401") && because.contains("vision.api_key"), "{because}");
    assert!(
        !refused.said().contains(wrong),
        "the server repeats the key, nightreel must not: {}",
        refused.said()
    );
    assert_all_wait(&nightreel, 3);

    process(&nightreel, 0);

    let results = results(&nightreel);
    assert_eq!(results.len(), 3);
    assert!(captions(&results).iter().all(Option::is_some), "{results:#?}");
    nightreel.verify();
}

#[test]
fn without_the_key_that_is_named_nothing_is_asked() {
    let server = VisionServer::scripted([]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "");
    put_segments(&nightreel.root(), 1);

    nightreel.run(&["process", "--once"]).with_code(1).telling(&["vision.api_key_env", "VISION_KEY"]);

    assert!(server.journal().is_empty());
}

#[test]
fn what_passes_is_waited_for_and_asked_again() {
    let faults = [
        Reply::error(429, "rate_limit_exceeded", "slow down").retry_after("2"),
        Reply::error(429, "rate_limit_exceeded", "slow down"),
        Reply::html(502),
        Reply::integer_code(503),
        Reply::BreakOff,
        Reply::Hang,
    ];
    let looks = faults.len();
    let script: Vec<_> =
        faults.into_iter().flat_map(|fault| [fault, Reply::Caption("somebody".into())]).collect();
    let (script, times) = (Mutex::new(script.into_iter()), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&times);
    let server = VisionServer::start(None, move |_| {
        seen.lock().unwrap().push(Instant::now());
        script.lock().unwrap().next().unwrap_or_else(|| Reply::Caption("somebody".into()))
    });
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1\ntimeout_seconds = 1");
    put_segments(&nightreel.root(), 3);

    process(&nightreel, 0);

    let results = results(&nightreel);
    assert_eq!(captions(&results), vec![Some("somebody"); looks]);
    assert_eq!(server.journal().len(), 2 * looks);
    let times = times.lock().unwrap();
    let waited = times[1] - times[0];
    assert!(waited >= Duration::from_secs(2), "`Retry-After: 2` was answered after {waited:?}");
    assert_eq!(asked(&server.journal()).into_values().collect::<Vec<_>>(), vec![2; looks]);
    let calls = calls(&results);
    assert_ledger_is(&calls, &server.journal());
    // Of a broken-off and a silent answer nobody knows whether they are charged.
    assert_eq!(statuses(&calls), BTreeMap::from([("answered", looks), ("failed", 4), ("unknown", 2)]));
    nightreel.verify();
}

#[test]
fn what_stays_broken_becomes_a_failed_observation_and_the_rest_goes_on() {
    let broken = || Reply::raw(200, "{\"choices\": [{\"message\": {\"content\": \"some");
    let too_long =
        json!({"error": {"message": "too long", "type": "exceed_context_size_error", "code": 400}});
    let server = VisionServer::scripted([broken(), broken(), Reply::raw(400, too_long.to_string())]);
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1");
    put_segments(&nightreel.root(), 2);

    let outcome = process(&nightreel, 0);

    assert_eq!(outcome.json()["segments"], json!({"processed": 2, "skipped": 0, "failed": 0}));
    let results = results(&nightreel);
    assert_eq!(captions(&results), [None, None, Some("caption 4"), Some("caption 5")]);
    let calls = calls(&results);
    assert_ledger_is(&calls, &server.journal());
    assert_eq!(statuses(&calls), BTreeMap::from([("answered", 2), ("failed", 2), ("refused", 1)]));
    outcome.telling(&["too long"]);
    nightreel.verify();
}

#[test]
fn a_server_that_asks_for_an_hour_is_left_alone_and_everything_waits() {
    let server =
        VisionServer::start(None, |_| Reply::error(429, "rate_limit_exceeded", "later").retry_after("3600"));
    let nightreel = Nightreel::new();
    configure(&nightreel, &server, "concurrency = 1");
    put_segments(&nightreel.root(), 3);

    let began = Instant::now();
    process(&nightreel, 0).telling(&["3600"]);

    assert!(began.elapsed() < Duration::from_secs(30), "it did not sleep on it");
    assert_eq!(server.journal().len(), 1);
    assert_all_wait(&nightreel, 3);
}
