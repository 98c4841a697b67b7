//! What the hook hears of processing: what was found, what fails, and why nothing goes on.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use processor::{Event, WaitReason};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::hook::Hook;
use crate::open::Store;

/// Between two looks for events that nobody was told of, one short query each.
const LOOK_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Notice<'n> {
    EventFound(&'n catalog::Event),
    /// Its last attempt failed; it waits for somebody.
    SegmentFailed {
        file: &'n Path,
        reason: &'n str,
    },
    /// Nothing more is begun, for a reason that somebody may want to do something about.
    ProcessingWaits {
        until: DateTime<Utc>,
        reason: &'static str,
    },
}

/// Hears the events of a run, and tells of its faults.
pub(super) struct Faults {
    hook: Hook,
    /// Why the run waits; each wait may be told of many times.
    wait: Mutex<Option<WaitReason>>,
}

impl Faults {
    pub(super) fn new(hook: Hook) -> Self {
        Self { hook, wait: Mutex::default() }
    }

    pub(super) fn hear(&self, event: &Event<'_>) {
        match event {
            Event::Failed { file, reason } => self.hook.tell(&Notice::SegmentFailed { file, reason }),
            Event::Processed { .. } => drop(self.note(None)),
            Event::Waiting { until, reason } if self.note(Some(*reason)) => {
                if let Some(reason) = fault(*reason) {
                    self.hook.tell(&Notice::ProcessingWaits { until: *until, reason });
                }
            }
            _ => {}
        }
    }

    /// Returns whether that is new.
    fn note(&self, wait: Option<WaitReason>) -> bool {
        let mut noted = self.wait.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *noted, wait) != wait
    }
}

fn fault(reason: WaitReason) -> Option<&'static str> {
    match reason {
        WaitReason::CapReached => Some("what the day may cost is used up"),
        WaitReason::VisionUnavailable => Some("the vision model cannot be asked"),
        WaitReason::WindowClosed | WaitReason::Paused => None,
    }
}

/// Tells of events as they come into the catalogue, until `done`.
pub(super) async fn tell_found(store: Store, hook: Hook, done: CancellationToken) {
    loop {
        let is_last = done.is_cancelled();
        let catalog = store.catalog.clone();
        match tokio::task::spawn_blocking(move || catalog.take_untold_events()).await {
            Ok(Ok(found)) => found.iter().for_each(|event| hook.tell(&Notice::EventFound(event))),
            Ok(Err(error)) => tracing::warn!(%error, "the hook is not told of events"),
            Err(error) => tracing::error!(%error, "looking for events to tell failed"),
        }
        if is_last {
            return;
        }
        done.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await;
    }
}
