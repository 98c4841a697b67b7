//! The player of a camera: `/play/gate?at=2026-11-25T22:00:00Z`. One segment after another, over an hour's strip.

use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{CoverageRows, Event, EventFilter, Segment, Span};
use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use config::CameraId;
use maud::{Markup, html};
use serde::Serialize;

use crate::fault::{Fault, Made};
use crate::page::assets::address;
use crate::page::card::Card;
use crate::page::cues;
use crate::page::shell::{Tab, shell};
use crate::page::still;
use crate::page::strip::{Links, Strip, away_spans};
use crate::page::words::{clock, count, date_and_clock, encoded, instant, media_address, play_address};
use crate::pages::{Pages, Shared};
use crate::params::Params;

/// Segments that a player is given at once; it asks for those after them.
pub(crate) const AT_ONCE: u32 = 30;

/// Stretches of an hour that are told one by one.
const SHOWN_STRETCHES: usize = 12;

/// Events of the hour that are shown as cards.
const CARDS: u32 = 12;

/// A segment as players want it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Playable {
    pub(crate) id: i64,
    pub(crate) start: DateTime<Utc>,
    /// Absent where nobody has opened the file yet.
    pub(crate) duration_s: Option<f64>,
    pub(crate) media: String,
    pub(crate) cues: String,
}

impl Playable {
    fn of(segment: &Segment) -> Option<Self> {
        Some(Self {
            id: segment.id.0,
            start: segment.start,
            duration_s: segment.duration.map(|length| length.as_secs_f64()),
            media: media_address(segment)?,
            cues: cues::address(segment.id),
        })
    }
}

/// Lists what can be played of a camera within a span.
pub(crate) fn playable(pages: &Pages, camera: &CameraId, within: (Span, u32)) -> Made<Vec<Playable>> {
    let segments = pages.site.catalog.camera_segments(camera, within)?;
    Ok(segments.iter().filter_map(Playable::of).collect())
}

pub(crate) async fn player(State(pages): Shared, Path(camera): Path<String>, params: Params) -> Response {
    pages.page(move |pages| show(pages, &known(pages, &camera)?, &params)).await
}

/// Reads the id of a camera that there is.
pub(crate) fn known(pages: &Pages, camera: &str) -> Made<CameraId> {
    let missing = || Fault::NotFound { what: "camera" };
    let id: CameraId = camera.parse().map_err(|_| missing())?;
    if pages.site.cameras()?.contains_key(&id) { Ok(id) } else { Err(missing()) }
}

/// Reads a time that a link has; the newest footage where it has none.
fn asked_time(pages: &Pages, camera: &CameraId, params: &Params) -> Made<DateTime<Utc>> {
    let now = pages.site.clock.now();
    match pages.site.when().span(params.get("at"), None)? {
        [Some(at), _] => Ok(at.clamp(DateTime::UNIX_EPOCH, now + TimeDelta::days(366))),
        [None, _] => {
            Ok(pages.site.catalog.camera_segment_before(camera, now)?.map_or(now, |segment| segment.start))
        }
    }
}

fn show(pages: &Pages, camera: &CameraId, params: &Params) -> Made<Markup> {
    let site = &pages.site;
    let at = asked_time(pages, camera, params)?;
    let hour = at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
    let span = Span::new(hour, hour + TimeDelta::hours(1));
    let segments = playable(pages, camera, (Span::new(at, at + TimeDelta::days(1)), AT_ONCE))?;
    let filter = EventFilter {
        from: Some(span.from),
        to: Some(span.to),
        cameras: vec![camera.to_string()],
        limit: Some(CARDS),
        ..EventFilter::default()
    };
    let events = site.catalog.events(&filter)?;
    let rows = site.catalog.coverage_rows(camera, span, site.clock.now())?;
    let away = away_spans(&rows, span);
    let title = format!("{camera}, {}", date_and_clock(at, site.zone()));
    let body = html! {
        div.head {
            h1 { (camera) " " small #now { (date_and_clock(at, site.zone())) } }
            (hour_links(camera, span))
        }
        (archived_then(pages, camera, (&away, at)))
        (screen(pages, &segments, at))
        (strip(pages, (camera, span), &rows)?)
        (controls(&segments, &views(pages, camera, at)))
        @if !segments.is_empty() { (clip_form(pages, camera, at)) }
        (archived(pages, camera, &away))
        @if !events.is_empty() { (seen(pages, &events)) }
        script src=(address("play.js")) defer {}
    };
    Ok(shell(&title, Tab::Day, &body))
}

fn hour_links(camera: &CameraId, span: Span) -> Markup {
    html! {
        nav.days aria-label="Hours" {
            a rel="prev" href=(play_address(camera.as_str(), span.from - TimeDelta::hours(1))) { "← hour before" }
            a rel="next" href=(play_address(camera.as_str(), span.to)) { "hour after →" }
            a href={ "/live/" (encoded(camera.as_str())) } { "live" }
            a href={ "/events?camera=" (encoded(camera.as_str())) } { "its events" }
        }
    }
}

fn screen(pages: &Pages, segments: &[Playable], at: DateTime<Utc>) -> Markup {
    let stills = pages.site.makers.still.is_some();
    html! {
        @if let Some(first) = segments.first() {
            div #player data-segments=(serde_json::to_string(segments).unwrap_or_default()) data-at=(instant(at))
                data-zone=(pages.site.zone().name()) {
                video controls muted playsinline preload="auto" src=(first.media) {
                    track kind="subtitles" srclang="en" label="What was seen" src=(first.cues) default;
                }
                img #still hidden alt="What the view shows at this time";
                p #cannot.note role="alert" hidden {
                    "This browser cannot play the file. Cameras that send H.265 need one that can (Safari, or Edge on "
                    "Windows). "
                    @if stills { "Stills of it are shown instead, and go on by the buttons below. " }
                    @else { "Pictures of the events are below. " }
                    a.download href=(first.media) download { "Download this segment" }
                    ", or a clip of it, for a player that can: mpv, VLC."
                }
            }
        } @else {
            p.empty { "There is no footage from then on." }
        }
    }
}

