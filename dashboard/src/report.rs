//! The report of a night: one file that needs nothing beside it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use catalog::{CatalogError, Coverage, Event, EventFilter, GapCause, Queue, Span, SqliteQueue, coverage};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::page::card::{Card, Picture};
use crate::page::day::{legend, share};
use crate::page::strip::{Links, Strip, hours};
use crate::page::words::{clock, count, date_and_clock, length, long_date, missed};
use crate::site::Site;

/// Pictures beyond these are left out: a report is sent by mail.
const PICTURES_BYTES: usize = 6_000_000;

/// Events beyond these are only counted.
const EVENTS: u32 = 300;

/// Events of one label that begin in the same five minutes are one mark.
const SLOT: TimeDelta = TimeDelta::minutes(5);

/// Shorter gaps are in the sums alone.
const GAP: TimeDelta = TimeDelta::seconds(10);

/// What a file may not do, wherever it is opened.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Returns the night that is over, or about to be: the one that began the day before.
pub fn night_before(site: &Site) -> NaiveDate {
    let today = site.clock.now().with_timezone(&site.zone()).date_naive();
    today.checked_sub_days(Days::new(1)).unwrap_or(today)
}

/// Writes the report of the night that begins on a day, as HTML. Blocks.
pub fn report(site: &Site, night: NaiveDate) -> Result<String, CatalogError> {
    let night = Night { site, span: night_span(site.zone(), night), date: night };
    let title = format!("Night of {}", long_date(night.date));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) " · nightreel" }
                style { (PreEscaped(include_str!("../assets/style.css"))) (PreEscaped(include_str!("../assets/report.css"))) }
            }
            body {
                main {
                    h1 { (title) }
                    p.sum {
                        (date_and_clock(night.span.from, site.zone())) " to " (date_and_clock(night.span.to, site.zone()))
                    }
                    (night.digests()?)
                    (night.sums()?)
                    (night.cameras()?)
                    (night.events()?)
                    (night.failures()?)
                }
            }
        }
    };
    Ok(page.into_string())
}

/// Returns a night's span, from noon to noon: no night is cut in two, and none is twice.
pub fn night_span(zone: Tz, date: NaiveDate) -> Span {
    let noon = |date: NaiveDate| {
        let noon = date.and_time(NaiveTime::MIN) + TimeDelta::hours(12);
        zone.from_local_datetime(&noon).earliest().map_or_else(|| noon.and_utc(), |at| at.to_utc())
    };
    Span::new(noon(date), noon(date.checked_add_days(Days::new(1)).unwrap_or(date)))
}

struct Night<'a> {
    site: &'a Site,
    date: NaiveDate,
    span: Span,
}

