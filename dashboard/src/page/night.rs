//! The night: window, backlog, spending, the gate, and what was given up: `/night`.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use catalog::{DeadLetter, Queue, SegmentId, SqliteQueue};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::fault::{Fault, Made};
use crate::figures::{Gate, Status, Vision, Wanted, Window};
use crate::page::chart::fill;
use crate::page::shell::{Tab, shell};
use crate::page::words::{count, date_and_clock, missed};
use crate::pages::{Pages, Shared};
use crate::params::Params;

/// Failures that are listed; `nightreel queue list` has them all.
const SHOWN: usize = 100;

pub(crate) async fn night(State(pages): Shared) -> Response {
    pages.page(show).await
}

/// Puts a segment that was given up back into the queue.
pub(crate) async fn requeue(State(pages): Shared, Path(id): Path<String>, body: String) -> Response {
    let made = pages.make(move |pages| {
        pages.require_token(&Params::parse(body.as_bytes()))?;
        release(pages, &id)
    });
    match made.await {
        Ok(()) => Redirect::to("/night").into_response(),
        Err(fault) => fault.page(),
    }
}

/// Only what was given up is put back.
pub(crate) fn release(pages: &Pages, id: &str) -> Made<()> {
    let missing = || Fault::NotFound { what: "failure" };
    let id = id.parse().map(SegmentId).map_err(|_| missing())?;
    if !queue(pages).dead()?.iter().any(|letter| letter.segment.id == id) {
        return Err(missing());
    }
    pages.site.media.release(id)?;
    tracing::info!(segment = %id, "put back into the queue from a page");
    Ok(())
}

pub(crate) fn queue(pages: &Pages) -> SqliteQueue {
    SqliteQueue::new(pages.site.catalog.clone(), pages.site.settings.process.max_attempts)
}

fn show(pages: &Pages) -> Made<Markup> {
    let status: Status = pages.read_figure(Wanted::Status)?;
    let zone = pages.site.zone();
    let body = html! {
        h1 { "Night" }
        dl.figures {
            div { dt { "Window" } dd { (window(&status.window, zone)) } }
            div { dt { "Backlog" } dd { (count(status.backlog, "segment")) } }
            div {
                dt { "Done" }
                dd {
                    @match (status.backlog, status.backlog_done) {
                        (0, _) => "nothing waits",
                        (_, Some(done)) => (date_and_clock(done, zone)),
                        (_, None) => "not known yet",
                    }
                }
            }
            div { dt { "In hand" } dd { (status.queue.leased) } }
            div { dt { "Put off" } dd { (status.queue.delayed) } }
            div { dt { "Given up" } dd { (status.queue.dead) } }
        }
        (troubles(&status, zone))
        (spending(status.vision.as_ref(), zone))
        (gates(&status))
        (failures(pages)?)
        @if !pages.site.settings.serve.users.is_empty() {
            form method="post" action="/logout" { p { button { "Log out" } } }
        }
    };
    Ok(shell("Night", Tab::Night, &body))
}

fn window(window: &Window, zone: Tz) -> String {
    match (window.open, window.until) {
        (_, None) => "always open".to_owned(),
        (true, Some(until)) => format!("open until {}", date_and_clock(until, zone)),
        (false, Some(until)) => format!("closed until {}", date_and_clock(until, zone)),
    }
}

fn troubles(status: &Status, zone: Tz) -> Markup {
    html! {
        @if let Some(paused) = &status.paused {
            p.note {
                "Paused since " (date_and_clock(paused.since, zone))
                @if let Some(reason) = &paused.reason { ": " (reason) }
                ". " code { "nightreel resume" } " goes on."
            }
        }
        @for alarm in &status.alarms { p.note { (alarm.text) " (since " (date_and_clock(alarm.since, zone)) ")" } }
        @if let Some(since) = status.stuck_since {
            p.note { "Footage since " (date_and_clock(since, zone)) " waits to be processed." }
        }
        @if let Some(urgent) = &status.urgent {
            p.note { "Work goes on although the window is closed: " (urgent) "." }
        }
    }
}

