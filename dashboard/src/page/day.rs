//! A day of all cameras: `/`, `/day/2026-11-25`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use catalog::{Coverage, CoverageRows, Day, Mark, Span, Stamp, coverage};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use config::CameraId;
use maud::{Markup, PreEscaped, html};

use crate::fault::{Fault, Made};
use crate::kept::Holds;
use crate::packed::Packed;
use crate::page::shell::{Tab, shell};
use crate::page::strip::{Links, Strip, hours};
use crate::page::words::{count, length, long_date};
use crate::pages::{Pages, Shared};
use crate::params::Params;

/// Events of one label that begin in the same five minutes are one mark.
const SLOT: TimeDelta = TimeDelta::minutes(5);

/// Of a day that ended so lately the last segments are not all in the catalogue.
const SETTLES: TimeDelta = TimeDelta::minutes(10);

/// The strips of a day as they are written, and what they come to.
#[derive(Debug)]
struct Strips {
    markup: String,
    cameras: u64,
    events: u64,
    recorded_s: f64,
    expected_s: f64,
    holds: Holds,
}

/// What the page of a day that is over was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    stamp: Stamp,
    cameras: Vec<CameraId>,
}

pub(crate) async fn today(State(pages): Shared, asked: HeaderMap) -> Response {
    pages.packed(asked, |pages| kept(pages, today_of(pages))).await
}

pub(crate) async fn of_date(State(pages): Shared, Path(date): Path<String>, asked: HeaderMap) -> Response {
    pages.packed(asked, move |pages| kept(pages, read(&date)?)).await
}

fn kept(pages: &Pages, date: NaiveDate) -> Made<Arc<Packed>> {
    let site = &pages.site;
    let basis = || {
        let stamp = site.catalog.stamp(Day::of(date, site.zone()).span)?;
        Ok(Basis { stamp, cameras: site.cameras()?.into_keys().collect() })
    };
    pages.days.get(&date, basis, || {
        let strips = Strips::of(pages, date)?;
        Ok((Arc::new(Packed::new(show(pages, date, &strips))?), strips.holds))
    })
}

/// Goes to the day that was chosen in the calendar.
pub(crate) async fn chosen(State(_): Shared, params: Params) -> Response {
    match params.get("date").map(read).transpose() {
        Ok(Some(date)) => Redirect::to(&address(date)).into_response(),
        Ok(None) => Redirect::to("/").into_response(),
        Err(fault) => fault.page(),
    }
}

pub(crate) fn read(date: &str) -> Made<NaiveDate> {
    let years = |date: &NaiveDate| (1970..=9000).contains(&chrono::Datelike::year(date));
    let date = date.parse::<NaiveDate>().ok().filter(years);
    date.ok_or_else(|| Fault::Wrong { text: "that is no day; write it as in 2026-11-25".to_owned() })
}

fn address(date: NaiveDate) -> String {
    format!("/day/{date}")
}

pub(crate) fn today_of(pages: &Pages) -> NaiveDate {
    Day::at(pages.site.clock.now(), pages.site.zone()).date
}

fn show(pages: &Pages, date: NaiveDate, strips: &Strips) -> Markup {
    let span = Day::of(date, pages.site.zone()).span;
    let (before, after) = (date.pred_opt().unwrap_or(date), date.succ_opt().unwrap_or(date));
    let is_past = date < today_of(pages);
    let body = html! {
        div.head {
            h1 { (long_date(date)) }
            nav.days aria-label="Days" {
                a rel="prev" href=(address(before)) title="The day before: ←" { "← before" }
                @if is_past {
                    a rel="next" href=(address(after)) title="The day after: →" { "after →" }
                    a href="/" { "today" }
                }
                form action="/day" {
                    input type="date" name="date" value=(date) aria-label="Go to a day";
                    button { "Go" }
                }
            }
        }
        p.sum { (strips.sum()) " · " a href={ "/events?from=" (date) "&to=" (date) } { (count(strips.events, "event")) } }
        (legend())
        @if strips.cameras == 0 {
            p.empty { "Nothing was recorded yet. " code { "nightreel record" } " or " code { "nightreel run" } " begins." }
        } @else {
            div.strips {
                div.row { span {} (hours(span, pages.site.zone())) }
                (PreEscaped(&strips.markup))
            }
        }
    };
    shell(&long_date(date), Tab::Day, &body)
}

