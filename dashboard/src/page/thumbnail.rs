//! The small picture of an event: `/thumbnails/17.jpg`.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::fault::{Fault, Made};
use crate::pages::{Pages, Shared};

pub(crate) async fn picture(State(pages): Shared, Path(name): Path<String>) -> Response {
    match pages.make(move |pages| read(pages, &name)).await {
        // An event may come to show better in another frame.
        Ok(jpeg) => {
            ([(CONTENT_TYPE, "image/jpeg"), (CACHE_CONTROL, "private, max-age=300")], jpeg).into_response()
        }
        Err(fault) => fault.json(),
    }
}

/// The name is a number and nothing else: which file that is, the catalogue says.
fn read(pages: &Pages, name: &str) -> Made<Vec<u8>> {
    let missing = || Fault::NotFound { what: "picture" };
    let id = name.strip_suffix(".jpg").and_then(|id| id.parse().ok()).ok_or_else(missing)?;
    let event = pages.site.catalog.event(id)?.ok_or_else(missing)?;
    let path = event.thumbnail.ok_or_else(missing)?;
    std::fs::read(path).map_err(|_| missing())
}

/// Returns the address of an event's picture.
pub(crate) fn address(event: i64) -> String {
    format!("/thumbnails/{event}.jpg")
}
