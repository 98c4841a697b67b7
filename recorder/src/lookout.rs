//! The lookout: looks at all cameras every second, says what is worth a notice, and tells the catalogue how they
//! are doing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Clock, GapCause, Health, HealthState};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::notice::Speaker;
use crate::register::Register;
use crate::wall::Anchor;
use crate::watch::{Watch, log, moment};
use crate::{CameraState, CameraStatus, Notice, StatusBoard};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Between two rows of a camera whose state stays as it is: each costs a sync of the catalogue's disk.
const SAY_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Lookout {
    pub(crate) board: StatusBoard,
    pub(crate) register: Register,
    pub(crate) clock: Clock,
    pub(crate) speaker: Speaker,
    /// Calls for a look at once.
    pub(crate) call: Arc<Notify>,
}

impl Lookout {
    /// Looks until `ended`, and then once more.
    pub(crate) async fn run(self, ended: CancellationToken) {
        let mut watch = Watch::default();
        let mut anchor = Anchor::new(self.clock.now(), Instant::now());
        let mut said: Option<(Instant, Vec<Standing>)> = None;
        loop {
            let cameras = self.board.cameras();
            self.speak(&cameras, &mut watch, &mut anchor);
            let standings: Vec<Standing> = cameras.iter().map(CameraStatus::standing).collect();
            if said.as_ref().is_none_or(|(at, said)| at.elapsed() >= SAY_EVERY || *said != standings) {
                let now = self.clock.now();
                self.register.health(cameras.iter().map(|camera| camera.health(now)).collect());
                said = Some((Instant::now(), standings));
            }
            if ended.is_cancelled() {
                return;
            }
            let pause = timeout(LOOK_EVERY, self.call.notified());
            ended.run_until_cancelled(pause).await;
        }
    }

    fn speak(&self, cameras: &[CameraStatus], watch: &mut Watch, anchor: &mut Anchor) {
        let now = moment(self.clock.now());
        let step = anchor.check(now.wall, now.at);
        if let Some(step) = step {
            self.register.clock_step(step);
        }
        let step = step.map(|step| Notice::ClockStep { before: step.before, after: step.after });
        for notice in step.into_iter().chain(watch.look(cameras, now)) {
            log(&notice);
            self.speaker.say(notice);
        }
    }
}

/// What is told at once when it changes. Each attempt to reach a camera that is away is no change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Beginning,
    Recording,
    Away(GapCause),
    Stopped,
}

impl CameraStatus {
    fn standing(&self) -> Standing {
        match (&self.state, &self.outage) {
            (CameraState::Stopped, _) => Standing::Stopped,
            (CameraState::Recording, _) => Standing::Recording,
            (_, Some(outage)) => Standing::Away(outage.fault),
            (_, None) => Standing::Beginning,
        }
    }

    fn last_fault(&self) -> Option<String> {
        self.outage.as_ref().map(|outage| outage.reason.clone())
    }

    fn health(&self, now: chrono::DateTime<chrono::Utc>) -> Health {
        let (state, reason) = match &self.state {
            // what went wrong last is of interest until it is over
            CameraState::Connecting => (HealthState::Connecting, self.last_fault()),
            CameraState::Recording => (HealthState::Recording, None),
            CameraState::Waiting { reason } => (HealthState::Waiting, Some(reason.clone())),
            CameraState::Stopped => (HealthState::Stopped, None),
        };
        Health {
            camera: self.camera.clone(),
            state,
            reason,
            seen: now,
            last_frame: self.last_frame,
            in_hand: self.in_hand,
            segments: self.segments,
            frames: self.frames,
            packets_lost: self.packets_lost,
            reconnects: self.reconnects,
            bits_per_second: self.bits_per_second,
        }
    }
}
