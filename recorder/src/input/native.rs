//! The native input: an RTSP session. Asks what the camera offers, chooses streams, plays them, hands frames on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use config::{Camera, CameraId, Secret, Source};
use retina::client::{
    Credentials, Described, InitialTimestampPolicy, PlayOptions, Session, SessionGroup, SessionOptions,
    SetupOptions, Stream, TcpTransportOptions, TeardownPolicy, Tool, Transport, UdpTransportOptions,
};
use retina::codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame};
use retina::rtcp::ReceivedCompoundPacket;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::parameters::Parameters;
use super::{Input, Item, Playing, ReportItem, SoundItem, SoundKept, SoundUse, StreamInfo, VideoItem};
use crate::RecorderError;
use crate::cap::{Farewell, Frames, Held, Pictures, capped, narrow};
use crate::mp4::{Law, TrackHead, TrackKind};
use crate::sender::{SenderReport, ntp_time};

/// From the first packet to the answer to PLAY.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// live555 sends a dead session's packets for so long; retina knows which cameras do.
const STALE_SESSIONS_END: Duration = Duration::from_secs(65);

/// The sessions of one camera, those that ended included: some cameras go on sending for them.
pub(crate) struct Sessions {
    group: Arc<SessionGroup>,
    pictures: Pictures,
    /// Whether the camera floods those who ask it to end a session.
    flooded: CancellationToken,
}

impl Sessions {
    pub(crate) fn of(camera: &Camera) -> Self {
        Self { group: group_of(camera), pictures: Pictures::Usual, flooded: CancellationToken::new() }
    }

    /// Begins anew where one was abandoned: retina's would wait for its end, or fail.
    pub(crate) fn forget(&mut self, camera: &Camera) {
        self.group = group_of(camera);
        self.flooded = CancellationToken::new();
    }

    /// Makes room for pictures that have turned out to be large, in the sessions to come.
    pub(crate) fn expect_large_pictures(&mut self) {
        self.pictures = Pictures::Large;
    }

    /// Waits until the camera has noticed that its old sessions are over. One that floods us is asked no more.
    pub(crate) async fn settled(&mut self, camera: &Camera) {
        self.ended_within(STALE_SESSIONS_END).await;
        if self.flooded.is_cancelled() {
            tracing::warn!(camera = %camera.id, "sends too much when asked to end a session, and is not asked again");
            self.forget(camera);
        }
    }

    /// Waits a moment until what is left is torn down: a camera with few sessions to give gets them back.
    pub(crate) async fn torn_down(&self) {
        self.ended_within(Duration::from_secs(1)).await;
    }

    async fn ended_within(&self, longest: Duration) {
        let stale = self.group.stale_sessions();
        if stale.num_sessions > 0 {
            tracing::debug!(sessions = stale.num_sessions, "waiting for old sessions of the camera to end");
            let ended = timeout(longest, self.group.await_stale_sessions(&stale));
            let _ = self.flooded.run_until_cancelled(ended).await;
        }
    }
}

fn group_of(camera: &Camera) -> Arc<SessionGroup> {
    Arc::new(SessionGroup::default().named(camera.id.to_string()))
}

/// Frames of a session that plays.
pub(crate) struct Native {
    frames: Frames,
    video: usize,
    parameters: Parameters,
}

