//! Lists of the API: cameras, segments, events, hits.

use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{Event, Span};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::fault::{Fault, Made};
use crate::page::play::{AT_ONCE, Playable, known, playable};
use crate::page::{clip, search as page_search, thumbnail};
use crate::pages::{Pages, Shared};
use crate::params::{Params, written};

#[derive(Serialize)]
struct Cameras {
    cameras: Vec<String>,
}

pub(crate) async fn cameras(State(pages): Shared) -> Response {
    let list = |pages: &Pages| -> Made<Cameras> {
        Ok(Cameras { cameras: pages.site.cameras()?.keys().map(ToString::to_string).collect() })
    };
    pages.json(list).await
}

#[derive(Serialize)]
struct Segments {
    segments: Vec<Playable>,
}

/// Of one camera, from a time on.
pub(crate) async fn segments(State(pages): Shared, params: Params) -> Response {
    pages
        .json(move |pages| {
            let Some(camera) = params.get("camera") else {
                return Err(Fault::Wrong { text: "`camera` is missing".to_owned() });
            };
            let camera = known(pages, camera)?;
            let [from, to] = pages.site.when().span(params.get("from"), params.get("to"))?;
            let from = from.unwrap_or(DateTime::UNIX_EPOCH);
            let to = to.unwrap_or(DateTime::<Utc>::MAX_UTC);
            let limit = if params.get("limit").is_some() { params.limit()? } else { AT_ONCE };
            Ok(Segments { segments: playable(pages, &camera, (within(from, to), limit))? })
        })
        .await
}

/// Times that no file has are cut to those that the catalogue can reckon with.
fn within(from: DateTime<Utc>, to: DateTime<Utc>) -> Span {
    let latest = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    Span::new(from.clamp(DateTime::UNIX_EPOCH, latest), to.clamp(DateTime::UNIX_EPOCH, latest))
}

#[derive(Serialize)]
struct Events {
    events: Vec<TellableEvent>,
    /// What `before` takes for the next page; null at the end.
    next: Option<String>,
}

/// An event as `events --json` has it, with its picture by address.
#[derive(Serialize)]
struct TellableEvent {
    #[serde(flatten)]
    event: Event,
    picture: Option<String>,
}

impl From<Event> for TellableEvent {
    fn from(mut event: Event) -> Self {
        // Where a file lies on the server is nobody's business.
        let picture = event.thumbnail.take().map(|_| thumbnail::address(event.id));
        Self { event, picture }
    }
}

pub(crate) async fn events(State(pages): Shared, params: Params) -> Response {
    pages
        .json(move |pages| {
            let filter = params.events(pages.site.when())?;
            let events = pages.site.catalog.events_before(&filter, params.before()?)?;
            let is_full = filter.limit.is_some_and(|limit| events.len() >= limit as usize);
            let next = events.last().filter(|_| is_full).and_then(Event::place).map(written);
            Ok(Events { events: events.into_iter().map(TellableEvent::from).collect(), next })
        })
        .await
}

pub(crate) async fn event(State(pages): Shared, Path(id): Path<String>) -> Response {
    pages.json(move |pages| one(pages, &id)).await
}

fn one(pages: &Pages, id: &str) -> Made<TellableEvent> {
    let event = match id.parse() {
        Ok(id) => pages.site.catalog.event(id)?,
        Err(_) => None,
    };
    event.map(TellableEvent::from).ok_or(Fault::NotFound { what: "event" })
}

/// Of one camera, from a time to another.
pub(crate) async fn clip(State(pages): Shared, params: Params) -> Response {
    pages.json(move |pages| clip::line(pages, &params)).await
}

#[derive(Serialize)]
struct FoundEvents {
    all_words: bool,
    hits: Vec<TellableHit>,
}

#[derive(Serialize)]
struct TellableHit {
    #[serde(flatten)]
    event: TellableEvent,
    snippet: String,
}

pub(crate) async fn search(State(pages): Shared, params: Params) -> Response {
    pages
        .json(move |pages| {
            let (_, found) = page_search::find(&pages.site, &params)?;
            let hits = found.hits.into_iter();
            let hits =
                hits.map(|hit| TellableHit { event: hit.event.into(), snippet: hit.snippet }).collect();
            Ok(FoundEvents { all_words: found.all_words, hits })
        })
        .await
}
