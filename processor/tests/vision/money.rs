//! Money: nothing is bought twice, nothing goes unrecorded, and the cap holds.

use std::time::Duration;

use catalog::Catalog;
use config::{Caps, Usd};
use futures::future::join_all;
use nightreel_processor::vision::{Origin, VisionError};
use tokio_util::sync::CancellationToken;

use crate::setting::{Setting, look, now};
use crate::vision_server::{Reply, VisionServer};

#[tokio::test]
async fn what_was_answered_is_not_asked_again_not_even_after_a_restart() {
    let server = VisionServer::scripted([]);
    let mut setting = Setting::of(&server);
    let first = setting.look(&look(0)).await.unwrap();
    assert_eq!(first.origin, Origin::Asked);
    setting.catalog = Catalog::open(setting.folder.path()).unwrap();
    let second = setting.look(&look(0)).await.unwrap();
    assert_eq!(second.origin, Origin::Stored);
    assert_eq!(
        (second.caption(), second.request_id.as_str()),
        (Some("caption 1"), first.request_id.as_str())
    );
    assert_eq!(server.journal().len(), 1);
    setting.assert_ledger_is_the_journal(&server);
}

#[tokio::test]
async fn the_same_question_asked_by_many_at_once_is_paid_once() {
    let server =
        VisionServer::start(None, |_| Reply::Caption("a van".to_owned()).late(Duration::from_millis(50)));
    let setting = Setting::of(&server);
    let (client, ending) = (setting.client(), CancellationToken::new());
    let asked = look(0);
    let answers = join_all((0..16).map(|_| client.look(&asked, &ending))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().caption() == Some("a van")));
    assert_eq!(server.journal().len(), 1);
}

