//! The events: `/events` by the page, with filters, and `/events/17`.

use axum::extract::{Path, State};
use axum::response::Response;
use catalog::Event;
use maud::{Markup, html};

use crate::fault::{Fault, Made};
use crate::page::assets::address;
use crate::page::card::{Card, times, what};
use crate::page::shell::{Tab, shell};
use crate::page::words::{date_and_clock, play_address};
use crate::pages::{Pages, Shared};
use crate::params::{Params, written};

pub(crate) async fn list(State(pages): Shared, params: Params) -> Response {
    pages.page(move |pages| show(pages, &params)).await
}

pub(crate) async fn one(State(pages): Shared, Path(id): Path<String>) -> Response {
    pages
        .page(move |pages| {
            let missing = Fault::NotFound { what: "event" };
            let event = match id.parse() {
                Ok(id) => pages.site.catalog.event(id)?,
                Err(_) => None,
            };
            Ok(single(pages, &event.ok_or(missing)?))
        })
        .await
}

fn show(pages: &Pages, params: &Params) -> Made<Markup> {
    let site = &pages.site;
    let filter = params.events(site.when())?;
    let events = site.catalog.events_before(&filter, params.before()?)?;
    let is_full = filter.limit.is_some_and(|limit| events.len() >= limit as usize);
    let next = events.last().and_then(Event::place).filter(|_| is_full);
    let next = next.map(|place| format!("/events?{}", params.with(&[("before", &written(place))])));
    let body = html! {
        h1 { "Events" }
        (filters(pages, params)?)
        @if events.is_empty() {
            p.empty { "There is no such event. Events come from processed footage: " a href="/" { "see the day" } "." }
        }
        div.cards { @for event in &events { (Card { event, zone: site.zone(), snippet: None }.markup()) } }
        @if let Some(next) = next { p.more { a #older rel="next" href=(next) { "Older events" } } }
        script src=(address("more.js")) defer {}
    };
    Ok(shell("Events", Tab::Events, &body))
}

fn filters(pages: &Pages, params: &Params) -> Made<Markup> {
    let cameras = pages.site.cameras()?;
    let cameras: Vec<&str> = cameras.keys().map(config::CameraId::as_str).collect();
    let labels = pages.labels()?;
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Ok(html! {
        form.filters action="/events" {
            (choice(("camera", "Camera"), &cameras, params.get("camera")))
            (choice(("label", "What"), &labels, params.get("label")))
            (choice(("notable", "Notable"), &["only"], params.get("notable")))
            label { "From" input name="from" value=[params.get("from")] placeholder="yesterday 22:00" size="14"; }
            label { "To" input name="to" value=[params.get("to")] placeholder="02:00" size="14"; }
            button { "Show" }
        }
    })
}

fn choice((name, title): (&str, &str), of: &[&str], chosen: Option<&str>) -> Markup {
    html! {
        label {
            (title)
            select name=(name) {
                option value="" { "all" }
                @for entry in of { option value=(entry) selected[chosen == Some(entry)] { (entry) } }
            }
        }
    }
}

fn single(pages: &Pages, event: &Event) -> Markup {
    let (zone, (start, _)) = (pages.site.zone(), times(event));
    let best = event.what.best.time.parse().unwrap_or(start);
    let body = html! {
        h1 { (what(event)) ", " (date_and_clock(start, zone)) }
        div.cards.single { (Card { event, zone, snippet: None }.markup()) }
        @if let Some(camera) = &event.camera {
            p {
                a.button href=(play_address(camera, start)) { "Play from its start" } " "
                a.button href=(play_address(camera, best)) { "Play where it shows best" }
            }
        }
        @if event.what.captions.len() > 1 {
            h2 { "What was said" }
            ul { @for caption in &event.what.captions { li { (caption) } } }
        }
        p { "File: " code { (event.file) } " (" (event.file_state) ")" }
    };
    shell(&what(event), Tab::Events, &body)
}
