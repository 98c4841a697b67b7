//! One take: what a camera sends from the answer to PLAY until the session ends, turned into orders for the
//! writer.

use std::time::{Duration, Instant};

use catalog::{Clock, Gap};
use chrono::{DateTime, Utc};
use config::Camera;
use retina::client::Stream;
use retina::codec::{self, CodecItem};
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::blocks::BlockPool;
use crate::cap::Frames;
use crate::gather::{Gatherer, HELD_MAX, Order, TooMuchHeld, VideoFrame};
use crate::outage::Outage;
use crate::register::Register;
use crate::session::{Playing, video_head};
use crate::sound::SoundFrame;
use crate::wall::Anchor;
use crate::writer::CameraWriter;
use crate::{CameraState, CameraStatus, RecorderError};

/// Without a video frame for so long a session is dead, whatever TCP says.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(8);

/// A camera that sends no keyframe for so long after the answer to PLAY will not send one.
const KEYFRAME_WITHIN: Duration = Duration::from_secs(30);

/// Of all video over RTP (RFC 6184, RFC 7798), in ticks per second.
const VIDEO_CLOCK: u32 = 90_000;

/// What a camera's tasks work with; outlives its sessions.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) camera: Camera,
    pub(crate) clock: Clock,
    pub(crate) pool: BlockPool,
    pub(crate) register: Register,
    pub(crate) status: watch::Sender<CameraStatus>,
    pub(crate) writer: CameraWriter,
    pub(crate) outage: Outage,
}

/// The state of one session.
struct Take<'a> {
    desk: &'a mut Desk,
    playing_video: usize,
    sound: Option<crate::mp4::TrackHead>,
    /// Made when the first frame has brought the video's parameters.
    gatherer: Option<Gatherer>,
    anchor: Anchor,
    began: tokio::time::Instant,
    last_video: tokio::time::Instant,
    last_wall: Option<DateTime<Utc>>,
    /// Since the last fragment, for the status.
    frames: u64,
    lost: u64,
}

/// Records until the session ends (an error says how) or `shutdown` is asked for. Whatever was received is
/// handed to the writer in both cases.
pub(crate) async fn record(
    desk: &mut Desk,
    playing: Playing,
    shutdown: &CancellationToken,
) -> Result<(), RecorderError> {
    let Playing { mut frames, video, sound, .. } = playing;
    let anchor = Anchor::new(desk.clock.now(), Instant::now());
    let began = tokio::time::Instant::now();
    let mut take = Take {
        desk,
        playing_video: video,
        sound,
        gatherer: None,
        anchor,
        began,
        last_video: began,
        last_wall: None,
        frames: 0,
        lost: 0,
    };
    let ended = take.play(&mut frames, shutdown).await;
    // the camera may go while the last fragment is being handed over
    drop(frames);
    let handed_over = take.finish().await;
    ended.and(handed_over)
}

