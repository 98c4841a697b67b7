//! The provider's files and batches, as requests.
//!
//! Not by the library's own client: it holds a whole answer file in memory, and its types break on fields that other
//! servers leave out.

use std::time::Duration;

use async_openai::config::Config;
use config::{Secret, Vision};
use reqwest::header::RETRY_AFTER;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::endpoint::{Endpoint, http_client, secrets};
use super::super::error::VisionError;
use super::super::failure::{Failure, RetryAfter};
use super::super::transport::{read_body, redact};

/// For files of up to 200 MB over a slow line.
const TRANSFER: Duration = Duration::from_secs(3600);

/// For everything else.
const TALK: Duration = Duration::from_secs(60);

/// Under this name our own id of a batch stands in its metadata.
const OUR_ID: &str = "nightreel_batch";

/// The only one there is.
const COMPLETION_WINDOW: &str = "24h";

pub(super) struct Provider {
    http: reqwest::Client,
    endpoint: Endpoint,
    /// Must not appear in what is kept of an error.
    secrets: Vec<Secret>,
}

/// A batch, as the provider describes it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Remote {
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: String,
    pub(super) input_file_id: Option<String>,
    pub(super) output_file_id: Option<String>,
    pub(super) error_file_id: Option<String>,
    pub(super) metadata: Option<Value>,
    /// Why it failed as a whole.
    pub(super) errors: Option<Value>,
}

impl Remote {
    /// Returns our own id, where we made it.
    pub(super) fn ours(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(OUR_ID)?.as_str()
    }
}

#[derive(Default, Deserialize)]
struct Page {
    #[serde(default)]
    data: Vec<Remote>,
    #[serde(default)]
    has_more: bool,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Provider {
    pub(super) fn new(settings: &Vision) -> Result<Self, VisionError> {
        Ok(Self {
            http: http_client(settings)?,
            endpoint: Endpoint::new(settings)?,
            secrets: secrets(settings),
        })
    }

    /// Sends a file of requests and returns its id.
    pub(super) async fn upload(&self, name: &str, body: Body, length: u64) -> Result<String, Failure> {
        let part = Part::stream_with_length(body, length).file_name(format!("{name}.jsonl"));
        let part = part.mime_str("application/jsonl").map_err(Failure::from_transport)?;
        let form = Form::new().text("purpose", "batch").part("file", part);
        let request = self.request(Method::POST, "/files").timeout(TRANSFER).multipart(form);
        Ok(self.json::<Named>(request).await?.id)
    }

    pub(super) async fn create(&self, input_file: &str, ours: &str) -> Result<Remote, Failure> {
        let body = json!({
            "input_file_id": input_file,
            "endpoint": super::line::ENDPOINT,
            "completion_window": COMPLETION_WINDOW,
            "metadata": { OUR_ID: ours },
        });
        self.json(self.request(Method::POST, "/batches").json(&body)).await
    }

    pub(super) async fn retrieve(&self, id: &str) -> Result<Remote, Failure> {
        self.json(self.request(Method::GET, &format!("/batches/{id}"))).await
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<Remote, Failure> {
        self.json(self.request(Method::POST, &format!("/batches/{id}/cancel"))).await
    }

    /// Lists the batches of the account, newest first, page by page, until `is_enough`.
    pub(super) async fn list(&self, mut is_enough: impl FnMut(&[Remote]) -> bool) -> Result<(), Failure> {
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("limit", "100".to_owned())];
            query.extend(after.map(|after| ("after", after)));
            let page: Page = self.json(self.request(Method::GET, "/batches").query(&query)).await?;
            let enough = is_enough(&page.data);
            after = page.data.last().map(|last| last.id.clone());
            if enough || !page.has_more || after.is_none() {
                return Ok(());
            }
        }
    }

    /// Begins to read a file; its body is for the caller to read piece by piece.
    pub(super) async fn content(&self, file: &str) -> Result<Response, Failure> {
        let request = self.request(Method::GET, &format!("/files/{file}/content")).timeout(TRANSFER);
        self.send(request).await
    }

    pub(super) async fn delete(&self, file: &str) -> Result<(), Failure> {
        self.send(self.request(Method::DELETE, &format!("/files/{file}"))).await.map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.endpoint.url(path)).headers(self.endpoint.headers()).timeout(TALK)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let mut response = request.send().await.map_err(Failure::from_transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| RetryAfter::parse(value.to_str().ok()?));
        let body = read_body(&mut response).await.unwrap_or_default();
        let text = redact(&body, &self.secrets);
        Err(Failure::from_status(status.as_u16(), retry_after, &text))
    }

    async fn json<T: for<'de> Deserialize<'de>>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let mut response = self.send(request).await?;
        let body = read_body(&mut response).await?;
        serde_json::from_slice(&body).map_err(|error| Failure::Unreadable {
            text: format!("it is no description of a batch: {error}"),
        })
    }
}

/// Tells whether a server says that it has no batches at all.
pub(super) fn has_none(failure: &Failure) -> bool {
    matches!(failure, Failure::Status { status: 404 | 405 | 501, .. })
}
