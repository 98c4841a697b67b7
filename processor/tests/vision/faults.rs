//! What goes wrong on the wire, and what follows from it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nightreel_processor::vision::{RetryPolicy, Said, VisionError};
use tokio_util::sync::CancellationToken;

use crate::setting::{KEY, Setting, look, now};
use crate::vision_server::{Reply, VisionServer};

#[tokio::test]
async fn passing_faults_are_overcome_and_each_request_has_its_row() {
    let cases = [
        (Reply::html(502), "failed"),
        (Reply::raw(500, ""), "failed"),
        (Reply::integer_code(503), "failed"),
        (Reply::error(408, "timeout", "too slow"), "failed"),
        (Reply::error(409, "conflict", "again"), "failed"),
        (Reply::error(429, "rate_limit_exceeded", "slow down"), "failed"),
        (Reply::integer_code(429), "failed"),
        (Reply::html(429), "failed"),
        (Reply::error(429, "rate_limit_exceeded", "slow down").retry_after("0"), "failed"),
        (Reply::BreakOff, "unknown"),
        (Reply::Hang, "unknown"),
        (Reply::raw(200, "{\"choices\":[{\"mess"), "failed"),
        (Reply::html(200), "failed"),
        (Reply::raw(200, "{}"), "failed"),
        (Reply::Caption(String::new()), "failed"),
    ];
    for (fault, status) in cases {
        let server = VisionServer::scripted([fault.clone()]);
        let setting = Setting::of(&server);
        let answer = setting.look(&look(0)).await.unwrap();
        assert_eq!(answer.caption(), Some("caption 2"), "{fault:?}");
        let mut statuses = setting.statuses();
        statuses.sort();
        let mut expected = [status, "answered"];
        expected.sort_unstable();
        assert_eq!(statuses, expected, "{fault:?}");
        setting.assert_ledger_is_the_journal(&server);
    }
}

