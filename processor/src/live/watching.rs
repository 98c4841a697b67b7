//! Watching: a stream's frames, one after another, through mask, gate, views and detector.

use std::num::NonZeroU32;
use std::thread;

use catalog::{Clock, Decision, Object, Sample};
use chrono::TimeDelta;
use config::{Camera, Settings, Source};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Reconnect, Waiting};
use super::mailbox::Mailbox;
use super::presence::{Began, Presence};
use crate::decoding::DecoderProgram;
use crate::detect::{Detector, Model};
use crate::error::ProcessorError;
use crate::gate::{Audit, Gate, Surroundings};
use crate::plan::CameraPlan;
use crate::scene::Scene;
use crate::unfinished::Unfinished;
use crate::zones::Filter;

/// What is to be watched.
#[derive(Clone, Copy, Debug)]
pub struct LiveSetup<'a> {
    pub settings: &'a Settings,
    /// Absent for an address that is no camera of the settings.
    pub camera: Option<&'a Camera>,
    pub source: &'a Source,
    pub every: NonZeroU32,
    pub decoder: &'a DecoderProgram,
}

/// Says why a stream is not watched.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("`{stream}` cannot be watched: {reason}")]
    NotWatched { stream: String, reason: String },
    #[error(transparent)]
    Processor(#[from] ProcessorError),
    #[error("the thread that connects cannot be started")]
    NoThread(#[source] std::io::Error),
}

/// What was seen of one sampled frame.
#[derive(Clone, Debug, Serialize)]
pub struct LiveSample {
    /// When the frame came from the camera.
    pub time: String,
    pub camera: Option<String>,
    /// Counted from the beginning, frames that were passed over among them.
    pub frame: u64,
    /// Absent where there is no gate.
    pub gate: Option<Decision>,
    pub views: Vec<LiveView>,
    /// Events that begin with this frame.
    pub began: Vec<Began>,
    /// From the frame's arrival until now.
    pub lag_ms: u64,
    /// Sampled frames that were not looked at so far, since looking or reading took too long.
    pub dropped: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct LiveView {
    pub view: String,
    pub objects: Vec<Object>,
}

/// A whole watch, counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveTally {
    pub samples: u64,
    /// Those that the gate let pass.
    pub looked_at: u64,
    pub dropped: u64,
    pub events: u64,
    pub reconnects: u64,
    pub longest_lag_ms: u64,
}

/// A stream with all that is needed to look at it.
#[derive(Debug)]
pub struct Live {
    name: String,
    camera: Option<String>,
    source: Source,
    every: NonZeroU32,
    decoder: DecoderProgram,
    plan: CameraPlan,
    gate: Option<Gate>,
    detector: Option<Detector>,
    presence: Presence,
}

impl Live {
    /// Loads the detector, and plans as for the camera's segments.
    pub fn new(setup: LiveSetup<'_>) -> Result<Self, ProcessorError> {
        let LiveSetup { settings, camera, source, every, decoder } = setup;
        let model = settings.detect.as_ref().map(Model::open).transpose()?;
        let plan = CameraPlan::new(settings, model.as_ref(), camera)?;
        let detector = match (&model, &plan.filter) {
            (Some(model), Some(filter)) => Some(Detector::new(model, &Filter::all_of([filter].into_iter()))?),
            _ => None,
        };
        let camera = camera.map(|camera| camera.id.to_string());
        let gap = TimeDelta::seconds(i64::from(settings.events.gap_s));
        let heartbeat = settings.gate.and_then(|gate| TimeDelta::from_std(gate.heartbeat).ok());
        Ok(Self {
            name: camera.clone().unwrap_or_else(|| source.url.to_string()),
            camera,
            source: source.clone(),
            every,
            decoder: decoder.clone(),
            plan,
            gate: settings.gate.map(gate),
            detector,
            presence: Presence::new(gap, heartbeat.unwrap_or_default()),
        })
    }

    /// Watches until `ending`, and hands each sample on when it is looked at. Blocks: for a thread of its own.
    ///
    /// One frame waits at most, the newest; while `tell` takes its time, the others are dropped and counted.
    pub fn watch(
        mut self,
        ending: &CancellationToken,
        reconnect: &Reconnect<'_>,
        tell: &mut dyn FnMut(&LiveSample),
    ) -> Result<LiveTally, LiveError> {
        let mailbox = Mailbox::new();
        let connection = Connection {
            name: &self.name,
            source: &self.source,
            every: self.every,
            decoder: &self.decoder,
            mailbox: &mailbox,
            ending,
            reconnect,
        };
        let scene = Scene::new(&self.plan, self.gate.take(), self.detector.as_mut(), None);
        let mut watcher =
            Watcher { camera: self.camera.as_ref(), scene, presence: &mut self.presence, ending };
        thread::scope(|scope| {
            // whatever ends the looking ends the connection, which is waited for
            let _ending = ending.clone().drop_guard();
            let connected = thread::Builder::new()
                .name("live stream".to_owned())
                .spawn_scoped(scope, || connection.keep())
                .map_err(LiveError::NoThread)?;
            let mut tally = LiveTally::default();
            while let Some((waiting, replaced)) = mailbox.take() {
                tally.dropped = waiting.passed_over + replaced;
                match watcher.look(&waiting, tally.dropped) {
                    Ok(sample) => {
                        tally.add(&sample);
                        tell(&sample);
                    }
                    Err(Unfinished::Ending) => break,
                    Err(Unfinished::Fatal(error)) => return Err(error.into()),
                    Err(unfinished) => {
                        tracing::warn!(reason = unfinished.to_string(), "a frame cannot be looked at");
                    }
                }
            }
            tally.reconnects = connected.join().map_err(|_| ProcessorError::Panicked)??;
            Ok(tally)
        })
    }
}

/// Without an audit: it looks at what comes before and after, which is not there.
fn gate(settings: config::Gate) -> Gate {
    let audit = Audit { segment_sha256: String::new(), share: 0.0 };
    let before = Clock::system().now();
    Gate::new(settings, audit, Surroundings { background: None, is_alone: true, before }).learning()
}

struct Watcher<'a> {
    camera: Option<&'a String>,
    scene: Scene<'a>,
    presence: &'a mut Presence,
    ending: &'a CancellationToken,
}

impl Watcher<'_> {
    fn look(&mut self, waiting: &Waiting, dropped: u64) -> Result<LiveSample, Unfinished> {
        let mut progress = || if self.ending.is_cancelled() { Err(Unfinished::Ending) } else { Ok(()) };
        let Waiting { picture, .. } = waiting;
        let sample = self.scene.look_once(&picture.frame, picture.received, &mut progress)?;
        let Sample { frame, time, gate, views } = sample;
        let began =
            views.iter().flat_map(|view| self.presence.note(&view.view, &view.objects, picture.received));
        let began = began.collect();
        let views = views.into_iter().map(|view| LiveView { view: view.view, objects: view.objects });
        let lag = Clock::system().now() - picture.received;
        Ok(LiveSample {
            time,
            camera: self.camera.cloned(),
            frame,
            gate,
            views: views.collect(),
            began,
            lag_ms: u64::try_from(lag.num_milliseconds()).unwrap_or(0),
            dropped,
        })
    }
}

impl LiveTally {
    fn add(&mut self, sample: &LiveSample) {
        self.samples += 1;
        self.looked_at += u64::from(sample.gate.is_none_or(|decision| decision.kept));
        self.events += sample.began.len() as u64;
        self.longest_lag_ms = self.longest_lag_ms.max(sample.lag_ms);
    }
}