fn spending(vision: Option<&Vision>, zone: Tz) -> Markup {
    html! {
        h2 { "Vision model, today" }
        @match vision {
            None => p { "No model is asked: there is no " code { "[vision]" } " in the settings." },
            Some(vision) => {
                table {
                    (spent("Dollars", (vision.usd_today, vision.max_usd_per_day), 4))
                    (spent("Calls", (vision.calls_today as f64, vision.max_calls_per_day.map(|cap| cap as f64)), 0))
                    (spent("Tokens", (vision.tokens_today as f64, vision.max_tokens_per_day.map(|cap| cap as f64)), 0))
                }
                @if vision.batches.under_way + vision.batches.gathered + vision.batches.segments > 0 {
                    p {
                        "Batches: " (vision.batches.under_way) " under way with "
                        (count(vision.batches.asked, "question")) ", " (vision.batches.gathered) " gathered for the next; "
                        (count(vision.batches.segments, "segment")) " wait for answers."
                    }
                }
                @for digest in &vision.digests {
                    h3 { "Night of " (digest.night) ", " (digest.camera) }
                    p.digest { (digest.text) }
                }
                @for deferred in &vision.deferred {
                    p.note {
                        (count(deferred.segments, "segment")) " of " (deferred.camera.as_deref().unwrap_or("all cameras"))
                        " wait until " (date_and_clock(deferred.until, zone)) ": " code { (deferred.cap) } " is reached."
                    }
                }
            }
        }
    }
}

fn spent(what: &str, (part, cap): (f64, Option<f64>), digits: usize) -> Markup {
    html! {
        tr {
            th scope="row" { (what) }
            td {
                (format!("{part:.digits$}"))
                @if let Some(cap) = cap { " of " (format!("{cap}")) (fill(part, cap)) } @else { ", no cap" }
            }
        }
    }
}

fn gates(status: &Status) -> Markup {
    html! {
        h2 { "The gate, in seven days" }
        @if status.gate.is_none() { p { "It decided of nothing." } } @else {
            div.wide tabindex="0" role="region" aria-label="The gate" {
                table {
                    thead { tr { th { "Camera" } th { "Frames" } th { "Left out" } th { "Audited" } th { "Missed" } } }
                    tbody {
                        @for camera in &status.cameras {
                            @if let Some(gate) = &camera.gate { (gate_row(&camera.id, gate)) }
                        }
                        @if let Some(gate) = &status.gate { (gate_row("all", gate)) }
                    }
                }
            }
        }
    }
}

fn gate_row(name: &str, gate: &Gate) -> Markup {
    let dropped = gate.samples.saturating_sub(gate.kept);
    let share = 100.0 * dropped as f64 / (gate.samples.max(1)) as f64;
    html! {
        tr {
            th scope="row" { (name) }
            td { (gate.samples) }
            td { (dropped) " (" (format!("{share:.1}")) " %)" }
            td { (gate.audited) }
            td {
                (gate.missed)
                (missed(gate.miss_rate, gate.miss_interval))
            }
        }
    }
}

fn failures(pages: &Pages) -> Made<Markup> {
    let mut dead = queue(pages).dead()?;
    dead.sort_by_key(|letter| std::cmp::Reverse((letter.segment.start, letter.segment.id)));
    let more = dead.len().saturating_sub(SHOWN) as u64;
    Ok(html! {
        h2 #failures { "Given up" }
        @if dead.is_empty() { p { "Nothing." } } @else {
            div.wide tabindex="0" role="region" aria-label="Given up" {
                table {
                    thead { tr { th { "File" } th { "When" } th { "Why" } th { "Tried" } th { "Again" } } }
                    tbody { @for letter in dead.iter().take(SHOWN) { (failure(pages, letter)) } }
                }
            }
            @if more > 0 { p { "And " (count(more, "other")) ": " code { "nightreel queue list" } } }
        }
    })
}

fn failure(pages: &Pages, letter: &DeadLetter) -> Markup {
    let segment = &letter.segment;
    let start: DateTime<Utc> = segment.start;
    html! {
        tr {
            td { (segment.path.display()) }
            td { (date_and_clock(start, pages.site.zone())) }
            td { (letter.reason) }
            td { (letter.attempts) }
            td {
                form method="post" action={ "/night/requeue/" (segment.id) } {
                    input type="hidden" name="token" value=(pages.token);
                    button aria-label={ "Requeue " (segment.path.display()) } { "Requeue" }
                }
            }
        }
    }
}
