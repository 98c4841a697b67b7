//! Failures of the API: what was given up, and putting it back.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use catalog::{DeadLetter, Queue};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use crate::fault::Fault;
use crate::page::night::{queue, release};
use crate::pages::Shared;

/// Browsers ask before they send it to another origin, and are then refused: no page elsewhere can have it sent.
const REQUESTED_BY: &str = "x-requested-by";

#[derive(Serialize)]
struct Failures {
    failures: Vec<Failure>,
}

/// A line of `queue list --json`.
#[derive(Serialize)]
struct Failure {
    id: i64,
    camera: Option<String>,
    file: String,
    start: DateTime<Utc>,
    attempts: u32,
    reason: String,
}

impl From<DeadLetter> for Failure {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { segment, attempts, reason } = letter;
        let file = segment.path.display().to_string();
        Self { id: segment.id.0, camera: segment.camera, file, start: segment.start, attempts, reason }
    }
}

pub(crate) async fn list(State(pages): Shared) -> Response {
    pages
        .json(|pages| {
            Ok(Failures { failures: queue(pages).dead()?.into_iter().map(Failure::from).collect() })
        })
        .await
}

pub(crate) async fn requeue(State(pages): Shared, Path(id): Path<String>, headers: HeaderMap) -> Response {
    pages
        .json(move |pages| {
            if !headers.contains_key(REQUESTED_BY) {
                return Err(Fault::Wrong { text: format!("the header `{REQUESTED_BY}` is missing") });
            }
            release(pages, &id).map(|()| json!({ "requeued": id }))
        })
        .await
}