/// Says that what was asked for is no longer on the disk, and how it comes back.
fn archived_then(pages: &Pages, camera: &CameraId, (away, at): (&[Span], DateTime<Utc>)) -> Markup {
    html! {
        @if let Some(span) = away.iter().find(|span| span.from <= at && at < span.to) {
            p.note { "This is in the archive and no longer on the disk. " (comes_back(pages, camera, *span)) }
        }
    }
}

/// Lists what of the hour is no longer on the disk.
fn archived(pages: &Pages, camera: &CameraId, away: &[Span]) -> Markup {
    html! {
        @if !away.is_empty() {
            details {
                summary { "What of this hour is in the archive, and no longer on the disk" }
                ul { @for span in away.iter().take(SHOWN_STRETCHES) { li { (comes_back(pages, camera, *span)) } } }
                @if away.len() > SHOWN_STRETCHES { p { "And others: the strip shows them." } }
            }
        }
    }
}

fn comes_back(pages: &Pages, camera: &CameraId, span: Span) -> Markup {
    let zone = pages.site.zone();
    html! {
        "From " (clock(span.from, zone)) " to " (clock(span.to, zone)) " comes back by " code { (restore(camera, span)) }
    }
}

/// Returns the command that brings footage back.
pub(crate) fn restore(camera: &CameraId, span: Span) -> String {
    let second = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    // to the next whole second, so that nothing is cut off
    let to = span.to + TimeDelta::milliseconds(999);
    format!("nightreel restore --camera {camera} --from {} --to {}", second(span.from), second(to))
}

fn strip(pages: &Pages, (camera, span): (&CameraId, Span), rows: &CoverageRows) -> Made<Markup> {
    let zone = pages.site.zone();
    let marks = pages.site.catalog.marks(span, TimeDelta::seconds(10))?;
    let marks: Vec<_> = marks.into_iter().filter(|mark| mark.camera == camera.as_str()).collect();
    let strip = Strip { camera: camera.as_str(), span, zone, rows, marks: &marks, links: Links::Player };
    Ok(html! {
        div.line {
            (strip.svg())
            div.hours aria-hidden="true" {
                @for ten in 0..6 { span { (clock(span.from + TimeDelta::minutes(10 * ten), zone)[..5]) } }
            }
        }
    })
}

/// Lists the views of a camera with where a still of each is; none where no still can be made.
fn views(pages: &Pages, camera: &CameraId, at: DateTime<Utc>) -> Vec<(String, String)> {
    let Some(_) = pages.site.makers.still else { return Vec::new() };
    let named = still::views(pages, camera).into_iter();
    named.map(|view| (view.name.clone(), still::address(camera, &view.name, at))).collect()
}

fn controls(segments: &[Playable], views: &[(String, String)]) -> Markup {
    html! {
        @if let Some(first) = segments.first() {
            p.controls {
                button #back type="button" title="Key: ," { "− 10 s" } " "
                button #less type="button" title="Key: <" { "− 1 s" } " "
                button #more type="button" title="Key: >" { "+ 1 s" } " "
                button #on type="button" title="Key: ." { "+ 10 s" } " "
                button #before type="button" title="Key: p" { "event before" } " "
                button #after type="button" title="Key: n" { "next event" } " "
                label { "Speed " select #speed { option { "1" } option { "2" } option { "4" } option { "8" } } } " "
                @if !views.is_empty() {
                    label {
                        "View " select #view disabled autocomplete="off" {
                            option value="" { "video" }
                            @for (name, _) in views { option value=(name) { (name) ", still" } }
                        }
                    }
                    " " noscript {
                        "Stills: "
                        @for (name, address) in views { a href=(address) { (name) } " " }
                    }
                }
                a #download.button.download href=(first.media) download { "Download this segment" }
            }
        }
    }
}

/// Works without the script too, which fills in what is being shown.
fn clip_form(pages: &Pages, camera: &CameraId, at: DateTime<Utc>) -> Markup {
    let local =
        |at: DateTime<Utc>| at.with_timezone(&pages.site.zone()).format("%Y-%m-%dT%H:%M:%S").to_string();
    html! {
        form #clip.filters action={ "/clip/" (encoded(camera.as_str())) } aria-label="Clip" {
            @for (name, key, word, value) in
                [("from", "i", "Clip from", local(at)), ("to", "o", "to", local(at + TimeDelta::seconds(30)))] {
                label { (word) input type="datetime-local" step="1" name=(name) value=(value) required; }
                button type="button" hidden data-mark=(name) title={ "Key: " (key) } { "here" }
            }
            button { "Clip" }
        }
    }
}

fn seen(pages: &Pages, events: &[Event]) -> Markup {
    html! {
        h2 { (count(events.len() as u64, "event")) " in this hour" }
        div.cards {
            @for event in events { (Card { event, zone: pages.site.zone(), snippet: None }.markup()) }
        }
    }
}