pub(crate) fn legend() -> Markup {
    let entries = [
        ("processed", "processed"),
        ("queued", "waits"),
        ("archived", "archived"),
        ("gap", "gap"),
        ("mark person", "person"),
        ("mark vehicle", "vehicle"),
        ("mark animal", "animal"),
        ("mark other", "other"),
        ("mark said", "description only"),
    ];
    html! {
        ul.legend aria-label="What the colours mean" {
            @for (class, word) in entries {
                li { svg width="14" height="10" aria-hidden="true" { rect class=(class) width="14" height="10" {} } " " (word) }
            }
        }
    }
}

impl Strips {
    fn of(pages: &Pages, date: NaiveDate) -> Made<Self> {
        let (site, now) = (&pages.site, pages.site.clock.now());
        let (zone, day) = (site.zone(), Day::of(date, site.zone()));
        let marks = site.catalog.marks(day.span, SLOT)?;
        let events = marks.iter().map(|mark| mark.events).sum();
        let cameras = site.cameras()?;
        let mut strips = Self {
            markup: String::new(),
            cameras: cameras.len() as u64,
            events,
            recorded_s: 0.0,
            expected_s: 0.0,
            holds: if day.span.to + SETTLES < now { Holds::Until } else { Holds::AWhile },
        };
        for (id, windows) in &cameras {
            let rows = site.catalog.coverage_rows(id, day.span, now)?;
            let coverage = coverage(&rows, windows, day.span);
            let camera = id.as_str();
            let from = marks.partition_point(|mark| mark.camera.as_str() < camera);
            let to = marks.partition_point(|mark| mark.camera.as_str() <= camera);
            let strip = Strip {
                camera,
                span: day.span,
                zone,
                rows: &rows,
                marks: &marks[from..to],
                links: Links::Player,
            };
            strips.markup += &row(strip, &coverage, &marks[from..to]).into_string();
            strips.recorded_s += coverage.recorded_s;
            strips.expected_s += coverage.expected_s;
            if lasts(&rows, day.span, now) {
                strips.holds = Holds::AWhile;
            }
        }
        Ok(strips)
    }

    fn sum(&self) -> String {
        format!("{}, {}", count(self.cameras, "camera"), share(self.recorded_s, self.expected_s))
    }
}

/// Tells whether a gap of this day is not over yet: its length is shown, and grows.
fn lasts(rows: &CoverageRows, day: Span, now: DateTime<Utc>) -> bool {
    rows.gaps.iter().any(|(gap, _)| gap.to >= now && gap.from < day.to)
}

fn row(strip: Strip<'_>, coverage: &Coverage, marks: &[Mark]) -> Markup {
    let events = marks.iter().map(|mark| mark.events).sum();
    let missing: Vec<String> = coverage
        .missing
        .iter()
        .filter(|cause| cause.seconds >= 1.0)
        .map(|cause| format!("{} {}", cause.cause, length(TimeDelta::seconds(cause.seconds as i64))))
        .collect();
    html! {
        div.row {
            div.name {
                a href=(crate::page::words::play_address(strip.camera, strip.first())) { (strip.camera) }
                a.live href={ "/live/" (crate::page::words::encoded(strip.camera)) } { "live" }
                small { (share(coverage.recorded_s, coverage.expected_s)) ", " (count(events, "event")) }
                @if !missing.is_empty() { small.missing { (missing.join(", ")) } }
            }
            (strip.svg())
        }
    }
}

/// What was to be recorded is not known of a day without a recorder.
pub(crate) fn share(recorded_s: f64, expected_s: f64) -> String {
    match expected_s >= 1.0 {
        true => format!("{:.1} % recorded", (100.0 * recorded_s / expected_s).min(100.0)),
        false => format!("{} recorded", length(TimeDelta::seconds(recorded_s as i64))),
    }
}
