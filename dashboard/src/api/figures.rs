//! Figures of the API: `status`, `estimate`, `plan`, and the coverage of a day.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use catalog::{Coverage, Day, coverage};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::fault::Made;
use crate::figures::Wanted;
use crate::page::day::{read, today_of};
use crate::page::play::restore;
use crate::page::strip::away_spans;
use crate::pages::{Pages, Shared};
use crate::params::Params;

pub(crate) async fn status(State(pages): Shared) -> Response {
    figure(pages, Wanted::Status).await
}

pub(crate) async fn estimate(State(pages): Shared) -> Response {
    figure(pages, Wanted::Estimate).await
}

pub(crate) async fn plan(State(pages): Shared) -> Response {
    figure(pages, Wanted::Plan).await
}

async fn figure(pages: Arc<Pages>, wanted: Wanted) -> Response {
    pages.json(move |pages| pages.figure(wanted).map(|figure| Value::clone(&figure))).await
}

#[derive(Serialize)]
struct Away {
    archived: Vec<AwaySpan>,
}

/// A time of which the archive alone has the footage.
#[derive(Serialize)]
struct AwaySpan {
    camera: String,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// The command that brings it back.
    restore: String,
}

pub(crate) async fn archived(State(pages): Shared, params: Params) -> Response {
    pages.json(move |pages| away(pages, &params)).await
}

fn away(pages: &Pages, params: &Params) -> Made<Away> {
    let site = &pages.site;
    let date = params.get("day").map_or_else(|| Ok(today_of(pages)), read)?;
    let span = Day::of(date, site.zone()).span;
    let mut archived = Vec::new();
    for (id, _) in site.cameras()? {
        let rows = site.catalog.coverage_rows(&id, span, site.clock.now())?;
        archived.extend(away_spans(&rows, span).into_iter().map(|span| AwaySpan {
            camera: id.to_string(),
            from: span.from,
            to: span.to,
            restore: restore(&id, span),
        }));
    }
    Ok(Away { archived })
}

#[derive(Serialize)]
struct Covered {
    coverage: Vec<CameraDay>,
}

/// A line of `coverage --json`.
#[derive(Serialize)]
struct CameraDay {
    camera: String,
    day: NaiveDate,
    timezone: &'static str,
    #[serde(flatten)]
    coverage: Coverage,
}

pub(crate) async fn of_day(State(pages): Shared, params: Params) -> Response {
    pages.json(move |pages| covered(pages, &params)).await
}

fn covered(pages: &Pages, params: &Params) -> Made<Covered> {
    let site = &pages.site;
    let date = params.get("day").map_or_else(|| Ok(today_of(pages)), read)?;
    let day = Day::of(date, site.zone());
    let mut lines = Vec::new();
    for (id, windows) in site.cameras()? {
        let rows = site.catalog.coverage_rows(&id, day.span, site.clock.now())?;
        lines.push(CameraDay {
            camera: id.to_string(),
            day: date,
            timezone: site.zone().name(),
            coverage: coverage(&rows, &windows, day.span),
        });
    }
    Ok(Covered { coverage: lines })
}
