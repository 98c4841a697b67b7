//! One take: what a camera sends from the answer to PLAY until the session ends, turned into orders for the
//! writer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Clock, ClockSource, Gap, GapCause, OpenGap};
use chrono::{DateTime, TimeDelta, Utc};
use config::{Camera, Recording};
use tokio::sync::{Notify, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::blocks::BlockPool;
use crate::destination::{Destination, Destinations};
use crate::gather::{Gatherer, HELD_MAX, Order, TooMuchHeld, VideoFrame};
use crate::input::{Input, Item, Playing, SoundItem, VideoItem};
use crate::loss::LossWatch;
use crate::mp4::TrackHead;
use crate::outage::{Moment, Outage};
use crate::register::Register;
use crate::sender::SenderClock;
use crate::sound::SoundFrame;
use crate::times::rescale;
use crate::wall::{Anchor, ClockStep};
use crate::writer::CameraWriter;
use crate::{CameraState, CameraStatus, RecorderError};

/// Without a video frame for so long a session is dead, whatever TCP says.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(8);

/// A camera that sends no keyframe for so long after the answer to PLAY will not send one.
const KEYFRAME_WITHIN: Duration = Duration::from_secs(30);

/// So many losses are told together, at the latest with the segment they are in: a bad line has them by the second.
const LOSSES_MAX: usize = 256;

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
    /// Carries the system's time over all sessions.
    pub(crate) anchor: Anchor,
    pub(crate) hand: Hand,
    pub(crate) lookout: Arc<Notify>,
}

/// Whether the catalogue knows that this recorder has the camera in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    NotYet,
    Told,
}

impl Desk {
    /// Tells the catalogue once that the camera is in hand since its first frame, or the first attempt to get one.
    pub(crate) fn take_in_hand(&mut self, at: DateTime<Utc>) {
        let before = std::mem::replace(&mut self.hand, Hand::Told);
        if before == Hand::NotYet && self.is_expected() {
            self.register.resumed(self.camera.id.clone(), at);
        }
    }

    /// Tells whether what is not recorded of the camera is a gap.
    fn is_expected(&self) -> bool {
        self.camera.recording != Recording::Off
    }

    pub(crate) fn gaps(&self, gaps: Vec<Gap>) {
        if self.is_expected() {
            self.register.gaps(gaps);
        }
    }

    pub(crate) fn open_gap(&self, gap: OpenGap) {
        if self.is_expected() {
            self.register.open_gap(gap);
        }
    }

    pub(crate) fn now(&self) -> Moment {
        let at = Instant::now();
        Moment { wall: self.anchor.wall_of(at), at }
    }

    /// Looks whether the system's clock was set, and if so writes down where.
    pub(crate) fn check_clock(&mut self) -> Option<ClockStep> {
        let step = self.anchor.check(self.clock.now(), Instant::now())?;
        let camera = self.camera.id.clone();
        if let Some((before, lasting)) = self.outage.part(step) {
            self.gaps(vec![before]);
            self.open_gap(lasting);
        }
        // a step back leaves nothing out: its entry marks the place
        let from = step.before.min(step.after);
        self.gaps(vec![Gap { camera, from, to: step.after, cause: GapCause::ClockStep }]);
        Some(step)
    }
}

/// What was lost in a session, and not told to the catalogue yet.
#[derive(Debug, Default)]
struct Losses {
    watch: LossWatch,
    gaps: Vec<Gap>,
}

/// The state of one session.
struct Take<'a> {
    desk: &'a mut Desk,
    sound: Option<TrackHead>,
    /// Made when the first frame has brought the video's parameters.
    gatherer: Option<Gatherer>,
    /// Known with the video's parameters, as the gatherer.
    sender: Option<SenderClock>,
    losses: Losses,
    began: tokio::time::Instant,
    last_video: tokio::time::Instant,
    last_frame: Option<Moment>,
    destinations: Destinations,
    /// Of the segment in hand.
    destination: Option<Destination>,
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
    let Playing { mut input, sound, .. } = playing;
    desk.check_clock();
    let began = tokio::time::Instant::now();
    let destinations = Destinations::of(&desk.camera);
    let mut take = Take {
        desk,
        sound,
        gatherer: None,
        sender: None,
        losses: Losses::default(),
        began,
        last_video: began,
        last_frame: None,
        destinations,
        destination: None,
        frames: 0,
        lost: 0,
    };
    let ended = take.play(&mut input, shutdown).await;
    // the camera may go while the last fragment is being handed over
    drop(input);
    let handed_over = take.finish().await;
    ended.and(handed_over)
}

