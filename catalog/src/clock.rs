//! The clock: the only place that asks the system for the time of day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// Tells the time. Pure code takes `now` instead; what loops takes a clock.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that stands still until it is set: for tests.
    pub fn standing(now: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.timestamp_millis()))))
    }

    /// Moves a standing clock, for every clone of it; the system's clock is left alone.
    pub fn set(&self, now: DateTime<Utc>) {
        if let Some(standing) = &self.0 {
            standing.store(now.timestamp_millis(), Ordering::Relaxed);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Some(standing) => DateTime::from_timestamp_millis(standing.load(Ordering::Relaxed))
                .expect("set from a valid time"),
            None => Utc::now(),
        }
    }
}
