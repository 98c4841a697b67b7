//! One camera for as long as the recorder runs: sessions, and the waits between them.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use config::Source;
use futures::FutureExt;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backoff::{self, Fault};
use crate::destination::Destinations;
use crate::gather::Order;
use crate::hls::clear_leftovers;
use crate::input::{Playing, Sessions, SoundUse, play};
use crate::outage::Moment;
use crate::recover::{Recovered, partials, recover};
use crate::register::Register;
use crate::room::check_room;
use crate::segment::Place;
use crate::take::{Desk, record};
use crate::watch::OutageStatus;
use crate::{CameraState, RecorderError};

/// A session that recorded for so long was a good one: what ended it has nothing to do with what ended those
/// before it.
const GOOD: Duration = Duration::from_secs(10);

/// A session that broke sooner than this may have broken because of its sound.
const SHORT: Duration = Duration::from_secs(30);

/// After so many sessions that broke at once it is tried with sound left out, or with sound again.
const SOUND_DOUBTED_AFTER: u32 = 3;

/// An outage is told when it begins, when it turns out to need a person, and each time after so many attempts.
const TOLD_EVERY: u32 = 100;

pub(crate) struct CameraTask {
    desk: Desk,
    source: Source,
    place: Place,
    destinations: Destinations,
    sessions: Sessions,
    leftovers: Leftovers,
    /// In a row.
    failures: u32,
    /// The most that was said to be needed since these failures began.
    told: Option<Need>,
    sound: SoundUse,
    broken_at_once: u32,
    told_of_sound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftovers {
    /// A killed recorder, or a disk that took nothing more, may have left partials.
    Possible,
    None,
}

/// What ends an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Patience,
    /// A person has to act.
    Someone,
}

impl CameraTask {
    pub(crate) fn new(desk: Desk, source: Source, place: Place) -> Self {
        let sound = if desk.camera.audio { SoundUse::Record } else { SoundUse::LeaveOut };
        let sessions = Sessions::of(&desk.camera);
        let destinations = Destinations::of(&desk.camera);
        Self {
            desk,
            source,
            place,
            destinations,
            sessions,
            leftovers: Leftovers::Possible,
            failures: 0,
            told: None,
            sound,
            broken_at_once: 0,
            told_of_sound: false,
        }
    }