#[tokio::test]
async fn a_server_that_stays_broken_gets_the_job_given_back_after_six_tries() {
    for fault in [Reply::integer_code(503), Reply::html(429), Reply::BreakOff] {
        let server = VisionServer::start(None, move |_| fault.clone());
        let setting = Setting::of(&server);
        let error = setting.look(&look(0)).await.unwrap_err();
        assert!(matches!(error, VisionError::GiveBack { after, .. } if after > Duration::ZERO), "{error}");
        assert!(error.is_retryable());
        assert_eq!(server.journal().len(), 6);
        setting.assert_ledger_is_the_journal(&server);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_gets_the_job_given_back() {
    let address = VisionServer::scripted([]).base_url();
    let setting = Setting::at(&address);
    let error = setting.look(&look(0)).await.unwrap_err();
    assert!(matches!(&error, VisionError::GiveBack { reason, .. } if reason.contains("cannot connect")));
    assert_eq!(setting.statuses(), ["failed"; 6]);
}

#[tokio::test]
async fn retry_after_is_obeyed_in_seconds_and_as_a_date() {
    let date = (now() + Duration::from_secs(1)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for text in ["1", &date] {
        let server = VisionServer::scripted([Reply::integer_code(429).retry_after(text)]);
        let began = Instant::now();
        let answer = Setting::of(&server).look(&look(0)).await.unwrap();
        assert_eq!(answer.caption(), Some("caption 2"));
        let waited = began.elapsed();
        assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(5), "{text}: {waited:?}");
    }
}

#[tokio::test]
async fn a_huge_retry_after_gives_the_job_back_instead_of_sleeping() {
    for text in ["3600", "99999999999999999999", "Sun, 22 Nov 2026 03:00:00 GMT"] {
        let server = VisionServer::scripted([Reply::error(429, "rate_limit", "later").retry_after(text)]);
        let error = Setting::of(&server).look(&look(0)).await.unwrap_err();
        let hour = Duration::from_secs(3600);
        assert!(matches!(error, VisionError::GiveBack { after, .. } if after >= hour), "{text}: {error}");
        assert_eq!(server.journal().len(), 1);
    }
}

#[tokio::test]
async fn what_the_operator_must_mend_stops_the_run_with_one_message() {
    let faults = [
        Reply::error(401, "invalid_api_key", "Incorrect API key provided"),
        Reply::raw(401, r#"{"error":"Unauthorized"}"#),
        Reply::html(403),
        Reply::error(429, "insufficient_quota", "You exceeded your current quota").retry_after("1"),
        Reply::raw(307, ""),
    ];
    for fault in faults {
        let server = VisionServer::scripted([fault.clone()]);
        let setting = Setting::of(&server);
        let (client, ending) = (setting.client(), CancellationToken::new());
        let error = client.look(&look(0), &ending).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, VisionError::Stop { .. }) && !error.is_retryable(), "{fault:?}: {text}");
        assert!(text.contains("`vision.api_key`") || text.contains("`vision.base_url`"), "{text}");
        assert!(!text.contains(KEY));

        let next = client.look(&look(30), &ending).await.unwrap_err();
        assert_eq!(next.to_string(), text);
        assert_eq!(server.journal().len(), 1, "nothing is sent after {fault:?}");
        setting.assert_ledger_is_the_journal(&server);
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_once_for_many_looks_at_once() {
    let server = VisionServer::start(Some("sk-another"), |_| Reply::Hang);
    let setting = Setting::of(&server).with(|settings| settings.concurrency = 1);
    let (client, ending) = (setting.client(), CancellationToken::new());
    let looks = (0..16).map(look).collect::<Vec<_>>();
    let answers = futures::future::join_all(looks.iter().map(|look| client.look(look, &ending))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(VisionError::Stop { .. }))));
    assert_eq!(server.journal().len(), 1);
}

#[tokio::test]
async fn a_request_that_is_refused_for_good_becomes_a_failed_observation() {
    let cases = [
        (Reply::error(400, "bad_request", "image too small"), "image too small"),
        (
            Reply::raw(400, r#"{"error":{"code":400,"message":"exceeds the context size","type":"x"}}"#),
            "context",
        ),
        (Reply::raw(404, r#"{"object":"error","message":"no such model","code":404}"#), "no such model"),
        (Reply::html(413), "nginx"),
        (Reply::raw(422, r#"{"detail":"not an image"}"#), "not an image"),
    ];
    for (fault, text) in cases {
        let server = VisionServer::scripted([fault]);
        let setting = Setting::of(&server);
        let (client, ending) = (setting.client(), CancellationToken::new());
        let answer = client.look(&look(0), &ending).await.unwrap();
        assert!(matches!(&answer.said, Said::Failed(reason) if reason.contains(text)), "{answer:?}");
        assert_eq!(setting.ledger()[0].status, "refused");
        assert_eq!(setting.ledger()[0].request_id, answer.request_id);
        assert_eq!(client.look(&look(30), &ending).await.unwrap().caption(), Some("caption 2"));
    }
}

#[tokio::test]
async fn an_answer_that_is_broken_twice_becomes_a_failed_observation() {
    let server = VisionServer::start(None, |_| Reply::raw(200, "not json at all"));
    let setting = Setting::of(&server);
    let answer = setting.look(&look(0)).await.unwrap();
    assert!(answer.error().unwrap().contains("cannot be used"));
    assert_eq!(server.journal().len(), 2);
    assert_eq!(setting.statuses(), ["failed", "failed"]);
}

#[tokio::test]
async fn a_back_off_ends_at_once_when_the_run_ends() {
    let server = Arc::new(VisionServer::start(None, |_| Reply::integer_code(503).retry_after("500")));
    let client = Setting::of(&server).client().with_policy(RetryPolicy::default());
    let ending = CancellationToken::new();
    let asked = look(0);
    let arrival = Arc::clone(&server);
    let end_after_arrival = async {
        tokio::task::spawn_blocking(move || arrival.wait_for(1)).await.unwrap();
        ending.cancel();
    };
    let (ended, ()) = tokio::join!(client.look(&asked, &ending), end_after_arrival);
    assert!(matches!(ended, Err(VisionError::GiveBack { after, .. }) if after == Duration::ZERO));
    assert_eq!(server.journal().len(), 1);
}
