//! One camera for as long as the recorder runs: sessions, and the waits between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use config::Source;
use retina::client::SessionGroup;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::backoff::{self, Fault};
use crate::recover::{Recovered, partials, recover};
use crate::register::Register;
use crate::segment::Place;
use crate::session::{SoundUse, play};
use crate::take::{Desk, record};
use crate::{CameraState, RecorderError};

/// live555 sends a dead session's packets for so long; retina knows which cameras do.
const STALE_SESSIONS_END: Duration = Duration::from_secs(65);

/// A session that broke sooner than this broke at once.
const SHORT: Duration = Duration::from_secs(30);

/// After so many sessions with sound that broke at once, video is tried alone.
const SOUND_DOUBTED_AFTER: u32 = 3;

pub(crate) struct CameraTask {
    pub(crate) desk: Desk,
    pub(crate) source: Source,
    pub(crate) place: Place,
    sessions: Arc<SessionGroup>,
    sound: SoundUse,
    broken_with_sound: u32,
    told_of_sound: bool,
}

impl CameraTask {
    pub(crate) fn new(desk: Desk, source: Source, place: Place) -> Self {
        let sound = if desk.camera.audio { SoundUse::Record } else { SoundUse::LeaveOut };
        let sessions = Arc::new(SessionGroup::default().named(desk.camera.id.to_string()));
        Self { desk, source, place, sessions, sound, broken_with_sound: 0, told_of_sound: false }
    }

    /// Records until `shutdown`; every fault is logged, waited out and tried again.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        self.recover().await;
        loop {
            let began = (self.desk.clock.now(), Instant::now());
            let Err(error) = self.run_once(&shutdown).await else { break };
            let attempt = self.desk.outage.note_failure(error.gap_cause(), began.0, Instant::now());
            self.tell(&error, attempt);
            self.doubt_sound(&error, began.1.elapsed());
            self.desk.status.send_modify(|status| {
                status.reconnects += 1;
                status.state = CameraState::Waiting { reason: error.to_string() };
            });
            let writes = self.desk.writer.drained().await;
            if writes.is_ok() && error.gap_cause() == "not writable" {
                self.recover().await;
            }
            if shutdown.run_until_cancelled(sleep(self.wait_after(&error, attempt))).await.is_none() {
                break;
            }
        }
        self.stop().await;
    }

    async fn run_once(&mut self, shutdown: &CancellationToken) -> Result<(), RecorderError> {
        let connecting = async {
            self.wait_for_stale_sessions().await;
            self.desk.status.send_modify(|status| status.state = CameraState::Connecting);
            play(&self.desk.camera, &self.source, Arc::clone(&self.sessions), self.sound).await
        };
        let Some(playing) = shutdown.run_until_cancelled(connecting).await else { return Ok(()) };
        let playing = playing?;
        if let Some(format) = &playing.unusable_sound
            && !std::mem::replace(&mut self.told_of_sound, true)
        {
            tracing::warn!(
                camera = %self.desk.camera.id, format,
                "sound is left out, choose AAC in the camera to keep it"
            );
        }
        record(&mut self.desk, playing, shutdown).await
    }

    async fn wait_for_stale_sessions(&self) {
        let stale = self.sessions.stale_sessions();
        if stale.num_sessions > 0 {
            tracing::debug!(camera = %self.desk.camera.id, "waiting for an old session of the camera to end");
            let _ = timeout(STALE_SESSIONS_END, self.sessions.await_stale_sessions(&stale)).await;
        }
    }

    /// Finishes what a killed recorder, or a full disk, left behind. Only called while nothing is open.
    async fn recover(&self) {
        let (place, camera) = (self.place.clone(), self.desk.camera.id.clone());
        let register = self.desk.register.clone();
        let work = move || match partials(&place, &camera) {
            Ok(found) => found.iter().for_each(|partial| recover_one(&place, partial, &register)),
            Err(e) => {
                tracing::error!(%camera, error = &e as &dyn std::error::Error, "cannot look for partials");
            }
        };
        if let Err(e) = tokio::task::spawn_blocking(work).await {
            tracing::error!(camera = %self.desk.camera.id, error = %e, "recovery of partials failed");
        }
    }

    /// An outage is told when it begins, and then every hundredth time.
    fn tell(&self, error: &RecorderError, attempt: u32) {
        if attempt.is_multiple_of(100) {
            let lasted = self.desk.outage.lasted(Instant::now());
            tracing::warn!(
                camera = %self.desk.camera.id, attempts = attempt + 1, seconds = lasted.as_secs(),
                error = error as &dyn std::error::Error, "not recording"
            );
        }
    }

    /// Retina ends the whole session when sound cannot be parsed, and does not say that it was the sound.
    fn doubt_sound(&mut self, error: &RecorderError, lasted: Duration) {
        let at_once = lasted < SHORT && matches!(error, RecorderError::BrokenStream { .. });
        self.broken_with_sound = if at_once { self.broken_with_sound + 1 } else { 0 };
        if self.broken_with_sound >= SOUND_DOUBTED_AFTER && self.sound == SoundUse::Record {
            self.sound = SoundUse::LeaveOut;
            tracing::warn!(camera = %self.desk.camera.id, "sound is left out, the stream breaks with it");
        }
    }

    fn wait_after(&self, error: &RecorderError, attempt: u32) -> Duration {
        let fault = if error.is_retryable() { Fault::Passing } else { Fault::Lasting };
        backoff::delay(fault, attempt, self.desk.outage.lasted(Instant::now()), fastrand::f64())
    }

    async fn stop(&mut self) {
        if let Some(gap) = self.desk.outage.end(self.desk.clock.now()) {
            self.desk.register.gap(gap);
        }
        if let Err(e) = self.desk.writer.drained().await {
            tracing::error!(camera = %self.desk.camera.id, error = &e as &dyn std::error::Error, "not all was written");
        }
        // a camera with few sessions to give gets this one back before another program asks
        let _ = timeout(Duration::from_secs(1), self.sessions.await_teardown()).await;
        self.desk.status.send_modify(|status| status.state = CameraState::Stopped);
    }
}

fn recover_one(place: &Place, partial: &std::path::Path, register: &Register) {
    match recover(place, partial) {
        Ok(Recovered::Published(segment)) => {
            tracing::info!(
                camera = %segment.camera, path = %segment.path.display(),
                seconds = segment.duration.as_secs_f64(), "unfinished segment recovered"
            );
            register.closed(segment);
        }
        Ok(Recovered::SetAside { path, reason }) => {
            tracing::warn!(path = %path.display(), %reason, "unfinished segment cannot be played and is set aside");
        }
        Err(e) => {
            tracing::error!(
                path = %partial.display(), error = &e as &dyn std::error::Error,
                "unfinished segment cannot be recovered now"
            );
        }
    }
}
