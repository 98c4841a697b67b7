//! How each camera is doing, kept up to date while recording; reading it costs the recorder nothing.

use chrono::{DateTime, Utc};
use config::CameraId;
use tokio::sync::watch;

use crate::watch::OutageStatus;

#[derive(Clone, Debug)]
pub struct CameraStatus {
    pub camera: CameraId,
    pub state: CameraState,
    pub last_frame: Option<DateTime<Utc>>,
    /// Start of the segment that grows.
    pub in_hand: Option<DateTime<Utc>>,
    /// Since the recorder started, as all counts here.
    pub segments: u64,
    pub frames: u64,
    pub packets_lost: u64,
    pub reconnects: u64,
    /// Of the stream, smoothed over about five fragments.
    pub bits_per_second: u64,
    /// While nothing is recorded because something failed.
    pub(crate) outage: Option<OutageStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CameraState {
    Connecting,
    Recording,
    /// The session ended or never began; the next attempt is due soon.
    Waiting {
        reason: String,
    },
    Stopped,
}

impl CameraStatus {
    pub(crate) fn new(camera: CameraId) -> Self {
        Self {
            camera,
            state: CameraState::Connecting,
            last_frame: None,
            in_hand: None,
            segments: 0,
            frames: 0,
            packets_lost: 0,
            reconnects: 0,
            bits_per_second: 0,
            outage: None,
        }
    }
}

/// Shows the status of all cameras of a recorder; clones show the same.
#[derive(Clone, Debug)]
pub struct StatusBoard {
    cameras: Vec<watch::Receiver<CameraStatus>>,
}

impl StatusBoard {
    pub(crate) fn new(cameras: Vec<watch::Receiver<CameraStatus>>) -> Self {
        Self { cameras }
    }

    pub fn cameras(&self) -> Vec<CameraStatus> {
        self.cameras.iter().map(|camera| camera.borrow().clone()).collect()
    }

    /// Returns once what is shown satisfies `condition`, or the recorder is gone.
    pub async fn wait_for(&mut self, condition: impl Fn(&[CameraStatus]) -> bool) {
        while !condition(&self.cameras()) {
            let changes = self.cameras.iter_mut().map(|camera| Box::pin(camera.changed()));
            if futures::future::select_all(changes).await.0.is_err() {
                return;
            }
        }
    }
}
