//! What was seen in a segment as subtitles: `/cues/12.vtt`. They come from the catalogue, so that they are the newest.

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use catalog::SegmentId;

use crate::fault::{Fault, Made};
use crate::pages::{Pages, Shared};

pub(crate) async fn text(State(pages): Shared, Path(name): Path<String>) -> Response {
    match pages.make(move |pages| write(pages, &name)).await {
        Ok(cues) => ([(CONTENT_TYPE, "text/vtt; charset=utf-8")], cues).into_response(),
        Err(fault) => fault.json(),
    }
}

/// A segment that nobody looked at yet has none to show; that is no fault to a player.
fn write(pages: &Pages, name: &str) -> Made<String> {
    let id = name.strip_suffix(".vtt").and_then(|id| id.parse().ok()).map(SegmentId);
    let id = id.ok_or(Fault::NotFound { what: "segment" })?;
    let catalog = &pages.site.catalog;
    let results = match catalog.latest_profile(id)? {
        Some(profile) => catalog.results(id, &profile)?,
        None => None,
    };
    Ok(results.map_or_else(|| "WEBVTT\n".to_owned(), |results| catalog::cues::text(&results)))
}

/// Returns the address of a segment's cues.
pub(crate) fn address(segment: SegmentId) -> String {
    format!("/cues/{segment}.vtt")
}
