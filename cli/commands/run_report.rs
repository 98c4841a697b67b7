//! The report of each night, written by `run` when a window has ended.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::commands::figures;
use crate::hook::Hook;
use crate::open::Store;

/// Between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// After a window's end: by then what was in hand is finished or put back, and its digest is made.
const GRACE: TimeDelta = TimeDelta::minutes(5);

/// What the hook hears.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Notice {
    ReportWritten { night: NaiveDate, file: PathBuf },
}

/// Writes the reports that become due, until `ending`.
pub(super) async fn report_on((store, hook): (Store, Hook), ending: CancellationToken) {
    let Some(dir) = store.settings.report_dir.clone() else { return };
    let writer = Writer { store, dir };
    while !ending.is_cancelled() {
        let due = writer.clone();
        match tokio::task::spawn_blocking(move || due.write_due()).await {
            Ok(Ok(Some(notice))) => {
                tracing::info!(?notice, "wrote the report of a night");
                hook.tell(&notice);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "no report of the night; it is tried again");
            }
            Err(error) => tracing::error!(%error, "writing the report of a night failed"),
        }
        ending.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await;
    }
}

#[derive(Clone)]
struct Writer {
    store: Store,
    dir: PathBuf,
}

impl Writer {
    /// Writes the report of the night whose window ended last, once. A second window of the night, or what was
    /// processed meanwhile, makes a new one in its place.
    fn write_due(&self) -> anyhow::Result<Option<Notice>> {
        let now = self.store.clock.now();
        let ended = self.window_ended(now - GRACE);
        if self.store.catalog.reported_until()?.is_some_and(|until| until >= ended) {
            return Ok(None);
        }
        let night = night_of(ended, self.store.settings.process.windows.zone());
        let file = self.dir.join(format!("{night}.html"));
        let text = dashboard::report(&figures::site(self.store.clone()), night)?;
        let written = catalog::files::create_folder(&self.dir)
            .and_then(|()| catalog::files::write_atomically(&file, text.as_bytes()));
        written.with_context(|| format!("cannot write `{}`; see `report.dir`", file.display()))?;
        self.store.catalog.note_report(ended)?;
        Ok(Some(Notice::ReportWritten { night, file }))
    }

    /// Returns when the last window ended; where there are none, nights end at noon.
    fn window_ended(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let windows = &self.store.settings.process.windows;
        windows.closed_last(now).unwrap_or_else(|| {
            let night = night_of(now, windows.zone());
            dashboard::night_span(windows.zone(), night).from
        })
    }
}

/// A night lasts from noon to noon; a window that ends at noon belongs to the night before.
fn night_of(ended: DateTime<Utc>, zone: chrono_tz::Tz) -> NaiveDate {
    let local = (ended - TimeDelta::seconds(1)).with_timezone(&zone).naive_local();
    (local - TimeDelta::hours(12)).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_belongs_to_the_night_that_it_ends_in() {
        let night = |text: &str| night_of(text.parse().unwrap(), chrono_tz::Europe::Berlin).to_string();
        assert_eq!(night("2026-01-22T05:00:00Z"), "2026-01-21");
        assert_eq!(night("2026-01-22T11:00:00Z"), "2026-01-21", "it ends at noon");
        assert_eq!(night("2026-01-22T13:00:00Z"), "2026-01-22");
        assert_eq!(night("2026-01-22T23:00:00Z"), "2026-01-22", "it ends at midnight");
    }
}
