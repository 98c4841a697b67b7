//! The recorder: wires cameras, writers and the catalogue together. The page to read first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{CameraLock, Catalog, Clock, MediaRoot, Role};
use chrono_tz::Tz;
use config::Camera;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::blocks::BlockPool;
use crate::camera::CameraTask;
use crate::hls::HlsTap;
use crate::lookout::Lookout;
use crate::notice::Speaker;
use crate::outage::Outage;
use crate::register::Register;
use crate::segment::Place;
use crate::take::{Desk, Hand};
use crate::tap::Tap;
use crate::wall::Anchor;
use crate::writer::{Outlet, Writers};
use crate::{CameraStatus, Notices, RecorderError, SnapshotMaker, StatusBoard, republish, snapshot, thread};

/// With the next, stays below the 10 s in which the whole program has to stop.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// The cameras' thread rests so long when all that arrived is taken, and then takes together what arrived
/// meanwhile: waking for each packet of eight cameras costs half as much CPU again. Nobody waits for these
/// frames, and a socket holds far more than comes in this time.
const REST: Duration = Duration::from_millis(20);

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
    speaker: Speaker,
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
        Ok(Self { setup, locks, statuses, speaker: Speaker::new() })
    }

    pub fn status(&self) -> StatusBoard {
        StatusBoard::new(self.statuses.iter().map(watch::Sender::subscribe).collect())
    }

    /// Listens to what is worth telling others from now on.
    pub fn notices(&self) -> Notices {
        self.speaker.listen()
    }

    /// Records until `shutdown`, then finishes the open segments and returns within 8 s. An error says that the
    /// disk did not take everything in that time, or that a fault of the program itself ended the recording.
    ///
    /// All cameras run on one thread of their own, so that nothing else the program does delays a frame. Where
    /// the returned future is dropped, the cameras are let go of at once, as by a kill.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RecorderError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(|| std::thread::sleep(REST))
            .build()
            .map_err(RecorderError::Thread)?;
        let dropped = CancellationToken::new();
        let _guard = dropped.clone().drop_guard();
        let (result, received) = oneshot::channel();
        thread::start("cameras", move || {
            // nobody listens where the future was dropped
            let _ = result.send(runtime.block_on(dropped.run_until_cancelled(self.record(shutdown))));
        })?;
        received
            .await
            .ok()
            .flatten()
            .unwrap_or(Err(RecorderError::InnerFault { part: "the thread of cameras" }))
    }

    async fn record(self, shutdown: CancellationToken) -> Result<(), RecorderError> {
        let board = self.status();
        let Self { setup, locks, statuses, speaker } = self;
        let place = Place { root: setup.root, name_timezone: setup.name_timezone };
        let (register, register_ended) = Register::start(setup.catalog, setup.clock.clone())?;
        register.begun(setup.cameras.iter().map(|camera| camera.id.clone()).collect());
        let call = Arc::new(Notify::new());
        let (clock, to_register) = (setup.clock.clone(), register.clone());
        let lookout = Lookout { board, register: to_register, clock, speaker, call: call.clone() };
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
            let taps = taps(&camera, &setup.clock, &mut aside)?;
            let desk = Desk {
                writer: writers.of_camera(number, Outlet::new(&camera, &status, taps)),
                outage: Outage::new(camera.id.clone()),
                anchor: Anchor::new(setup.clock.now(), Instant::now()),
                hand: Hand::NotYet,
                lookout: call.clone(),
                clock: setup.clock.clone(),
                pool: pool.clone(),
                register: register.clone(),
                status,
                camera,
            };
            tasks.spawn(CameraTask::new(desk, source, place.clone()).run(stop.clone()));
        }
        drop(register);
        let all_stopped = CancellationToken::new();
        let looking = tokio::spawn(lookout.run(all_stopped.clone()));
        let work = async {
            let recorded = all_ended(&mut tasks, &writers).await;
            stop.cancel();
            while tasks.join_next().await.is_some() {}
            all_stopped.cancel();
            // a fault of its own says nothing against the recording
            let _ = looking.await;
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

fn taps(camera: &Camera, clock: &Clock, aside: &mut Aside) -> Result<Vec<Box<dyn Tap>>, RecorderError> {
    let mut taps: Vec<Box<dyn Tap>> = republish::start(camera, aside).into_iter().collect();
    taps.extend(snapshot::start(camera, aside)?);
    if let Some(hls) = camera.hls {
        let folder = aside.place.folder(&camera.id);
        taps.push(Box::new(HlsTap::new(camera.id.clone(), folder, hls, clock.clone())));
    }
    Ok(taps)
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
