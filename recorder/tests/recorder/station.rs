//! A recording station: folder, catalogue, and recorders that are started and stopped in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use catalog::{CameraLock, Catalog, Clock, Gap, MediaRoot, Role};
use chrono_tz::Tz;
use config::{Camera, Secret, Source};
use nightreel_recorder::{
    CameraStatus, Notice, Notices, Recorder, RecorderError, RecorderSetup, SnapshotMaker, StatusBoard,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const CAMERA: &str = "gate";

#[derive(Debug)]
pub(crate) struct Station {
    folder: TempDir,
    pub(crate) clock: Clock,
    pub(crate) catalog: Catalog,
    pub(crate) name_timezone: Tz,
    pub(crate) snapshot_maker: Option<Arc<dyn SnapshotMaker>>,
}

/// A recorder at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) status: StatusBoard,
    pub(crate) notices: Notices,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RecorderError>>,
}

impl Station {
    pub(crate) fn new() -> Self {
        Self::with_clock(Clock::system())
    }

    pub(crate) fn with_clock(clock: Clock) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), clock)
    }

    /// Makes one on a disk that is mounted there.
    pub(crate) fn within(disk: &Path) -> Self {
        Self::in_folder(tempfile::tempdir_in(disk).unwrap(), Clock::system())
    }

    fn in_folder(folder: TempDir, clock: Clock) -> Self {
        let catalog = Catalog::open(&folder.path().join("state")).unwrap();
        Self { folder, clock, catalog, name_timezone: Tz::UTC, snapshot_maker: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn recorder(&self, cameras: Vec<Camera>) -> Result<Recorder, RecorderError> {
        let root = MediaRoot::open(&self.catalog, &self.path("media")).unwrap();
        Recorder::new(RecorderSetup {
            cameras,
            root,
            state_dir: self.path("state"),
            name_timezone: self.name_timezone,
            catalog: self.catalog.clone(),
            clock: self.clock.clone(),
            snapshot_maker: self.snapshot_maker.clone(),
        })
    }

    pub(crate) fn start(&self, camera: Camera) -> Running {
        self.start_all(vec![camera])
    }

    pub(crate) fn start_all(&self, cameras: Vec<Camera>) -> Running {
        let recorder = self.recorder(cameras).unwrap();
        let (status, notices, shutdown) = (recorder.status(), recorder.notices(), CancellationToken::new());
        Running { status, notices, task: tokio::spawn(recorder.run(shutdown.clone())), shutdown }
    }

    /// Lists the files of the one camera that end so, oldest name first.
    pub(crate) fn files(&self, suffix: &str) -> Vec<PathBuf> {
        self.files_of(CAMERA, suffix)
    }

    pub(crate) fn files_of(&self, camera: &str, suffix: &str) -> Vec<PathBuf> {
        let folder = self.path("media").join(camera);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            entries.filter(|path| path.is_file() && path.to_str().unwrap().ends_with(suffix)).collect();
        files.sort();
        files
    }

    pub(crate) fn gaps(&self) -> Vec<Gap> {
        self.catalog.gaps().unwrap()
    }
}

impl Running {
    pub(crate) async fn wait_for(&mut self, condition: impl Fn(&CameraStatus) -> bool) {
        let waiting = self.status.wait_for(|cameras| condition(&cameras[0]));
        let waited = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(waited, "never came: {:?}", self.status.cameras());
        assert!(condition(&self.status.cameras()[0]), "ended before: {:?}", self.status.cameras());
    }

    pub(crate) async fn wait_for_segments(&mut self, count: u64) {
        self.wait_for(|camera| camera.segments >= count).await;
    }

    /// Waits for the next notice.
    pub(crate) async fn notice(&mut self) -> Notice {
        let next = tokio::time::timeout(PATIENCE, self.notices.next()).await;
        next.expect("a notice comes").expect("the recorder lives")
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    /// Lets go of everything in the middle of a segment, as a kill does.
    pub(crate) async fn kill(self, station: &Station) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
        let lock = || CameraLock::take(&station.path("state"), &CAMERA.parse().unwrap(), Role::Record);
        while lock().is_err() {
            // waits for the writer's thread, which a kill would have ended as well
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn camera(port: u16, segment_length: Duration) -> Camera {
    camera_at(CAMERA, &format!("rtsp://127.0.0.1:{port}/cam"), segment_length)
}

pub(crate) fn camera_at(id: &str, url: &str, segment_length: Duration) -> Camera {
    let source = Source::new(url.parse().unwrap());
    Camera { segment_length, ..Camera::new(id.parse().unwrap(), Some(source)) }
}

pub(crate) fn with_password(mut camera: Camera, password: &str) -> Camera {
    if let Some(source) = &mut camera.source {
        source.username = Some("admin".to_owned());
        source.password = Some(Secret::new(password));
    }
    camera
}