impl Take<'_> {
    async fn play(&mut self, input: &mut Input, shutdown: &CancellationToken) -> Result<(), RecorderError> {
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
                item = input.next() => self.take(item?).await?,
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

    async fn take(&mut self, item: Item) -> Result<(), RecorderError> {
        match item {
            Item::Video(frame) => self.take_video(frame).await,
            Item::Sound(frame) => self.take_sound(frame).await,
            Item::Report(item) => {
                let received = self.desk.anchor.wall_of(item.received);
                if let Some(sender) = &mut self.sender {
                    sender.take(item.report, received);
                }
                Ok(())
            }
        }
    }

    async fn take_video(&mut self, frame: VideoItem) -> Result<(), RecorderError> {
        self.last_video = tokio::time::Instant::now();
        self.frames += 1;
        self.lost += frame.lost;
        if let Some(head) = frame.head {
            self.take_parameters(head);
        }
        let Some(gatherer) = &mut self.gatherer else { return Ok(()) };
        let keyframe = frame.keyframe;
        if keyframe && let Some(step) = self.desk.check_clock() {
            tracing::warn!(
                camera = %self.desk.camera.id, before = %step.before, after = %step.after,
                "system clock was set, a new segment begins"
            );
            gatherer.cut_at_next_keyframe();
        }
        let received = self.desk.anchor.wall_of(frame.received);
        let by_camera = self.sender.as_ref().and_then(|sender| sender.time_of(frame.stamp, received));
        let (wall, clock) = match by_camera {
            Some(wall) => (wall, ClockSource::SenderReport),
            None => (received, ClockSource::ReceiveTime),
        };
        self.last_frame = Some(Moment { wall, at: frame.received });
        if keyframe {
            let destination = self.destinations.at(wall);
            if self.destination.replace(destination).is_some_and(|before| before != destination) {
                gatherer.cut_at_next_keyframe();
            }
        }
        let had_begun = gatherer.has_begun();
        let gathered =
            gatherer.video(VideoFrame { stamp: frame.stamp, keyframe, wall, clock, data: &frame.data });
        let has_begun = gatherer.has_begun();
        if !had_begun && has_begun {
            self.begin(Moment { wall, at: frame.received });
        }
        if let Some(missing) = self.losses.watch.note(frame.stamp, keyframe, frame.lost)
            && has_begun
        {
            self.note_loss(missing, wall);
        }
        gathered.map_err(|_: TooMuchHeld| self.too_much_held())?;
        self.hand_over().await
    }

    /// Takes note of `missing` ticks of the picture before a frame of that time.
    fn note_loss(&mut self, missing: i64, to: DateTime<Utc>) {
        let scale = self.sender.as_ref().map_or(VIDEO_CLOCK, SenderClock::scale);
        let length = TimeDelta::microseconds(rescale(missing, scale, 1_000_000));
        let camera = self.desk.camera.id.clone();
        self.losses.gaps.push(Gap { camera, from: to - length, to, cause: GapCause::PacketLoss });
        if self.losses.gaps.len() >= LOSSES_MAX {
            self.desk.gaps(std::mem::take(&mut self.losses.gaps));
        }
    }

    async fn take_sound(&mut self, frame: SoundItem) -> Result<(), RecorderError> {
        let Some(gatherer) = &mut self.gatherer else { return Ok(()) };
        let SoundItem { stamp, length, data } = frame;
        let gathered = gatherer.sound(SoundFrame { time: stamp, length, data });
        gathered.map_err(|_: TooMuchHeld| self.too_much_held())?;
        self.hand_over().await
    }

    fn take_parameters(&mut self, video: TrackHead) {
        match &mut self.gatherer {
            Some(gatherer) => gatherer.change_video(video),
            None => {
                self.sender = Some(SenderClock::new(video.time_scale));
                let (pool, sound) = (self.desk.pool.clone(), self.sound.take());
                self.gatherer = Some(Gatherer::new(&self.desk.camera, pool, video, sound));
            }
        }
    }

    /// The first keyframe of a session ends the gap before it.
    fn begin(&mut self, first: Moment) {
        self.desk.take_in_hand(first.wall);
        if let Some(gap) = self.desk.outage.begin(first) {
            tracing::info!(
                camera = %gap.camera, from = %gap.from, cause = %gap.cause, "recording again after a gap"
            );
            self.desk.gaps(vec![gap]);
        } else {
            tracing::info!(camera = %self.desk.camera.id, "recording");
        }
        self.desk.status.send_modify(|status| {
            status.state = CameraState::Recording;
            status.outage = None;
        });
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
        let fragment = match order {
            Order::Append(fragment) => fragment,
            Order::Open(head) => {
                let start = head.metadata.start;
                let is_recorded = self.destinations.at(start) == Destination::Recording;
                let in_hand = is_recorded.then_some(start);
                return self.desk.status.send_modify(|status| status.in_hand = in_hand);
            }
            Order::Close => return self.desk.gaps(std::mem::take(&mut self.losses.gaps)),
        };
        let (bits, ticks) = fragment.bits_and_ticks();
        let rate = bits as f64 * f64::from(VIDEO_CLOCK) / ticks.max(1) as f64;
        let (frames, lost) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.lost));
        let last_frame = self.last_frame.map(|frame| frame.wall);
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
        if let Some(last) = self.last_frame {
            self.desk.outage.note_last_frame(last);
        }
        handed_over
    }

    fn too_much_held(&self) -> RecorderError {
        RecorderError::TooMuchHeld { camera: self.id(), limit: HELD_MAX }
    }
}
