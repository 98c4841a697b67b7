//! The recorder: wires cameras, writers and the catalogue together. The page to read first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use catalog::{CameraLock, Catalog, Clock, MediaRoot, Role};
use chrono_tz::Tz;
use config::Camera;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::blocks::BlockPool;
use crate::camera::CameraTask;
use crate::outage::Outage;
use crate::register::Register;
use crate::segment::Place;
use crate::take::Desk;
use crate::writer::{Outlet, Writers};
use crate::{CameraStatus, RecorderError, SnapshotMaker, StatusBoard, republish, snapshot};

/// With the next, stays below the 10 s in which the whole program has to stop.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// After all else has stopped.
const ASIDE_STOPS_WITHIN: Duration = Duration::from_millis(1500);

/// What a recorder works with.
#[derive(Clone, Debug)]
pub struct RecorderSetup {
    /// Those without a source are left out.
    pub cameras: Vec<Camera>,
    pub root: MediaRoot,
    /// Holds the locks.
    pub state_dir: PathBuf,
    /// Of the times in file names.
    pub name_timezone: Tz,
    pub catalog: Catalog,
    pub clock: Clock,
    /// Absent in a build that decodes nothing.
    pub snapshot_maker: Option<Arc<dyn SnapshotMaker>>,
}

/// What runs beside the recording, and must never hold it up.
pub(crate) struct Aside {
    pub(crate) tasks: JoinSet<()>,
    pub(crate) stop: CancellationToken,
    pub(crate) pool: BlockPool,
    pub(crate) place: Place,
    pub(crate) snapshot_maker: Option<Arc<dyn SnapshotMaker>>,
}

/// Holds the locks of its cameras: while it lives, no other process records them.
#[derive(Debug)]
pub struct Recorder {
    setup: RecorderSetup,
    locks: Vec<CameraLock>,
    statuses: Vec<watch::Sender<CameraStatus>>,
}

impl Recorder {
    /// Takes the cameras. Refused when none has a source, or one of them is another process's.
    pub fn new(mut setup: RecorderSetup) -> Result<Self, RecorderError> {
        setup.cameras.retain(|camera| camera.source.is_some());
        if setup.cameras.is_empty() {
            return Err(RecorderError::NothingToRecord);
        }
        let lock = |camera: &Camera| CameraLock::take(&setup.state_dir, &camera.id, Role::Record);
        let locks = setup.cameras.iter().map(lock).collect::<Result<_, _>>()?;
        let status = |camera: &Camera| watch::Sender::new(CameraStatus::new(camera.id.clone()));
        let statuses = setup.cameras.iter().map(status).collect();
        Ok(Self { setup, locks, statuses })
    }

    pub fn status(&self) -> StatusBoard {
        StatusBoard::new(self.statuses.iter().map(watch::Sender::subscribe).collect())
    }

    /// Records until `shutdown`, then finishes the open segments and returns within 8 s. An error says that the
    /// disk did not take everything in that time, or that a fault of the program itself ended the recording.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RecorderError> {
        let Self { setup, locks, statuses } = self;
        let place = Place { root: setup.root, name_timezone: setup.name_timezone };
        let (register, register_ended) = Register::start(setup.catalog, setup.clock.clone())?;
        let writers = Writers::start(&place, &register, locks)?;
        let pool = BlockPool::default();
        let stop = shutdown.child_token();
        let mut tasks = JoinSet::new();
        let mut aside = Aside {
            tasks: JoinSet::new(),
            stop: stop.clone(),
            pool: pool.clone(),
            place: place.clone(),
            snapshot_maker: setup.snapshot_maker,
        };
        for (number, (camera, status)) in setup.cameras.into_iter().zip(statuses).enumerate() {
            let Some(source) = camera.source.clone() else { continue };
            let desk = Desk {
                writer: writers.of_camera(number, outlet(&camera, &status, &mut aside)?),
                outage: Outage::new(camera.id.clone()),
                clock: setup.clock.clone(),
                pool: pool.clone(),
                register: register.clone(),
                status,
                camera,
            };
            tasks.spawn(CameraTask::new(desk, source, place.clone()).run(stop.clone()));
        }
        drop(register);
        let work = async {
            let recorded = all_ended(&mut tasks, &writers).await;
            stop.cancel();
            while tasks.join_next().await.is_some() {}
            for ended in writers.finish().into_iter().chain([register_ended]) {
                ended.cancelled().await;
            }
            recorded
        };
        let recorded = within_after(&stop, work).await;
        aside.ended().await;
        recorded
    }
}

impl Aside {
    /// Waits a moment; a picture may be in the hands of a decoder that never comes back.
    async fn ended(mut self) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(ASIDE_STOPS_WITHIN, all).await.is_err() {
            tracing::warn!("a snapshot or a republished stream did not end in time and is left");
        }
    }
}

fn outlet(
    camera: &Camera,
    status: &watch::Sender<CameraStatus>,
    aside: &mut Aside,
) -> Result<Outlet, RecorderError> {
    let taps = republish::start(camera, aside).into_iter().chain(snapshot::start(camera, aside)?);
    Ok(Outlet { camera: camera.id.clone(), status: status.clone(), taps: taps.collect() })
}

/// Returns when all cameras have stopped, or at the first fault that leaves one of them unrecorded for good.
async fn all_ended(tasks: &mut JoinSet<()>, writers: &Writers) -> Result<(), RecorderError> {
    let cameras = async {
        while let Some(joined) = tasks.join_next().await {
            joined.map_err(|_| RecorderError::InnerFault { part: "a camera's task" })?;
        }
        Ok(())
    };
    tokio::select! {
        ended = cameras => ended,
        () = writers.one_ended() => Err(RecorderError::InnerFault { part: "a writer of files" }),
    }
}

/// Awaits `work` for as long as it takes, but only [`STOP_WITHIN`] from the order to stop.
async fn within_after(
    stop: &CancellationToken,
    work: impl Future<Output = Result<(), RecorderError>>,
) -> Result<(), RecorderError> {
    tokio::pin!(work);
    if let Some(ended) = stop.run_until_cancelled(&mut work).await {
        return ended;
    }
    timeout(STOP_WITHIN, work).await.unwrap_or(Err(RecorderError::StopTimedOut { after: STOP_WITHIN }))
}