impl Take<'_> {
    async fn play(&mut self, frames: &mut Frames, shutdown: &CancellationToken) -> Result<(), RecorderError> {
        // One timer that is moved when it fires: setting one per frame would cost more than the frame.
        let watchdog = sleep_until(self.last_video + STALLED_AFTER);
        tokio::pin!(watchdog);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                error = self.desk.writer.failed() => return Err(error),
                // before the frames, or a flood of packets without any picture would never let it bark
                () = &mut watchdog => watchdog.as_mut().reset(self.check_alive(tokio::time::Instant::now())?),
                item = frames.next() => self.take(item?, frames.streams()).await?,
            }
        }
    }

    /// Returns when to look again.
    fn check_alive(&self, now: tokio::time::Instant) -> Result<tokio::time::Instant, RecorderError> {
        let due = self.last_video + STALLED_AFTER;
        if due <= now {
            return Err(RecorderError::Stalled { camera: self.id(), after: STALLED_AFTER });
        }
        let has_begun = self.gatherer.as_ref().is_some_and(Gatherer::has_begun);
        if !has_begun && self.began + KEYFRAME_WITHIN <= now {
            return Err(RecorderError::NoKeyframe { camera: self.id(), after: KEYFRAME_WITHIN });
        }
        Ok(due)
    }

    fn id(&self) -> String {
        self.desk.camera.id.to_string()
    }

    async fn take(&mut self, item: CodecItem, streams: &[Stream]) -> Result<(), RecorderError> {
        match item {
            CodecItem::VideoFrame(frame) => self.take_video(&frame, &streams[self.playing_video]).await,
            CodecItem::AudioFrame(frame) => self.take_sound(&frame).await,
            _ => Ok(()),
        }
    }

    async fn take_video(&mut self, frame: &codec::VideoFrame, stream: &Stream) -> Result<(), RecorderError> {
        self.last_video = tokio::time::Instant::now();
        self.frames += 1;
        self.lost += u64::from(frame.loss());
        if self.gatherer.is_none() || frame.has_new_parameters() {
            self.take_parameters(stream);
        }
        let Some(gatherer) = &mut self.gatherer else { return Ok(()) };
        let keyframe = frame.is_random_access_point();
        if keyframe && let Some(step) = self.anchor.check(self.desk.clock.now(), Instant::now()) {
            tracing::warn!(
                camera = %self.desk.camera.id, before = %step.before, after = %step.after,
                "system clock was set, a new segment begins"
            );
            gatherer.cut_at_next_keyframe();
            self.desk.register.gap(Gap {
                camera: self.desk.camera.id.clone(),
                // a step back leaves nothing out: its entry marks the place
                from: step.before.min(step.after),
                to: step.after,
                cause: "clock step".to_owned(),
            });
        }
        let wall = self.anchor.wall_of(frame.start_ctx().received());
        self.last_wall = Some(wall);
        let had_begun = gatherer.has_begun();
        let stamp = frame.timestamp().elapsed();
        let gathered = gatherer.video(VideoFrame { stamp, keyframe, wall, data: frame.data() });
        if !had_begun && gatherer.has_begun() {
            self.begin(wall);
        }
        gathered.map_err(|_: TooMuchHeld| self.too_much_held())?;
        self.hand_over().await
    }

    async fn take_sound(&mut self, frame: &codec::AudioFrame) -> Result<(), RecorderError> {
        let Some(gatherer) = &mut self.gatherer else { return Ok(()) };
        let (time, length) = (frame.timestamp().elapsed(), frame.frame_length().get());
        let gathered = gatherer.sound(SoundFrame { time, length, data: frame.data() });
        gathered.map_err(|_: TooMuchHeld| self.too_much_held())?;
        self.hand_over().await
    }

    fn take_parameters(&mut self, stream: &Stream) {
        let Some(video) = video_head(stream) else { return };
        match &mut self.gatherer {
            Some(gatherer) => gatherer.change_video(video),
            None => {
                let (pool, sound) = (self.desk.pool.clone(), self.sound.take());
                self.gatherer = Some(Gatherer::new(&self.desk.camera, pool, video, sound));
            }
        }
    }

    /// The first keyframe of a session ends the gap before it.
    fn begin(&mut self, wall: DateTime<Utc>) {
        if let Some(gap) = self.desk.outage.end(wall) {
            tracing::info!(
                camera = %gap.camera, from = %gap.from, cause = gap.cause, "recording again after a gap"
            );
            self.desk.register.gap(gap);
        } else {
            tracing::info!(camera = %self.desk.camera.id, "recording");
        }
        self.desk.status.send_modify(|status| status.state = CameraState::Recording);
    }

    async fn hand_over(&mut self) -> Result<(), RecorderError> {
        let orders = self.gatherer.as_mut().map(Gatherer::take_orders).unwrap_or_default();
        for order in orders {
            self.show(&order);
            let begun = tokio::time::Instant::now();
            self.desk.writer.submit(order).await?;
            // the camera is not to blame for the time the disk takes
            self.last_video += begun.elapsed();
        }
        Ok(())
    }

    fn show(&mut self, order: &Order) {
        let Order::Append(fragment) = order else { return };
        let (bits, ticks) = fragment.bits_and_ticks();
        let rate = bits as f64 * f64::from(VIDEO_CLOCK) / ticks.max(1) as f64;
        let (frames, lost) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.lost));
        let last_frame = self.last_wall;
        self.desk.status.send_modify(|status| {
            status.frames += frames;
            status.packets_lost += lost;
            status.last_frame = last_frame;
            let before = status.bits_per_second as f64;
            let smoothed = if before > 0.0 { before * 0.8 + rate * 0.2 } else { rate };
            status.bits_per_second = smoothed as u64;
        });
    }

    async fn finish(&mut self) -> Result<(), RecorderError> {
        if let Some(gatherer) = &mut self.gatherer {
            gatherer.finish();
        }
        let handed_over = self.hand_over().await;
        if let Some(wall) = self.last_wall {
            self.desk.outage.note_last_frame(wall);
        }
        handed_over
    }

    fn too_much_held(&self) -> RecorderError {
        RecorderError::TooMuchHeld { camera: self.id(), limit: HELD_MAX }
    }
}
