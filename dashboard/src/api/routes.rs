//! Which addresses the API has.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::api::{failures, figures, lists};
use crate::fault::Fault;
use crate::pages::Pages;

/// Written by hand: a dozen addresses, of which a test asks each. To have it made from types, those of other crates would
/// have to know of it.
const OPENAPI: &str = include_str!("../../assets/openapi.json");

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

pub(crate) fn router() -> Router<Arc<Pages>> {
    Router::new()
        .route("/cameras", get(lists::cameras))
        .route("/segments", get(lists::segments))
        .route("/clip", get(lists::clip))
        .route("/events", get(lists::events))
        .route("/events/{id}", get(lists::event))
        .route("/search", get(lists::search))
        .route("/status", get(figures::status))
        .route("/estimate", get(figures::estimate))
        .route("/plan", get(figures::plan))
        .route("/archived", get(figures::archived))
        .route("/coverage", get(figures::of_day))
        .route("/failures", get(failures::list))
        .route("/failures/{id}/requeue", post(failures::requeue))
        .route("/openapi.json", get(openapi))
        .fallback(async || Fault::NotFound { what: "address" }.json())
}
