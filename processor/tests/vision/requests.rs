//! What is sent: exactly what the settings say, and no secret elsewhere than in its header.

use std::io;
use std::sync::{Arc, Mutex};

use nightreel_processor::vision::{Answer, Origin, Probe, Said, VisionError};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::setting::{KEY, MODEL, Setting, look, wording};
use crate::vision_server::{Reply, VisionServer};

#[tokio::test]
async fn sends_prompt_picture_detail_and_limits_and_keeps_the_caption() {
    let server = VisionServer::start(Some(KEY), |_| Reply::Caption("a person at the gate".to_owned()));
    let setting = Setting::of(&server).with(|settings| settings.system = Some(wording("You watch a gate.")));
    let answer = setting.look(&look(30)).await.unwrap();

    assert_eq!(answer.caption(), Some("a person at the gate"));
    assert_eq!(answer.origin, Origin::Asked);
    let journal = server.journal();
    assert_eq!(journal.len(), 1);
    assert_eq!(journal[0].images, [b"picture of frame 30".to_vec()]);
    assert_eq!(journal[0].headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(journal[0].request_id(), answer.request_id);
    let body = &journal[0].body;
    assert_eq!(body["model"], MODEL);
    assert_eq!(body["max_completion_tokens"], 300);
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "You watch a gate." }));
    assert_eq!(body["messages"][1]["role"], "user");
    assert_eq!(body["messages"][1]["content"][0], json!({ "type": "text", "text": "What is happening?" }));
    assert_eq!(body["messages"][1]["content"][1]["type"], "image_url");
    assert_eq!(body["messages"][1]["content"][1]["image_url"]["detail"], "low");

    let ledger = setting.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].request_id, answer.request_id);
    assert_eq!(ledger[0].status, "answered");
    assert_eq!((ledger[0].input_tokens, ledger[0].output_tokens), (Some(1000), Some(100)));
    // 1000 tokens at 0.10 and 100 at 0.50 dollars per million
    assert!((ledger[0].cost_usd.unwrap() - 0.00015).abs() < 1e-12);
}

#[tokio::test]
async fn a_model_without_a_price_has_no_cost() {
    let server = VisionServer::scripted([]);
    let setting = Setting::of(&server).with(|settings| settings.prices.clear());
    setting.look(&look(0)).await.unwrap();
    assert_eq!(setting.ledger()[0].cost_usd, None);
    assert_eq!(setting.ledger()[0].input_tokens, Some(1000));
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    let server = VisionServer::scripted([]);
    let setting = Setting::of(&server).with(|settings| settings.api_key = None);
    setting.look(&look(0)).await.unwrap();
    assert!(!server.journal()[0].headers.contains_key("authorization"));
    assert!(!server.journal()[0].headers.contains_key("openai-organization"));
}

#[tokio::test]
async fn a_base_url_may_end_with_a_slash() {
    let server = VisionServer::scripted([]);
    let answer = Setting::at(&format!("{}/", server.base_url())).look(&look(0)).await.unwrap();
    assert_eq!(answer.caption(), Some("caption 1"));
}

#[test]
fn a_key_that_no_header_can_carry_is_an_error_and_no_panic() {
    let setting = Setting::at("http://127.0.0.1:1/v1")
        .with(|settings| settings.api_key = Some(config::Secret::new("sk-two\nlines")));
    let error = setting.try_client().unwrap_err();
    assert!(matches!(error, VisionError::Setup { .. }));
    assert!(error.to_string().contains("`vision.api_key`") && !error.to_string().contains("two"));
}

#[tokio::test]
async fn a_request_that_the_server_repeats_is_kept_nowhere() {
    let echo = |received: &crate::vision_server::Received| {
        Reply::raw(400, format!("headers: {:?}, body: {}", received.headers["authorization"], received.body))
    };
    let server = VisionServer::start(None, echo);
    let setting = Setting::of(&server);
    let answer = setting.look(&look(0)).await.unwrap();
    let error = answer.error().unwrap();
    assert!(error.contains("Bearer ***") && error.contains(r#";base64,***""#), "{error}");
    let client = setting.client();
    assert!(!format!("{answer:?} {client:?}").contains(KEY));
    let stored = std::fs::read(setting.catalog.path()).unwrap();
    let journal = std::fs::read(format!("{}-wal", setting.catalog.path().display())).unwrap_or_default();
    assert!(![stored, journal].concat().windows(KEY.len()).any(|part| part == KEY.as_bytes()));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_what_the_camera_saw_nor_the_key_reaches_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let broken = r#"{"choices":[{"message":{"content":"a burglar with a ladder"#;
    let odd = r#"{"choices":"a burglar with a ladder"}"#;
    let server = VisionServer::scripted([
        Reply::raw(200, broken),
        Reply::raw(200, odd),
        Reply::raw(503, "a burglar with a ladder"),
        Reply::Caption("a burglar with a ladder".to_owned()),
    ]);
    let setting = Setting::of(&server);
    let failed = setting.look(&look(0)).await.unwrap();
    assert!(matches!(failed.said, Said::Failed(_)));
    setting.look(&look(30)).await.unwrap();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("vision request failed"), "the log is empty: {text}");
    let lines = text.lines().filter(|line| line.contains("burglar")).collect::<Vec<_>>();
    // The text of a failed request may be shown to who asks for details; the answers may not.
    assert!(lines.iter().all(|line| line.contains("DEBUG") && line.contains("HTTP 503")), "{lines:?}");
    assert!(!text.contains(KEY));
}

#[tokio::test]
async fn the_probe_tells_what_is_wrong_without_a_call() {
    let server = VisionServer::start(Some(KEY), |_| Reply::Hang);
    let ready = Setting::of(&server);
    assert_eq!(ready.probe().await, Probe::Ready);
    let latest = Setting::of(&server).with(|settings| settings.model = "llava".to_owned());
    assert!(latest.probe().await.is_ready());

    let unlisted = Setting::of(&server).with(|settings| settings.model = "gpt-7".to_owned());
    let advice = unlisted.probe().await.advice();
    assert!(advice.contains("`gpt-7`") && advice.contains("`gpt-6-luna`, `llava:latest`"), "{advice}");

    let wrong =
        Setting::of(&server).with(|settings| settings.api_key = Some(config::Secret::new("sk-other")));
    let refused = wrong.probe().await;
    assert!(matches!(refused, Probe::KeyRefused { status: 401, .. }), "{refused:?}");
    assert!(refused.advice().contains("`vision.api_key_env`") && !refused.advice().contains("sk-other"));

    let elsewhere = Setting::at(&server.base_url().replace("/v1", "/v2")).probe().await;
    assert_eq!(elsewhere, Probe::NoModelList { status: 404 });
    assert!(elsewhere.advice().contains("`vision.base_url`"));

    assert!(server.journal().is_empty() && ready.ledger().is_empty());
    let address = server.base_url();
    drop(server);
    let gone = Setting::at(&address).probe().await;
    assert!(matches!(&gone, Probe::Unreachable { .. }), "{gone:?}");
    assert!(gone.advice().contains("is it running"));
}

#[tokio::test]
async fn an_ending_run_begins_no_request() {
    let server = VisionServer::scripted([]);
    let setting = Setting::of(&server);
    let ending = CancellationToken::new();
    ending.cancel();
    let ended: Result<Answer, VisionError> = setting.client().look(&look(0), &ending).await;
    assert!(matches!(ended, Err(VisionError::GiveBack { .. })));
    assert!(server.journal().is_empty() && setting.ledger().is_empty());
}