impl Native {
    pub(super) async fn next(&mut self) -> Result<Item, RecorderError> {
        loop {
            match self.frames.next().await? {
                CodecItem::VideoFrame(frame) => return Ok(Item::Video(self.video(frame))),
                CodecItem::AudioFrame(frame) => {
                    return Ok(Item::Sound(SoundItem {
                        stamp: frame.timestamp().elapsed(),
                        length: frame.frame_length().get(),
                        data: frame.data().to_vec(),
                    }));
                }
                CodecItem::Rtcp(packet) => {
                    if let Some(report) = self.report(&packet) {
                        return Ok(Item::Report(report));
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads what it says of the picture's clock.
    fn report(&self, packet: &ReceivedCompoundPacket) -> Option<ReportItem> {
        let stamp = packet.rtp_timestamp().filter(|_| packet.stream_id() == self.video)?.elapsed();
        let sender = packet.pkts().next()?.as_sender_report().ok().flatten()?;
        let camera_time = ntp_time(sender.ntp_timestamp().0)?;
        let report = SenderReport { stamp, camera_time };
        Some(ReportItem { report, received: packet.ctx().received() })
    }

    fn video(&mut self, frame: VideoFrame) -> VideoItem {
        let stream = &self.frames.streams()[self.video];
        let may_differ = frame.has_new_parameters() || !self.parameters.are_told();
        let fresh = if may_differ { video_head(stream) } else { None };
        let (keyframe, received) = (frame.is_random_access_point(), frame.start_ctx().received());
        let told = self.parameters.take(fresh, keyframe, received);
        VideoItem {
            stamp: frame.timestamp().elapsed(),
            keyframe,
            received,
            lost: u64::from(frame.loss()),
            head: told.head,
            data: behind(told.units, frame.into_data()),
        }
    }
}

fn behind(mut units: Vec<u8>, frame: Vec<u8>) -> Vec<u8> {
    if units.is_empty() {
        return frame;
    }
    units.extend_from_slice(&frame);
    units
}

pub(super) async fn describe(camera: &Camera, source: &Source) -> Result<StreamInfo, RecorderError> {
    let asking = describe_source(camera, source, SessionOptions::default());
    let asked = timeout(CONNECT_WITHIN, capped(&camera.id, asking));
    let session = asked.await.map_err(|_| no_answer(camera))??;
    let streams = session.streams();
    let video = &streams[choose_video(camera, streams)?];
    let size = match video.parameters() {
        Some(ParametersRef::Video(parameters)) => Some(parameters.pixel_dimensions()),
        _ => None,
    };
    let sound = choose_sound(streams).map(|number| {
        let stream = &streams[number];
        let kept = if sound_head(stream).is_some() { SoundKept::Yes } else { SoundKept::No };
        (stream.encoding_name().to_owned(), kept)
    });
    Ok(StreamInfo { codec: video.encoding_name().to_owned(), size, sound })
}

pub(super) async fn play(
    camera: &Camera,
    source: &Source,
    sessions: &Sessions,
    sound: SoundUse,
) -> Result<Playing, RecorderError> {
    let connecting = async {
        let options = || SessionOptions::default().session_group(Arc::clone(&sessions.group));
        // The end of the connection ends a session, but for an old live555, which goes on sending its packets to
        // whoever connects next: that has to be asked.
        let session = describe_source(camera, source, options().teardown(TeardownPolicy::Never)).await?;
        let transport = transport(source);
        if !session.tool().is_some_and(Tool::has_live555_tcp_bug) {
            let pictures = pictures(camera, source, sessions).await;
            let wanted = Wanted { sound, transport, pictures, farewell: None };
            return set_up_and_play(camera, session, wanted).await;
        }
        drop(session); // nothing has been set up in it, and a camera may have but one to give
        let farewell = Farewell::prepare(sessions.flooded.clone()).map_err(|e| unprepared(camera, &e))?;
        let asking = async {
            let session = describe_source(camera, source, options().teardown(TeardownPolicy::Auto)).await?;
            farewell.narrow().map_err(|e| unprepared(camera, &e))?;
            let (pictures, farewell) = (sessions.pictures, Some(farewell.clone()));
            set_up_and_play(camera, session, Wanted { sound, transport, pictures, farewell }).await
        };
        farewell.around(asking).await
    };
    timeout(CONNECT_WITHIN, capped(&camera.id, connecting)).await.map_err(|_| no_answer(camera))?
}

/// Returns how large pictures may be in the session that has just connected.
async fn pictures(camera: &Camera, source: &Source, sessions: &Sessions) -> Pictures {
    if sessions.pictures == Pictures::Large
        && let Err(e) = narrow(&source.url).await
    {
        let error = &e as &dyn std::error::Error;
        tracing::warn!(camera = %camera.id, error, "its connection cannot be narrowed, large pictures end it");
        return Pictures::Usual;
    }
    sessions.pictures
}

async fn describe_source(
    camera: &Camera,
    source: &Source,
    options: SessionOptions,
) -> Result<Session<Described>, RecorderError> {
    let credentials = source.username.as_ref().map(|username| Credentials {
        username: username.clone(),
        password: source.password.as_ref().map_or("", Secret::expose).to_owned(),
    });
    let options = options.creds(credentials).user_agent("nightreel".to_owned());
    Session::describe(source.url.clone(), options).await.map_err(|e| refusal(camera, &e))
}

/// How a session is to play.
struct Wanted {
    sound: SoundUse,
    transport: Transport,
    pictures: Pictures,
    /// For cameras that have to be asked to end it.
    farewell: Option<Farewell>,
}

async fn set_up_and_play(
    camera: &Camera,
    mut session: Session<Described>,
    wanted: Wanted,
) -> Result<Playing, RecorderError> {
    let options =
        || SetupOptions::default().frame_format(FrameFormat::MP4).transport(wanted.transport.clone());
    let video = choose_video(camera, session.streams())?;
    session.setup(video, options()).await.map_err(|e| refusal(camera, &e))?;

    let (mut sound, mut unusable_sound) = (None, None);
    if wanted.sound == SoundUse::Record
        && let Some(number) = choose_sound(session.streams())
    {
        let stream = &session.streams()[number];
        let (format, head) = (stream.encoding_name().to_owned(), sound_head(stream));
        sound = match head {
            Some(_) => session.setup(number, options()).await.ok().and(head),
            None => None,
        };
        unusable_sound = sound.is_none().then_some(format);
    }
    let policy = PlayOptions::default().initial_timestamp(InitialTimestampPolicy::Permissive);
    let playing = session.play(policy).await.map_err(|e| refusal(camera, &e))?;
    let demuxed = playing.demuxed().map_err(|e| broken(&camera.id, &e))?;
    let frames = Frames::new(&camera.id, Held::new(demuxed, wanted.farewell), wanted.pictures);
    let parameters = Parameters::new(camera.id.clone(), frames.streams().get(video).and_then(video_head));
    let native = Native { frames, video, parameters };
    Ok(Playing { input: Input::Native(Box::new(native)), sound, unusable_sound })
}

fn transport(source: &Source) -> Transport {
    match source.transport {
        config::Transport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        config::Transport::Udp => Transport::Udp(UdpTransportOptions::default()),
    }
}

fn choose_video(camera: &Camera, streams: &[Stream]) -> Result<usize, RecorderError> {
    let usable = |stream: &Stream| {
        stream.media() == "video" && matches!(stream.encoding_name(), "h264" | "h265" | "jpeg")
    };
    streams.iter().position(usable).ok_or_else(|| {
        let offered: Vec<&str> = streams.iter().map(Stream::encoding_name).collect();
        RecorderError::NoVideo {
            camera: camera.id.to_string(),
            offered: if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") },
        }
    })
}

/// Returns the first sound that can be kept, or else the first.
fn choose_sound(streams: &[Stream]) -> Option<usize> {
    let is_sound = |stream: &Stream| stream.media() == "audio";
    let usable = streams.iter().position(|stream| is_sound(stream) && sound_head(stream).is_some());
    usable.or_else(|| streams.iter().position(is_sound))
}

/// Returns the video track as it goes into files; none until the camera has sent its parameters.
fn video_head(stream: &Stream) -> Option<TrackHead> {
    let Some(ParametersRef::Video(parameters)) = stream.parameters() else { return None };
    let (width, height) = parameters.pixel_dimensions();
    Some(TrackHead {
        kind: TrackKind::Video { width: u16::try_from(width).ok()?, height: u16::try_from(height).ok()? },
        time_scale: stream.clock_rate_hz(),
        sample_entry: parameters.mp4_sample_entry().build().ok()?,
    })
}

/// Returns the sound track, where MP4 can hold it (AAC, G.711).
fn sound_head(stream: &Stream) -> Option<TrackHead> {
    let Some(ParametersRef::Audio(parameters)) = stream.parameters() else { return None };
    let time_scale = parameters.clock_rate();
    let sample_entry = match Law::of_encoding(stream.encoding_name()) {
        Some(law) => law.sample_entry(parameters.channels().get(), time_scale)?,
        None => parameters.mp4_sample_entry().build().ok()?,
    };
    Some(TrackHead { kind: TrackKind::Audio, time_scale, sample_entry })
}

fn no_answer(camera: &Camera) -> RecorderError {
    RecorderError::NoAnswer { camera: camera.id.to_string(), after: CONNECT_WITHIN }
}

fn unprepared(camera: &Camera, error: &io::Error) -> RecorderError {
    let reason = format!("its sessions could not be ended: {error}");
    RecorderError::Unreachable { camera: camera.id.to_string(), reason }
}

fn refusal(camera: &Camera, error: &retina::Error) -> RecorderError {
    let id = camera.id.to_string();
    match error.status_code() {
        Some(401 | 403) => RecorderError::PasswordRefused { camera: id },
        // many cameras know no better word than 400 for a wrong path
        Some(status @ (400 | 404 | 410)) => RecorderError::NoSuchStream { camera: id, status },
        Some(status @ 300..) => RecorderError::Refused { camera: id, status },
        Some(_) => broken(&camera.id, error), // its answer was yes, but makes no sense
        None => RecorderError::Unreachable { camera: id, reason: first_line(error) },
    }
}

pub(crate) fn broken(camera: &CameraId, error: &retina::Error) -> RecorderError {
    RecorderError::BrokenStream { camera: camera.to_string(), reason: first_line(error) }
}

/// The lines that follow are addresses and byte positions for whoever looks at a packet dump.
fn first_line(error: &retina::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim_end_matches('.').trim_end_matches("; buffered:");
    // it may quote what the camera sent
    line.chars().take(300).collect()
}
