//! How republishing stands: what is told of it, and how soon it is tried again.

use std::time::{Duration, Instant};

use config::{CameraId, Republish};

use crate::RecorderError;
use crate::backoff::{self, Fault};

/// A server that kept the stream for so long has taken it. Sooner, an outage is not over.
const GOOD: Duration = Duration::from_secs(5);

/// Between two complaints about a server that takes the stream too slowly.
const COMPLAINS_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Standing {
    camera: CameraId,
    url: String,
    state: State,
    complained: Option<Instant>,
    /// Pictures that nothing was said of yet.
    left_out: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The server has not had the stream for long enough to say more.
    Trying {
        taken: Option<Instant>,
        outage: Option<Outage>,
    },
    Good,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outage {
    since: Instant,
    failures: u32,
}

impl Standing {
    pub(super) fn new(camera: CameraId, to: &Republish) -> Self {
        let state = State::Trying { taken: None, outage: None };
        Self { camera, url: to.url.to_string(), state, complained: None, left_out: 0 }
    }

    /// Takes note that the server has the stream, but for the pictures left out since this was last said.
    pub(super) fn progressed(&mut self, left_out: u64, now: Instant) {
        self.left_out += left_out;
        match &mut self.state {
            State::Good => self.complain_if_due(now),
            State::Trying { taken, outage } => {
                if now - *taken.get_or_insert(now) >= GOOD {
                    let outage = *outage;
                    self.tell_good(outage, now);
                    self.state = State::Good;
                }
            }
        }
    }

    fn tell_good(&mut self, outage: Option<Outage>, now: Instant) {
        let (camera, url, left_out) = (&self.camera, &self.url, std::mem::take(&mut self.left_out));
        match outage {
            Some(outage) => {
                let seconds = (now - outage.since).as_secs();
                tracing::info!(%camera, url, seconds, pictures_left_out = left_out, "republishing again");
            }
            None => tracing::info!(%camera, url, "republishing"),
        }
    }

    fn complain_if_due(&mut self, now: Instant) {
        let is_due = self.complained.is_none_or(|last| now - last >= COMPLAINS_EVERY);
        if self.left_out > 0 && is_due {
            self.complained = Some(now);
            tracing::warn!(
                camera = %self.camera, url = self.url, pictures = std::mem::take(&mut self.left_out),
                "server takes the republished stream too slowly, pictures are left out"
            );
        }
    }

    /// Takes note of a child that ended, and returns how long to wait before the next.
    pub(super) fn failed(&mut self, error: &RecorderError, now: Instant) -> Duration {
        let before = match self.state {
            State::Trying { outage, .. } => outage,
            State::Good => None,
        };
        let outage = before.unwrap_or(Outage { since: now, failures: 0 });
        let fault = if error.is_retryable() { Fault::Passing } else { Fault::Lasting };
        if before.is_none() {
            self.tell(error);
        }
        let wait = backoff::delay(fault, outage.failures, now - outage.since, fastrand::f64());
        let outage = Outage { failures: outage.failures.saturating_add(1), ..outage };
        self.state = State::Trying { taken: None, outage: Some(outage) };
        wait
    }

    fn tell(&self, error: &RecorderError) {
        let (camera, url, cause) = (&self.camera, &self.url, error as &dyn std::error::Error);
        if error.is_retryable() {
            tracing::warn!(%camera, url, error = cause, "not republishing");
        } else {
            tracing::error!(%camera, url, error = cause, "not republishing");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        let url = "rtsp://127.0.0.1:9/live".parse().unwrap();
        Standing::new("gate".parse().unwrap(), &Republish { url, username: None, password: None })
    }

    fn error() -> RecorderError {
        RecorderError::NotRepublished { camera: "gate".to_owned(), reason: "gone".to_owned() }
    }

    #[test]
    fn a_server_that_drops_the_stream_at_once_is_asked_more_and_more_rarely() {
        let mut standing = standing();
        let now = Instant::now();
        let mut waits = Vec::new();
        for attempt in 0..8 {
            standing.progressed(0, now);
            waits.push(standing.failed(&error(), now + Duration::from_secs(attempt)));
        }
        assert!(waits[0] < Duration::from_millis(300), "{waits:?}");
        assert!(waits[7] >= Duration::from_secs(1), "{waits:?}");
    }

    #[test]
    fn a_server_that_kept_the_stream_is_asked_again_soon() {
        let mut standing = standing();
        let now = Instant::now();
        for _ in 0..8 {
            standing.failed(&error(), now);
        }
        standing.progressed(0, now);
        standing.progressed(0, now + GOOD);
        assert_eq!(standing.state, State::Good);
        assert!(standing.failed(&error(), now + GOOD) < Duration::from_millis(300));
    }

    #[test]
    fn a_refused_password_is_not_tried_every_second() {
        let refused = RecorderError::RepublishRefused { camera: "gate".to_owned() };
        assert!(standing().failed(&refused, Instant::now()) >= Duration::from_secs(30));
    }
}
