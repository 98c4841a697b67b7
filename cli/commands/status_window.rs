//! What `status` says of a window, and of what does not wait for it.

use catalog::Urgency;
use chrono::{DateTime, Utc};
use config::{Settings, WindowState, Windows};
use serde::Serialize;

use crate::commands::status::time;
use crate::open::Store;

#[derive(Clone, Copy, Serialize)]
pub(super) struct WindowLine {
    open: bool,
    /// When that changes; absent where there are no windows.
    pub(super) until: Option<DateTime<Utc>>,
}

impl WindowLine {
    pub(super) fn at(windows: &Windows, now: DateTime<Utc>) -> Self {
        match windows.at(now) {
            WindowState::Always => Self { open: true, until: None },
            WindowState::Open { until, .. } => Self { open: true, until: Some(until) },
            WindowState::Closed { until } => Self { open: false, until: Some(until) },
        }
    }

    pub(super) fn text(&self) -> String {
        match (self.open, self.until) {
            (_, None) => "always open".to_owned(),
            (true, Some(until)) => format!("open until {} UTC", time(until)),
            (false, Some(until)) => format!("closed until {} UTC", time(until)),
        }
    }
}

/// Asked only where the window is closed: else nothing is out of turn.
pub(super) fn urgent(store: &Store, now: DateTime<Utc>) -> anyhow::Result<Option<Urgency>> {
    let Settings { process, storage, .. } = &store.settings;
    Ok(match process.windows.at(now) {
        WindowState::Closed { .. } => store.catalog.urgency(process.urgent, &storage.root, now)?,
        WindowState::Open { .. } | WindowState::Always => None,
    })
}