#[tokio::test]
async fn the_cap_holds_under_sixteen_looks_at_once() {
    let server = VisionServer::start(None, |received| {
        Reply::Caption(format!("caption {}", received.number)).late(Duration::from_millis(20))
    });
    let setting = Setting::of(&server).with(|settings| {
        settings.caps.calls = Some(5);
        settings.concurrency = 3;
        // A busy machine is no server that hangs.
        settings.timeout = Duration::from_secs(20);
    });
    let (client, ending) = (setting.client(), CancellationToken::new());
    let looks = (0..16).map(look).collect::<Vec<_>>();
    let answers = join_all(looks.iter().map(|look| client.look(look, &ending))).await;
    let deferred = answers.iter().filter(|answer| matches!(answer, Err(VisionError::CapReached(_)))).count();
    assert_eq!((answers.iter().filter(|answer| answer.is_ok()).count(), deferred), (5, 11));
    assert_eq!(server.journal().len(), 5);
    assert_eq!(server.most_under_way(), 3);
    assert_eq!(setting.catalog.spent(now().date_naive(), None).unwrap().calls, 5);
    setting.assert_ledger_is_the_journal(&server);

    // What was paid for is still there; the rest stays deferred, over a restart too.
    let again = join_all(looks.iter().map(|look| setting.look(look))).await;
    assert_eq!(again.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(server.journal().len(), 5);
}

/// Asks sixteen at once, and returns what the server was asked and answered meanwhile.
async fn sixteen_at_once(setting: &Setting) -> usize {
    let (client, ending) = (setting.client(), CancellationToken::new());
    let looks = (0..64).map(look).collect::<Vec<_>>();
    let answers = join_all(looks.iter().map(|look| client.look(look, &ending))).await;
    let reached = |answer: &Result<_, _>| matches!(answer, Err(VisionError::CapReached(_)));
    assert!(answers.iter().all(|answer| answer.is_ok() || reached(answer)));
    assert!(answers.iter().any(reached));
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test]
async fn no_cap_is_exceeded_by_sixteen_at_once_in_two_programs() {
    let slow = |received: &crate::vision_server::Received| {
        Reply::Caption(format!("caption {}", received.number)).late(Duration::from_millis(5))
    };
    let caps = [
        Caps { usd: Some(Usd::of_dollars(0.005)), ..Caps::default() },
        Caps { tokens: Some(20_000), ..Caps::default() },
        Caps { calls: Some(11), ..Caps::default() },
    ];
    for (caps, of_camera) in caps.into_iter().flat_map(|caps| [(caps, false), (caps, true)]) {
        let server = VisionServer::start(None, slow);
        let setting = Setting::of(&server).with(|settings| {
            settings.concurrency = 16;
            settings.timeout = Duration::from_secs(30);
            settings.caps = if of_camera { Caps::default() } else { caps };
            settings.camera_caps.extend(of_camera.then(|| ("gate".parse().unwrap(), caps)));
        });
        // Another process has a connection of its own, and its own idea of what is under way.
        let catalog = Catalog::open(setting.folder.path()).unwrap();
        let other =
            Setting { folder: tempfile::tempdir().unwrap(), catalog, settings: setting.settings.clone() };
        let answered = futures::join!(sixteen_at_once(&setting), sixteen_at_once(&other));
        let spent = setting.catalog.spent(now().date_naive(), None).unwrap();
        assert!(spent.usd <= caps.usd.unwrap_or(spent.usd), "{caps:?}: {spent:?}");
        assert!(spent.tokens <= caps.tokens.unwrap_or(spent.tokens), "{caps:?}: {spent:?}");
        assert!(spent.calls <= caps.calls.unwrap_or(spent.calls), "{caps:?}: {spent:?}");
        assert_eq!(server.journal().len() as u64, spent.calls, "{caps:?}");
        assert!(answered.0 + answered.1 > 5, "{caps:?}: {answered:?}");
        let deferred = setting.catalog.deferrals(now()).unwrap();
        assert_eq!(deferred.len(), 1);
        assert_eq!(deferred[0].camera.as_deref(), of_camera.then_some("gate"));
    }
}

#[tokio::test]
async fn what_is_set_aside_is_given_back_unless_it_may_be_charged() {
    for (reply, kept) in
        [(Reply::error(400, "bad_request", "no"), false), (Reply::Hang, true), (Reply::BreakOff, true)]
    {
        let server = VisionServer::scripted([reply]);
        let setting = Setting::of(&server).with(|settings| settings.caps.calls = Some(1));
        let _ = setting.look(&look(0)).await;
        let spent = setting.catalog.spent(now().date_naive(), Some("gate")).unwrap();
        assert_eq!((spent.calls, spent.tokens > 0, spent.usd > Usd::default()), (1, kept, kept));
    }
}

#[tokio::test]
async fn repeated_requests_count_against_the_cap() {
    let server = VisionServer::start(None, |_| Reply::integer_code(500));
    let setting = Setting::of(&server).with(|settings| settings.caps.calls = Some(3));
    let error = setting.look(&look(0)).await.unwrap_err();
    assert!(matches!(&error, VisionError::CapReached(_)) && error.is_retryable(), "{error}");
    assert!(error.to_string().contains("`vision.max_calls_per_day = 3`"));
    assert_eq!(server.journal().len(), 3);
}

#[test]
fn killed_between_send_and_store_only_the_request_under_way_is_asked_again() {
    let server = VisionServer::scripted([Reply::Caption("kept".to_owned()), Reply::Hang]);
    let setting = Setting::of(&server).with(|settings| settings.timeout = Duration::from_secs(60));
    let killed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    killed.block_on(setting.look(&look(0))).unwrap();
    let client = setting.client();
    killed.spawn(async move { client.look(&look(30), &CancellationToken::new()).await });
    server.wait_for(2);
    killed.shutdown_background();

    let after = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = after.block_on(setting.look(&look(0))).unwrap();
    assert_eq!((first.origin, first.caption()), (Origin::Stored, Some("kept")));
    let second = after.block_on(setting.look(&look(30))).unwrap();
    assert_eq!((second.origin, second.caption()), (Origin::Asked, Some("caption 3")));
    let mut statuses = setting.statuses();
    statuses.sort();
    assert_eq!(statuses, ["answered", "answered", "sent"]);
    // What was set aside for the one that was under way still counts.
    let used: u64 =
        setting.ledger().iter().filter_map(|call| Some(call.input_tokens? + call.output_tokens?)).sum();
    assert!(setting.catalog.spent(now().date_naive(), None).unwrap().tokens > used + 600);
    setting.assert_ledger_is_the_journal(&server);
}

#[tokio::test]
async fn a_dropped_look_still_stores_the_answer_it_paid_for() {
    let server = VisionServer::scripted([Reply::Caption("paid".to_owned()).late(Duration::from_millis(100))]);
    let setting = Setting::of(&server);
    let client = setting.client();
    let (asked, ending) = (look(0), CancellationToken::new());
    {
        let looking = client.look(&asked, &ending);
        let arrived = async {
            while server.journal().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = looking => panic!("the answer was too early"),
            () = arrived => {}
        }
    }
    client.finish().await;
    let answer = setting.look(&asked).await.unwrap();
    assert_eq!((answer.origin, answer.caption()), (Origin::Stored, Some("paid")));
    assert_eq!(server.journal().len(), 1);
}

#[tokio::test]
async fn through_a_night_of_random_faults_ledger_and_journal_agree_and_nothing_is_paid_twice() {
    let server = VisionServer::start(None, |received| match fastrand::u32(0..10) {
        0 => Reply::integer_code(503),
        1 => Reply::html(429),
        2 => Reply::BreakOff,
        3 => Reply::raw(200, "{\"choices\":"),
        4 => Reply::error(400, "bad_request", "no"),
        _ => Reply::Caption(format!("caption {}", received.number)),
    });
    let setting = Setting::of(&server).with(|settings| settings.caps.calls = Some(10_000));
    let (client, ending) = (setting.client(), CancellationToken::new());
    let looks = (0..200).map(look).collect::<Vec<_>>();
    let answers = join_all(looks.iter().map(|look| client.look(look, &ending))).await;
    setting.assert_ledger_is_the_journal(&server);

    let captions = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|one| one.caption().is_some()));
    let answered = setting.statuses().iter().filter(|status| *status == "answered").count();
    assert_eq!(captions.count(), answered, "each paid answer has arrived, and was bought once");
    assert!(answered > 100, "{answered}");
    let before = server.journal().len();
    for (look, answer) in looks.iter().zip(&answers) {
        if let Some(caption) = answer.as_ref().ok().and_then(|answer| answer.caption()) {
            assert_eq!(client.look(look, &ending).await.unwrap().caption(), Some(caption));
        }
    }
    assert_eq!(server.journal().len(), before);
}
