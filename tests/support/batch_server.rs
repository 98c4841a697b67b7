//! A vision server with files and batches: OpenAI-shaped, on loopback. It answers from the picture it received, in
//! whatever order, fails lines, lets batches expire, hangs where it is told to, and notes what it did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// How the server behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// So often a batch is looked at before it is over.
    pub(crate) polls: usize,
    /// Of a thousand questions, so many fail when they are asked first.
    pub(crate) fail_permille: u64,
    /// The first batch expires when so many of its lines are answered.
    pub(crate) expires_after: Option<usize>,
    pub(crate) max_lines: usize,
    pub(crate) max_bytes: usize,
    /// Without them, there is nothing but completions.
    pub(crate) has_batches: bool,
    /// Answers by the schema, and wants to see the first of its pictures larger.
    pub(crate) is_curious: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            polls: 2,
            fail_permille: 0,
            expires_after: None,
            max_lines: 50_000,
            max_bytes: 200_000_000,
            has_batches: true,
            is_curious: false,
        }
    }
}

/// What a request is about; where the server may be told to hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The file has arrived, and nobody is told.
    Upload,
    /// The batch is made, and nobody is told.
    Create,
    /// Somebody asks what has become of a batch.
    Poll,
    /// Half of the answers are out.
    Download,
}

#[derive(Clone, Debug)]
pub(crate) struct ServedBatch {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) lines: usize,
    metadata: Value,
    input: String,
    output: Option<String>,
    errors: Option<String>,
    polls: usize,
}

#[derive(Default)]
struct Kept {
    files: HashMap<String, Vec<u8>>,
    batches: Vec<ServedBatch>,
    /// By the name that the client gave a line: how often it was answered, and so charged.
    answered: BTreeMap<String, usize>,
    /// Questions that failed once.
    failed: BTreeSet<u64>,
    uploads: usize,
    direct: usize,
    named: usize,
    hang_at: Option<Step>,
    hangs: usize,
}

struct Shared {
    rules: Rules,
    kept: Mutex<Kept>,
    changed: Condvar,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hangs for good where it was told to.
    async fn hang(&self, step: Step) {
        let hangs = {
            let mut kept = self.kept();
            let hangs = kept.hang_at == Some(step);
            kept.hangs += usize::from(hangs);
            hangs
        };
        self.changed.notify_all();
        if hangs {
            std::future::pending::<()>().await;
        }
    }
}

pub(crate) struct BatchServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BatchServer {
    pub(crate) fn start(rules: Rules) -> Self {
        let has_batches = rules.has_batches;
        let shared = Arc::new(Shared { rules, kept: Mutex::default(), changed: Condvar::new() });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut router =
            Router::new().route("/v1/chat/completions", post(complete)).route("/v1/models", get(models));
        if has_batches {
            router = router
                .route("/v1/files", post(upload))
                .route("/v1/files/{id}", axum::routing::delete(forget))
                .route("/v1/files/{id}/content", get(content))
                .route("/v1/batches", post(create).get(list))
                .route("/v1/batches/{id}", get(retrieve))
                .route("/v1/batches/{id}/cancel", post(cancel));
        }
        let router = router.layer(DefaultBodyLimit::max(1 << 30)).with_state(Arc::clone(&shared));
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

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn batches(&self) -> Vec<ServedBatch> {
        self.shared.kept().batches.clone()
    }

    /// How often each line was answered, by the name that the client gave it.
    pub(crate) fn answered(&self) -> BTreeMap<String, usize> {
        self.shared.kept().answered.clone()
    }

    pub(crate) fn uploads(&self) -> usize {
        self.shared.kept().uploads
    }

    /// How many files lie there.
    pub(crate) fn files(&self) -> usize {
        self.shared.kept().files.len()
    }

    /// How many questions came by themselves.
    pub(crate) fn direct(&self) -> usize {
        self.shared.kept().direct
    }

    /// Hangs from now on at this step, or nowhere.
    pub(crate) fn hang_at(&self, step: Option<Step>) {
        self.shared.kept().hang_at = step;
    }

    /// Waits until somebody hangs.
    pub(crate) fn wait_until_hung(&self) {
        let kept = self.shared.kept();
        let patience = Duration::from_secs(60);
        let waited = self.shared.changed.wait_timeout_while(kept, patience, |kept| kept.hangs == 0);
        assert!(!waited.unwrap().1.timed_out(), "nobody came to where the server hangs");
        self.shared.kept().hangs = 0;
    }
}

impl Drop for BatchServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the server says of the picture in a request: another picture has another answer.
pub(crate) fn told(request: &Value) -> String {
    let picture = picture(request);
    assert!(picture.starts_with(&[0xff, 0xd8]), "no picture came along");
    format!("picture {:016x} of {} bytes", hash(&picture), picture.len())
}

fn said(rules: &Rules, request: &Value) -> String {
    if !rules.is_curious {
        return told(request);
    }
    let is_far = request["messages"][0]["content"][1]["image_url"]["detail"] == "low";
    let need_detail = if is_far { json!([1]) } else { json!([]) };
    json!({
        "caption": told(request), "confidence": 0.5, "need_detail": need_detail, "notable": false, "objects": [],
        "people": 0, "reason": "so", "tags": [],
    })
    .to_string()
}

fn picture(request: &Value) -> Vec<u8> {
    let messages = request["messages"].as_array().cloned().unwrap_or_default();
    let parts = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    let urls = parts.filter_map(|part| part["image_url"]["url"].as_str());
    let encoded = urls.filter_map(|url| url.strip_prefix("data:image/jpeg;base64,"));
    encoded.flat_map(|picture| STANDARD.decode(picture).unwrap_or_default()).collect()
}

/// FNV-1a: plain, and the same in every build.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn completion(text: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-6-luna",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": text } }],
        "usage": { "prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100 },
    })
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.to_string())).unwrap()
}