impl Night<'_> {
    fn sums(&self) -> Result<Markup, CatalogError> {
        let settings = &self.site.settings;
        let spent = self.site.catalog.spent(self.date, None)?;
        let queue = SqliteQueue::new(self.site.catalog.clone(), settings.process.max_attempts);
        let waiting = queue.stats(self.site.clock.now())?.backlog();
        let gate = self.site.catalog.gate_tally(self.span)?;
        Ok(html! {
            dl.figures {
                div { dt { "Still waiting to be processed" } dd { (count(waiting, "segment")) } }
                @if gate.samples > 0 {
                    div { dt { "Frames that the gate left out" } dd { (gate.samples - gate.kept) " of " (gate.samples) } }
                    @if gate.audited > 0 {
                        div {
                            dt { "Of " (gate.audited) " audited, showed something" }
                            dd { (gate.missed) (missed(gate.miss_rate(), gate.miss_interval())) }
                        }
                    }
                }
                @if settings.vision.is_some() {
                    div { dt { "Calls of the vision model" } dd { (spent.calls) } }
                    div { dt { "Spent" } dd { "$" (format!("{:.4}", spent.usd.dollars())) } }
                }
            }
        })
    }

    fn digests(&self) -> Result<Markup, CatalogError> {
        let digests = self.site.catalog.digests(self.date)?;
        Ok(html! {
            @for digest in &digests {
                h2 { (digest.camera) }
                p.digest { (digest.text) }
            }
        })
    }

    fn cameras(&self) -> Result<Markup, CatalogError> {
        let (site, zone) = (self.site, self.site.zone());
        let marks = site.catalog.marks(self.span, SLOT)?;
        let mut rows = Vec::new();
        let mut gaps = Vec::new();
        for (id, windows) in site.cameras()? {
            let found = site.catalog.coverage_rows(&id, self.span, site.clock.now())?;
            let coverage = coverage(&found, &windows, self.span);
            let marks: Vec<_> = marks.iter().filter(|mark| mark.camera == id.as_str()).cloned().collect();
            let strip = Strip {
                camera: id.as_str(),
                span: self.span,
                zone,
                rows: &found,
                marks: &marks,
                links: Links::None,
            };
            rows.push(camera_row(strip, &coverage));
            let long = found.gaps.iter().filter(|(span, _)| span.length() >= GAP);
            gaps.extend(long.map(|(span, cause)| (id.to_string(), *span, *cause)));
        }
        Ok(html! {
            h2 { "Cameras" }
            (legend())
            div.row { span {} (hours(self.span, zone)) }
            @for row in rows { (row) }
            (self.gaps(&gaps))
        })
    }

    fn gaps(&self, gaps: &[(String, Span, GapCause)]) -> Markup {
        let zone = self.site.zone();
        html! {
            @if !gaps.is_empty() {
                h2 { "Gaps" }
                div.wide { table {
                    thead { tr { th { "Camera" } th { "From" } th { "To" } th { "Length" } th { "Cause" } } }
                    tbody {
                        @for (camera, span, cause) in gaps {
                            tr {
                                td { (camera) }
                                td { (clock(span.from.max(self.span.from), zone)) }
                                td { (clock(span.to.min(self.span.to), zone)) }
                                td { (length(span.length())) }
                                td { (cause) }
                            }
                        }
                    }
                } }
            }
        }
    }

    fn events(&self) -> Result<Markup, CatalogError> {
        let filter = EventFilter {
            from: Some(self.span.from),
            to: Some(self.span.to),
            limit: Some(EVENTS),
            ..EventFilter::default()
        };
        let events = self.site.catalog.events(&filter)?;
        let mut left = PICTURES_BYTES;
        Ok(html! {
            h2 { (count(events.len() as u64, "event")) @if events.len() >= EVENTS as usize { ", the newest" } }
            @if events.is_empty() { p { "Nothing was seen, or nothing was looked at yet." } }
            div.cards {
                @for event in &events {
                    @let picture = inlined(event, &mut left);
                    (Card { event, zone: self.site.zone(), snippet: None }.with_picture(&Picture::Inlined(picture)))
                }
            }
        })
    }

    fn failures(&self) -> Result<Markup, CatalogError> {
        let queue = SqliteQueue::new(self.site.catalog.clone(), self.site.settings.process.max_attempts);
        let is_of_night = |at: DateTime<Utc>| self.span.from <= at && at < self.span.to;
        let mut dead = queue.dead()?;
        dead.retain(|letter| is_of_night(letter.segment.start));
        Ok(html! {
            @if !dead.is_empty() {
                h2 { "Given up" }
                div.wide { table {
                    thead { tr { th { "File" } th { "Why" } } }
                    tbody {
                        @for letter in &dead { tr { td { (letter.segment.path.display()) } td { (letter.reason) } } }
                    }
                } }
            }
        })
    }
}

fn camera_row(strip: Strip<'_>, coverage: &Coverage) -> Markup {
    html! {
        div.row {
            div.name {
                b { (strip.camera) }
                small { (share(coverage.recorded_s, coverage.expected_s)) }
                small { (length(TimeDelta::seconds(coverage.processed_s as i64))) " processed" }
            }
            (strip.svg())
        }
    }
}

/// Returns an event's picture as an address that holds it, as long as there is room.
fn inlined(event: &Event, left: &mut usize) -> Option<String> {
    let jpeg = std::fs::read(event.thumbnail.as_ref()?).ok()?;
    *left = left.checked_sub(jpeg.len())?;
    Some(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}
