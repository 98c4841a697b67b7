//! A trial: a recorder with a good camera and a hostile one, which does one thing after the other.

use std::io;
use std::time::{Duration, Instant};

use nightreel_recorder::CameraState;
use tokio::sync::MutexGuard;

use crate::clip::{self, Codec, SILENT};
use crate::fake_camera::FakeCamera;
use crate::hostile_camera::{HostileCamera, Talk};
use crate::memory;
use crate::station::{Running, Station, camera_at};

/// What one camera may cost.
const COST: usize = 64 << 20;

const PATIENCE: Duration = Duration::from_secs(60);
const TWO_SECONDS: Duration = Duration::from_secs(2);

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) script: fn(&mut Talk) -> io::Result<()>,
    /// Part of the reason that the operator reads.
    pub(crate) told: &'static str,
}

pub(crate) struct Trial {
    station: Station,
    running: Running,
    sent: std::path::PathBuf,
    _good: FakeCamera,
    hostile: HostileCamera,
    /// With the good camera at work, and nothing yet from the other.
    memory_before: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Trial {
    /// Returns once the good camera is being recorded.
    pub(crate) async fn begin() -> Self {
        let alone = memory::alone().await;
        let station = Station::new();
        let sent = clip::encoded(Codec::H264, SILENT);
        let good = FakeCamera::play(&sent, &[]);
        let hostile = HostileCamera::start(|talk| talk.asked().map(drop));
        let url = |port: u16| format!("rtsp://127.0.0.1:{port}/cam");
        let cameras = [("good", good.port), ("hostile", hostile.port)];
        let cameras = cameras.map(|(id, port)| camera_at(id, &url(port), TWO_SECONDS));
        let mut running = station.start_all(cameras.to_vec());
        running.wait_for(|good| good.frames >= 50).await;
        Self { station, running, sent, _good: good, hostile, memory_before: memory::now(), _alone: alone }
    }

    /// Lets the camera attack until so many sessions have ended, and asserts the reason that is told, and the cost.
    pub(crate) async fn endure(&mut self, attack: &Attack, sessions: u64) {
        let cost = self.cost_of(attack, sessions).await;
        assert!(cost <= COST, "{}: {} MB", attack.name, cost >> 20);
    }

    #[expect(clippy::print_stdout, reason = "the numbers are worth to be seen")]
    pub(crate) async fn cost_of(&mut self, attack: &Attack, sessions: u64) -> usize {
        let Attack { name, script, told } = *attack;
        memory::forget_peak();
        self.hostile.act(script);
        let begun = Instant::now();
        let until = self.running.status.cameras()[1].reconnects + sessions;
        let hostile = &self.hostile;
        let waiting = self.running.status.wait_for(|cameras| {
            let CameraState::Waiting { reason } = &cameras[1].state else { return false };
            hostile.served() >= 1 && cameras[1].reconnects >= until && reason.contains(told)
        });
        let endured = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(endured.is_ok(), "{name}: {:?}", self.running.status.cameras()[1]);
        let cost = memory::peak().saturating_sub(self.memory_before);
        println!("{name}: {} MB, {:.1} s", cost >> 20, begun.elapsed().as_secs_f64());
        cost
    }

    /// Lets the camera go on after the end of its session, until so many connections have come to their end, and
    /// asserts the cost.
    #[expect(clippy::print_stdout, reason = "the numbers are worth to be seen")]
    pub(crate) async fn endure_the_end(
        &mut self,
        name: &str,
        script: fn(&mut Talk) -> io::Result<()>,
        connections: usize,
    ) {
        memory::forget_peak();
        let begun = Instant::now();
        self.hostile.act(script);
        let served = async {
            while self.hostile.served() < connections {
                tokio::time::sleep(Duration::from_millis(20)).await; // waits for the camera's thread
            }
        };
        let endured = tokio::time::timeout(PATIENCE, served).await;
        assert!(endured.is_ok(), "{:?}", self.running.status.cameras()[1]);
        let cost = memory::peak().saturating_sub(self.memory_before);
        println!("{name}: {} MB, {:.1} s", cost >> 20, begun.elapsed().as_secs_f64());
        assert!(cost <= COST, "{name}: {} MB", cost >> 20);
    }

    /// Asserts that the good camera has lost nothing.
    pub(crate) async fn end(self) {
        let good = self.running.status.cameras()[0].clone();
        assert_eq!((good.reconnects, good.packets_lost), (0, 0), "{good:?}");
        self.running.stop().await;
        let files = self.station.files_of("good", ".mp4");
        let pictures = files.iter().flat_map(|file| clip::picture_hashes(file, Codec::H264));
        let recorded: Vec<String> = pictures.collect();
        assert!(recorded.len() as u64 >= good.frames, "{} pictures of {}", recorded.len(), good.frames);
        clip::assert_unbroken(&clip::picture_hashes(&self.sent, Codec::H264), &recorded);
    }
}