fn refuse(status: u16, text: &str) -> Response<Body> {
    answer(status, &json!({ "error": { "message": text, "type": "invalid_request_error" } }))
}

async fn models() -> Response<Body> {
    answer(200, &json!({ "object": "list", "data": [{ "id": "gpt-6-luna", "object": "model" }] }))
}

async fn complete(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    shared.kept().direct += 1;
    let request = serde_json::from_slice(&body).unwrap();
    answer(200, &completion(&said(&shared.rules, &request)))
}

async fn upload(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let file = file_in(&headers, &body);
    if file.len() > shared.rules.max_bytes {
        return refuse(413, "the file is too large");
    }
    let id = {
        let mut kept = shared.kept();
        kept.uploads += 1;
        keep(&mut kept, file)
    };
    shared.hang(Step::Upload).await;
    answer(200, &json!({ "id": id, "object": "file", "purpose": "batch" }))
}

fn keep(kept: &mut Kept, file: Vec<u8>) -> String {
    kept.named += 1;
    let id = format!("file-{}", kept.named);
    kept.files.insert(id.clone(), file);
    id
}

/// Takes the part `file` out of a form.
fn file_in(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let kind = headers["content-type"].to_str().unwrap();
    let boundary = format!("\r\n--{}", kind.split_once("boundary=").unwrap().1);
    let begin = find(body, b"name=\"file\"").expect("the form has a file");
    let begin = begin + find(&body[begin..], b"\r\n\r\n").unwrap() + 4;
    let end = find(&body[begin..], boundary.as_bytes()).expect("the form has an end");
    body[begin..begin + end].to_vec()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

async fn forget(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response<Body> {
    match shared.kept().files.remove(&id) {
        Some(_) => answer(200, &json!({ "id": id, "deleted": true })),
        None => refuse(404, "no such file"),
    }
}

async fn content(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response<Body> {
    let Some(file) = shared.kept().files.get(&id).cloned() else { return refuse(404, "no such file") };
    if shared.kept().hang_at != Some(Step::Download) {
        return Response::new(Body::from(file));
    }
    let half = Bytes::copy_from_slice(&file[..file.len() / 2]);
    Response::new(Body::from_stream(futures::stream::unfold(Some(half), move |half| {
        let shared = Arc::clone(&shared);
        async move {
            if half.is_none() {
                shared.hang(Step::Download).await;
            }
            Some((Ok::<_, std::io::Error>(half?), None))
        }
    })))
}

async fn create(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    let request: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(request["endpoint"], "/v1/chat/completions");
    assert_eq!(request["completion_window"], "24h");
    let input = request["input_file_id"].as_str().unwrap_or_default().to_owned();
    let made = {
        let mut kept = shared.kept();
        let Some(file) = kept.files.get(&input) else { return refuse(400, "no such file") };
        let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        if lines > shared.rules.max_lines {
            return refuse(400, "too many requests in one file");
        }
        let id = format!("batch_{}", kept.batches.len() + 1);
        let metadata = request["metadata"].clone();
        let status = "validating".to_owned();
        kept.batches.push(ServedBatch {
            id,
            status,
            lines,
            metadata,
            input,
            output: None,
            errors: None,
            polls: 0,
        });
        described(kept.batches.last().unwrap())
    };
    shared.hang(Step::Create).await;
    answer(200, &made)
}

fn described(batch: &ServedBatch) -> Value {
    json!({
        "id": batch.id, "object": "batch", "status": batch.status, "metadata": batch.metadata,
        "input_file_id": batch.input, "output_file_id": batch.output, "error_file_id": batch.errors,
        "created_at": 1, "endpoint": "/v1/chat/completions", "errors": null,
    })
}

async fn list(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let batches: Vec<_> = shared.kept().batches.iter().rev().map(described).collect();
    answer(200, &json!({ "object": "list", "data": batches, "has_more": false }))
}

async fn retrieve(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response<Body> {
    shared.hang(Step::Poll).await;
    let mut kept = shared.kept();
    let Some(index) = kept.batches.iter().position(|batch| batch.id == id) else {
        return refuse(404, "no such batch");
    };
    let batch = &mut kept.batches[index];
    batch.polls += 1;
    match batch.status.as_str() {
        "validating" | "in_progress" if batch.polls >= shared.rules.polls => {
            work(&shared.rules, &mut kept, (index, "completed"));
        }
        "validating" => batch.status = "in_progress".to_owned(),
        "cancelling" => work(&shared.rules, &mut kept, (index, "cancelled")),
        _ => {}
    }
    answer(200, &described(&kept.batches[index]))
}

async fn cancel(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response<Body> {
    let mut kept = shared.kept();
    let Some(batch) = kept.batches.iter_mut().find(|batch| batch.id == id) else {
        return refuse(404, "no such batch");
    };
    if matches!(batch.status.as_str(), "validating" | "in_progress") {
        batch.status = "cancelling".to_owned();
    }
    answer(200, &described(batch))
}

/// Answers the lines of a batch: all, or as many as fit before it ends otherwise.
fn work(rules: &Rules, kept: &mut Kept, (index, status): (usize, &str)) {
    let input = kept.files[&kept.batches[index].input].clone();
    let mut lines: Vec<Value> = input
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    // Not in the order in which they came.
    lines.sort_by_key(|line| hash(line["custom_id"].as_str().unwrap().as_bytes()));
    let expires = rules.expires_after.filter(|_| index == 0 && status == "completed");
    let answered = match status {
        "cancelled" => lines.len() / 2,
        _ => expires.unwrap_or(lines.len()).min(lines.len()),
    };
    let code = if expires.is_some() { "batch_expired" } else { "batch_cancelled" };
    let (mut output, mut errors) = (String::new(), String::new());
    for (number, line) in lines.iter().enumerate() {
        let name = line["custom_id"].as_str().unwrap().to_owned();
        if number >= answered {
            let error = json!({ "code": code, "message": "not in time" });
            errors +=
                &format!("{}\n", json!({ "id": "x", "custom_id": name, "response": null, "error": error }));
            continue;
        }
        let question = hash(&picture(&line["body"]));
        if question % 1000 < rules.fail_permille && kept.failed.insert(question) {
            let error = json!({ "message": "the server had an error", "type": "server_error" });
            let response = json!({ "status_code": 500, "body": { "error": error } });
            errors += &format!(
                "{}\n",
                json!({ "id": "x", "custom_id": name, "response": response, "error": null })
            );
            continue;
        }
        let response = json!({ "status_code": 200, "body": completion(&said(rules, &line["body"])) });
        output +=
            &format!("{}\n", json!({ "id": "x", "custom_id": name, "response": response, "error": null }));
        *kept.answered.entry(name).or_default() += 1;
    }
    let output = (!output.is_empty()).then(|| keep(kept, output.into_bytes()));
    let errors = (!errors.is_empty()).then(|| keep(kept, errors.into_bytes()));
    let batch = &mut kept.batches[index];
    batch.status = if expires.is_some() { "expired" } else { status }.to_owned();
    (batch.output, batch.errors) = (output, errors);
}
