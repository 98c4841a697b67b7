//! The transport: sends one request and judges the raw response before any library parses it.
//!
//! `async-openai` loses the status of errors that it cannot parse, writes unparsable answers into the log at
//! ERROR, and retries on its own. Its middleware hook replaces all of that: what passes here is a reply that
//! parses, everything else is a [`Failure`].

use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use config::Secret;
use futures::future::BoxFuture;
use reqwest::Response;
use reqwest::header::RETRY_AFTER;

use super::failure::{Failure, RetryAfter};
use super::wire::Reply;

/// A caption is a few kilobytes; more comes only from a server that is not what it claims to be.
const BODY_LIMIT: usize = 4 << 20;

#[derive(Clone)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    /// Must not appear in what is kept of an error.
    pub(super) secrets: Vec<Secret>,
}

impl tower::Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Response, Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move {
            let request =
                factory.build().await.map_err(|error| Failure::Unsendable { text: error.to_string() })?;
            let response = transport.http.execute(request).await.map_err(Failure::from_transport)?;
            transport.judge(response).await
        })
    }
}

impl Transport {
    async fn judge(&self, mut response: Response) -> Result<Response, Failure> {
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| RetryAfter::parse(value.to_str().ok()?));
        let body = read_body(&mut response).await;
        if !status.is_success() {
            // The status says enough, even when the connection broke before the text ended.
            let text = redact(&body.unwrap_or_default(), &self.secrets);
            return Err(Failure::from_status(status.as_u16(), retry_after, &text));
        }
        let body = body?;
        serde_json::from_slice::<Reply>(&body).map_err(|error| unreadable(&error))?;
        let vetted = http::Response::builder().status(status).body(body);
        vetted.map(Response::from).map_err(|error| Failure::Unreadable { text: error.to_string() })
    }
}

/// Takes secrets and pictures out of what the server says: some repeat the request in their error page.
pub(super) fn redact(body: &[u8], secrets: &[Secret]) -> String {
    let text = without_pictures(&String::from_utf8_lossy(body));
    let secrets = secrets.iter().map(Secret::expose).filter(|secret| !secret.is_empty());
    secrets.fold(text, |text, secret| text.replace(secret, "***"))
}

fn without_pictures(text: &str) -> String {
    const MARK: &str = ";base64,";
    let mut parts = text.split(MARK);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // Some escape the slash.
        let is_picture = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '\\');
        kept.extend([MARK, "***", part.trim_start_matches(is_picture)]);
    }
    kept
}

/// Names the place, not the parser's message: that quotes the content, which is what the camera saw.
fn unreadable(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text =
        format!("it is no valid JSON reply ({:?} error, line {line}, column {column})", error.classify());
    Failure::Unreadable { text }
}

pub(super) async fn read_body(response: &mut Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::from_transport)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(Failure::Unreadable { text: format!("it is longer than {BODY_LIMIT} bytes") });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl From<Failure> for OpenAIError {
    fn from(failure: Failure) -> Self {
        Self::Boxed(Box::new(failure))
    }
}

/// Gets the failure back out of the library's error.
pub(super) fn failure_of(error: OpenAIError) -> Failure {
    match error {
        OpenAIError::Boxed(error) => match error.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(error) => Failure::Unsendable { text: error.to_string() },
        },
        OpenAIError::Reqwest(error) => Failure::from_transport(error),
        OpenAIError::JSONDeserialize(error, _) => unreadable(&error),
        other => Failure::Unsendable { text: other.to_string() },
    }
}