    /// Records until `shutdown`; every fault is logged, waited out and tried again.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            self.desk.check_clock();
            let began = self.desk.now();
            let Err(error) = self.run_once(&shutdown).await else { break };
            self.settle(&error).await;
            self.note(&error, began);
            if shutdown.run_until_cancelled(sleep(self.wait_after(&error))).await.is_none() {
                break;
            }
        }
        self.stop().await;
    }

    async fn run_once(&mut self, shutdown: &CancellationToken) -> Result<(), RecorderError> {
        let preparing = self.prepare();
        let Some(playing) = shutdown.run_until_cancelled(preparing).await else { return Ok(()) };
        let playing = playing?;
        if let Some(format) = &playing.unusable_sound
            && !std::mem::replace(&mut self.told_of_sound, true)
        {
            tracing::warn!(
                camera = %self.desk.camera.id, format,
                "sound is left out, choose AAC in the camera to keep it"
            );
        }
        // whatever a camera sends, it must not end the recording of it for good
        let recording = AssertUnwindSafe(record(&mut self.desk, playing, shutdown)).catch_unwind();
        recording.await.unwrap_or(Err(RecorderError::InnerFault { part: "a session" }))
    }

    /// Nobody is asked for footage that has no place.
    async fn prepare(&mut self) -> Result<Playing, RecorderError> {
        if self.destinations.need_a_disk() {
            let (place, camera) = (self.place.clone(), self.desk.camera.id.clone());
            let looking = spawn_blocking(move || check_room(&place, &camera));
            looking.await.map_err(|_| RecorderError::InnerFault { part: "a look at the disk" })??;
        }
        if self.leftovers == Leftovers::Possible && self.desk.writer.drained().await.is_ok() {
            self.recover().await;
            self.leftovers = Leftovers::None;
        }
        self.sessions.settled(&self.desk.camera).await;
        self.desk.status.send_modify(|status| status.state = CameraState::Connecting);
        play(&self.desk.camera, &self.source, &self.sessions, self.sound).await
    }

    /// Finishes what was left behind. Only called while nothing is open.
    async fn recover(&self) {
        let (place, camera) = (self.place.clone(), self.desk.camera.id.clone());
        let register = self.desk.register.clone();
        let is_shown = self.desk.camera.hls.is_some();
        let work = move || {
            if !is_shown
                && let Err(e) = place.root.check().and_then(|()| clear_leftovers(&place.folder(&camera)))
            {
                let error = &e as &dyn std::error::Error;
                tracing::warn!(%camera, error, "live playlist of an earlier run cannot be removed");
            }
            match partials(&place, &camera) {
                Ok(found) => found.iter().for_each(|partial| recover_one(&place, partial, &register)),
                Err(e) => {
                    tracing::error!(%camera, error = &e as &dyn std::error::Error, "cannot look for partials");
                }
            }
        };
        if let Err(e) = spawn_blocking(work).await {
            tracing::error!(camera = %self.desk.camera.id, error = %e, "recovery of partials failed");
        }
    }

    /// Takes note of a session that failed, or of one that never came to be.
    fn note(&mut self, error: &RecorderError, began: Moment) {
        let lasted = began.at.elapsed();
        let was_good = self.desk.outage.has_frames() && lasted >= GOOD;
        self.failures = if was_good { 1 } else { self.failures.saturating_add(1) };
        if error.is_abandonment() {
            self.sessions.forget(&self.desk.camera);
        }
        if matches!(error, RecorderError::LargePicture { .. }) {
            self.sessions.expect_large_pictures();
        }
        let fault = error.gap_cause();
        self.desk.take_in_hand(began.wall);
        let written = self.desk.writer.written_until();
        if let Some(opened) = self.desk.outage.note_failure(fault, written, began) {
            self.desk.open_gap(opened);
        }
        self.tell(error);
        self.doubt_sound(error, lasted);
        self.desk.status.send_modify(|status| {
            status.reconnects += 1;
            let reason = error.with_causes();
            status.outage =
                self.desk.outage.since().map(|since| OutageStatus { since, fault, reason: reason.clone() });
            status.state = CameraState::Waiting { reason };
        });
        if fault.is_of_the_disk() {
            self.desk.lookout.notify_one();
        }
    }

    fn tell(&mut self, error: &RecorderError) {
        let need = need_of(error);
        if self.failures == 1 {
            self.told = None;
        }
        if Some(need) <= self.told && !self.failures.is_multiple_of(TOLD_EVERY) {
            return;
        }
        self.told = self.told.max(Some(need));
        let camera = &self.desk.camera.id;
        let (attempts, seconds) = (self.failures, self.desk.outage.lasted(Instant::now()).as_secs());
        let error = error as &dyn std::error::Error;
        match need {
            Need::Patience => tracing::warn!(%camera, attempts, seconds, error, "not recording"),
            Need::Someone => tracing::error!(%camera, attempts, seconds, error, "not recording"),
        }
    }

    /// Retina ends the whole session when sound cannot be parsed, and does not say that it was the sound.
    fn doubt_sound(&mut self, error: &RecorderError, lasted: Duration) {
        let at_once = lasted < SHORT && matches!(error, RecorderError::BrokenStream { .. });
        self.broken_at_once = if at_once { self.broken_at_once + 1 } else { 0 };
        if self.broken_at_once < SOUND_DOUBTED_AFTER || !self.desk.camera.audio {
            return;
        }
        self.broken_at_once = 0;
        if self.sound == SoundUse::Record {
            self.sound = SoundUse::LeaveOut;
            tracing::warn!(camera = %self.desk.camera.id, "stream breaks again and again, tried without sound");
        } else {
            self.sound = SoundUse::Record;
            tracing::warn!(camera = %self.desk.camera.id, "stream breaks without sound too, tried with it again");
        }
    }

    /// Lets the writers finish what the session handed over.
    async fn settle(&mut self, error: &RecorderError) {
        if matches!(error, RecorderError::InnerFault { .. }) {
            // where a session ends by a fault of its own nobody has closed its segment
            let _ = self.desk.writer.submit(Order::Close).await;
        }
        let written = self.desk.writer.drained().await;
        if written.is_err() || error.is_of_the_disk() {
            self.leftovers = Leftovers::Possible;
        }
    }

    fn wait_after(&self, error: &RecorderError) -> Duration {
        let fault = if error.is_of_the_disk() {
            Fault::OfTheDisk
        } else if is_lasting(error) {
            Fault::Lasting
        } else {
            Fault::Passing
        };
        let down_for = self.desk.outage.lasted(Instant::now());
        backoff::delay(fault, self.failures.saturating_sub(1), down_for, fastrand::f64())
    }

    async fn stop(&mut self) {
        if let Some(gap) = self.desk.outage.end(self.desk.now().wall) {
            self.desk.gaps(vec![gap]);
        }
        if let Err(e) = self.desk.writer.drained().await {
            tracing::error!(camera = %self.desk.camera.id, error = &e as &dyn std::error::Error, "not all was written");
        }
        // a camera with few sessions to give gets this one back before another program asks
        self.sessions.torn_down().await;
        self.desk.status.send_modify(|status| status.state = CameraState::Stopped);
    }
}

fn need_of(error: &RecorderError) -> Need {
    if is_lasting(error) || error.is_of_the_disk() { Need::Someone } else { Need::Patience }
}

/// Any other refusal may be over soon: a camera that boots, or a server whose publisher is late, says 404.
fn is_lasting(error: &RecorderError) -> bool {
    matches!(error, RecorderError::PasswordRefused { .. })
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
