//! A vision server that misbehaves: OpenAI-shaped, on loopback, answers by script, and notes what came in.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The models that `GET /v1/models` lists.
const MODELS: [&str; 2] = ["gpt-6-luna", "llava:latest"];

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers as it should.
    Caption(String),
    /// Answers with a status, a `Retry-After` and a body, whatever these are.
    Raw { status: u16, retry_after: Option<String>, body: String },
    /// Takes the request and says nothing more.
    Hang,
    /// Sends half an answer and breaks the connection.
    BreakOff,
    /// Answers, but late.
    Late(Duration, Box<Reply>),
}

impl Reply {
    pub(crate) fn raw(status: u16, body: impl Into<String>) -> Self {
        Self::Raw { status, retry_after: None, body: body.into() }
    }

    /// OpenAI's error object.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let error = json!({ "message": message, "type": code, "param": null, "code": code });
        Self::raw(status, json!({ "error": error }).to_string())
    }

    /// vLLM and llama.cpp put the status where OpenAI has a word.
    pub(crate) fn integer_code(status: u16) -> Self {
        Self::raw(
            status,
            json!({ "error": { "message": "busy", "type": "ServerError", "code": status } }).to_string(),
        )
    }

    pub(crate) fn html(status: u16) -> Self {
        Self::raw(status, "<html><head><title>Bad gateway</title></head>\n<body>nginx</body></html>")
    }

    pub(crate) fn retry_after(self, text: &str) -> Self {
        match self {
            Self::Raw { status, body, .. } => Self::Raw { status, retry_after: Some(text.to_owned()), body },
            other => other,
        }
    }

    pub(crate) fn late(self, delay: Duration) -> Self {
        Self::Late(delay, Box::new(self))
    }
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// From 1, in order of arrival.
    pub(crate) number: usize,
    /// Names in lowercase.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
    /// The pictures, decoded from their data URLs.
    pub(crate) images: Vec<Vec<u8>>,
}

impl Received {
    /// The client's own name for the request, as it stands in its ledger.
    pub(crate) fn request_id(&self) -> &str {
        self.headers.get("x-client-request-id").map_or("", String::as_str)
    }
}

type Script = Box<dyn Fn(&Received) -> Reply + Send + Sync>;

struct Shared {
    script: Script,
    /// Any other key is refused; absent: no key is asked for.
    key: Option<String>,
    journal: Mutex<Vec<Received>>,
    arrived: Condvar,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// Runs until it is dropped, on a thread of its own, so that plain tests can use it too.
pub(crate) struct VisionServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl VisionServer {
    /// Plays the replies in order of arrival, then answers `caption 1`, `caption 2` … with the number of the
    /// request.
    pub(crate) fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::start(None, move |received| {
            let next = replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            next.unwrap_or_else(|| Reply::Caption(format!("caption {}", received.number)))
        })
    }

    /// Lets `script` decide on each request.
    pub(crate) fn start(
        key: Option<&str>,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            key: key.map(str::to_owned),
            journal: Mutex::default(),
            arrived: Condvar::new(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new()
            .route("/v1/chat/completions", post(complete))
            .route("/v1/models", get(models))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// What belongs into `vision.base_url`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// All calls so far, in order of arrival.
    pub(crate) fn journal(&self) -> Vec<Received> {
        self.shared.journal.lock().unwrap().clone()
    }

    /// Waits until so many calls have arrived.
    pub(crate) fn wait_for(&self, calls: usize) {
        let journal = self.shared.journal.lock().unwrap();
        let patience = Duration::from_secs(30);
        let waited =
            self.shared.arrived.wait_timeout_while(journal, patience, |journal| journal.len() < calls);
        assert!(!waited.unwrap().1.timed_out(), "{calls} calls did not arrive");
    }

    /// The most calls that were under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::SeqCst)
    }
}

impl Drop for VisionServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn models(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response<Body> {
    if let Some(refusal) = refuse(&shared, &headers) {
        return respond(refusal).await;
    }
    let data = MODELS.map(|id| json!({ "id": id, "object": "model" }));
    respond(Reply::raw(200, json!({ "object": "list", "data": data }).to_string())).await
}

async fn complete(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let _counted = UnderWay::enter(&shared);
    let received = {
        let mut journal = shared.journal.lock().unwrap();
        let received = read(journal.len() + 1, &headers, &body);
        journal.push(received.clone());
        received
    };
    shared.arrived.notify_all();
    match refuse(&shared, &headers) {
        Some(refusal) => respond(refusal).await,
        None => respond((shared.script)(&received)).await,
    }
}

fn refuse(shared: &Shared, headers: &HeaderMap) -> Option<Reply> {
    let wanted = format!("Bearer {}", shared.key.as_deref()?);
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    (given != wanted).then(|| Reply::error(401, "invalid_api_key", &format!("no such key: {given}")))
}

fn read(number: usize, headers: &HeaderMap, body: &[u8]) -> Received {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let parts = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    let urls = parts.filter_map(|part| part["image_url"]["url"].as_str());
    let images =
        urls.filter_map(|url| STANDARD.decode(url.strip_prefix("data:image/jpeg;base64,")?).ok()).collect();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Received { number, headers, body, images }
}

async fn respond(mut reply: Reply) -> Response<Body> {
    while let Reply::Late(delay, then) = reply {
        // waits for as long as the script says
        tokio::time::sleep(delay).await;
        reply = *then;
    }
    let (status, retry_after, body) = match reply {
        Reply::Caption(text) => (200, None, completion(&text).to_string()),
        Reply::Raw { status, retry_after, body } => (status, retry_after, body),
        Reply::BreakOff => return Response::new(broken_body()),
        Reply::Hang | Reply::Late(..) => std::future::pending().await,
    };
    let mut response = Response::builder().status(status);
    if let Some(text) = retry_after {
        response = response.header("retry-after", text);
    }
    response.body(Body::from(body)).unwrap()
}

fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-6-luna",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
        "usage": { "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100 },
    })
}

fn broken_body() -> Body {
    let half = Ok(Bytes::from_static(b"{\"choices\":[{\"mess"));
    Body::from_stream(futures::stream::iter([half, Err(std::io::Error::other("cable pulled"))]))
}

/// Counts a request as long as it is worked on, also when the client hangs up first.
struct UnderWay<'a>(&'a Shared);

impl<'a> UnderWay<'a> {
    fn enter(shared: &'a Shared) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_under_way.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}
