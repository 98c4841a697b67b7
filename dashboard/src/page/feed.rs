//! The events as an Atom feed, `/events.atom`, with the filters of `/events`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};
use catalog::Event;
use maud::{Markup, PreEscaped, html};

use crate::fault::Made;
use crate::page::card::{times, what};
use crate::page::thumbnail;
use crate::page::words::instant;
use crate::pages::{Pages, Shared};
use crate::params::Params;

pub(crate) async fn atom(State(pages): Shared, headers: HeaderMap, params: Params) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    match pages.make(move |pages| feed(pages, &host, &params)).await {
        Ok(feed) => {
            ([(CONTENT_TYPE, "application/atom+xml; charset=utf-8")], feed.into_string()).into_response()
        }
        Err(fault) => fault.json(),
    }
}

/// Readers want whole addresses; the host is the one they asked, which was checked before.
fn feed(pages: &Pages, host: &str, params: &Params) -> Made<Markup> {
    let filter = params.events(pages.site.when())?;
    let events = pages.site.catalog.events_before(&filter, None)?;
    let site = format!("http://{host}");
    let updated = events.iter().map(|event| times(event).1).max().unwrap_or_default();
    Ok(html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>"))
        feed xmlns="http://www.w3.org/2005/Atom" {
            title { "nightreel: events" }
            id { (site) "/events" }
            link rel="self" href={ (site) "/events.atom" } {}
            link href={ (site) "/events" } {}
            updated { (instant(updated)) }
            author { name { "nightreel" } }
            @for event in &events { (entry(event, &site)) }
        }
    })
}

fn entry(event: &Event, site: &str) -> Markup {
    let (start, end) = times(event);
    let camera = event.camera.as_deref().unwrap_or(&event.file);
    let address = format!("{site}/events/{}", event.id);
    html! {
        entry {
            title { (plain(&what(event))) " · " (plain(camera)) }
            id { (address) }
            link href=(address) {}
            @if event.thumbnail.is_some() {
                link rel="enclosure" type="image/jpeg" href={ (site) (thumbnail::address(event.id)) } {}
            }
            published { (instant(start)) }
            updated { (instant(end)) }
            summary { (plain(&event.what.captions.join("\n"))) }
        }
    }
}

/// XML has no way to write most control characters.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}
