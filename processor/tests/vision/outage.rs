//! An outage: the server goes down in the middle of the work, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use nightreel_processor::vision::{Answer, Look, RetryPolicy, VisionClient, VisionError};
use tokio_util::sync::CancellationToken;

use crate::setting::{Setting, look};
use crate::vision_server::{Reply, VisionServer};

/// Failures in a row after which the client counts the server as down.
const IN_A_ROW: usize = 10;

const ANSWERED_BEFORE: usize = 10;

const AT_ONCE: usize = 4;

/// Long against the time that sixty looks take which are turned away without a request.
const SERVER_REST: Duration = Duration::from_millis(500);

/// Answers some requests, is then down until it is told to be up, and for good after that.
fn server(is_up: &Arc<AtomicBool>) -> VisionServer {
    let is_up = Arc::clone(is_up);
    VisionServer::start(None, move |received| {
        if received.number <= ANSWERED_BEFORE || is_up.load(Ordering::SeqCst) {
            Reply::Caption(format!("caption {}", received.number))
        } else {
            Reply::html(503)
        }
    })
}

fn patient(setting: &Setting) -> VisionClient {
    setting.client().with_policy(RetryPolicy {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(5),
        server_rest: SERVER_REST,
        ..RetryPolicy::default()
    })
}

async fn ask_all(client: &VisionClient, looks: &[Look]) -> Vec<Result<Answer, VisionError>> {
    let ending = CancellationToken::new();
    join_all(looks.iter().map(|look| client.look(look, &ending))).await
}

/// Asks for what is still open, and returns how many of the looks have their answer now.
async fn answered(client: &VisionClient, looks: &[Look]) -> usize {
    let answers = ask_all(client, looks).await;
    let put_back = |answer: &Result<Answer, _>| matches!(answer, Err(VisionError::GiveBack { .. }));
    assert!(answers.iter().all(|answer| answer.is_ok() || put_back(answer)), "{answers:?}");
    let captions = answers.iter().filter_map(|answer| answer.as_ref().ok()?.caption());
    captions.count()
}

async fn rest(rests: u32) {
    // waits for the end of the time for which the client leaves the server alone
    tokio::time::sleep(SERVER_REST * rests).await;
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_and_all_is_answered_once_when_it_is_back() {
    let is_up = Arc::new(AtomicBool::new(false));
    let server = server(&is_up);
    let setting = Setting::of(&server).with(|settings| {
        settings.concurrency = AT_ONCE;
        settings.timeout = Duration::from_secs(30);
    });
    let (client, looks) = (patient(&setting), (0..60).map(look).collect::<Vec<_>>());

    assert_eq!(answered(&client, &looks).await, ANSWERED_BEFORE);
    let asked = server.journal().len();
    // Late answers begin the count anew once, and what is under way when it ends is not called back.
    let failed = asked - ANSWERED_BEFORE;
    assert!((IN_A_ROW..IN_A_ROW + 2 * AT_ONCE).contains(&failed), "{failed}");

    rest(1).await;
    assert_eq!(answered(&client, &looks).await, ANSWERED_BEFORE);
    assert_eq!(server.journal().len(), asked + 1, "one probes, and nobody else asks");

    is_up.store(true, Ordering::SeqCst);
    assert_eq!(answered(&client, &looks).await, ANSWERED_BEFORE, "it rests twice as long");
    rest(2).await;
    assert_eq!(answered(&client, &looks).await, looks.len());
    assert_eq!(server.journal().len(), asked + 1 + looks.len() - ANSWERED_BEFORE);

    let statuses = setting.statuses();
    assert_eq!(statuses.iter().filter(|status| *status == "answered").count(), looks.len());
    setting.assert_ledger_is_the_journal(&server);
}
