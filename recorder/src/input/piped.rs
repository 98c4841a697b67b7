//! The piped input: an `ffmpeg` child that speaks what this recorder does not, and hands on fragmented MP4 with
//! the frames untouched (`-c copy`).

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::{Duration, Instant};

use config::{Camera, NETWORK_PROTOCOLS, Secret, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use super::demux::{Brought, Demuxer};
use super::{Input, Item, Playing, SoundKept, SoundUse, StreamInfo};
use crate::RecorderError;
use crate::mp4::{TrackHead, TrackKind};

/// From the start of the child to the description of its tracks: it looks into the stream for 5 s itself.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// In microseconds. Short, since frames reach the disk only a fragment later.
const FRAGMENT_US: &str = "250000";

/// Of what the child says when it fails, for the reason; the rest is dropped.
const WORDS_MAX: usize = 2000;

/// Frames that were read and not yet handed on: those of one fragment.
type Waiting = VecDeque<Item>;

/// A child and what has come out of it. The child is killed when this is dropped.
pub(crate) struct Piped {
    camera: String,
    child: Child,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    bytes: Vec<u8>,
    demuxer: Demuxer,
    waiting: Waiting,
    password: Option<Secret>,
}

pub(super) async fn describe(camera: &Camera, source: &Source) -> Result<StreamInfo, RecorderError> {
    let piped = Piped::start(camera, source, SoundUse::Record).await?;
    let video = piped.video()?;
    let TrackKind::Video { width, height } = video.kind else { return Err(piped.no_video()) };
    let sound = piped.sound().map(|head| (four_letters(&head), SoundKept::Yes));
    Ok(StreamInfo { codec: four_letters(&video), size: Some((width.into(), height.into())), sound })
}

pub(super) async fn play(
    camera: &Camera,
    source: &Source,
    sound: SoundUse,
) -> Result<Playing, RecorderError> {
    let piped = Piped::start(camera, source, sound).await?;
    piped.video()?;
    Ok(Playing { sound: piped.sound(), unusable_sound: None, input: Input::Piped(Box::new(piped)) })
}

impl Piped {
    /// Starts the child and waits until it has described its tracks.
    async fn start(camera: &Camera, source: &Source, sound: SoundUse) -> Result<Self, RecorderError> {
        let mut child = command(source, sound)
            .spawn()
            .map_err(|source| RecorderError::NoFfmpeg { camera: camera.id.to_string(), source })?;
        if let (Some(mut stdin), Some(list)) = (child.stdin.take(), list_of(source)) {
            // a child that is gone already says why on stderr
            let _ = stdin.write_all(list.as_bytes()).await;
        }
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut piped = Self {
            camera: camera.id.to_string(),
            stderr: child.stderr.take(),
            child,
            stdout,
            bytes: Vec::new(),
            demuxer: Demuxer::default(),
            waiting: Waiting::new(),
            password: source.password.clone(),
        };
        let described = timeout(CONNECT_WITHIN, piped.described()).await;
        described
            .map_err(|_| RecorderError::NoAnswer { camera: piped.camera.clone(), after: CONNECT_WITHIN })??;
        Ok(piped)
    }

    async fn described(&mut self) -> Result<(), RecorderError> {
        while self.demuxer.tracks.is_empty() {
            self.read_on().await?;
        }
        Ok(())
    }

    pub(super) async fn next(&mut self) -> Result<Item, RecorderError> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(item);
            }
            self.read_on().await?;
        }
    }

    /// Takes in what the pipe has, and every box that is whole by it.
    async fn read_on(&mut self) -> Result<(), RecorderError> {
        if self.stdout.read_buf(&mut self.bytes).await.unwrap_or(0) == 0 {
            return Err(self.ended().await);
        }
        let received = Instant::now();
        while let Some(found) = Demuxer::next_box(&self.bytes).map_err(|fault| self.broken(fault))? {
            let (header, length) = (found.header_length as usize, found.length as usize);
            let Some(content) = self.bytes.get(header..length) else { break };
            let brought = self.demuxer.take(found, content, received);
            if let Brought::Frames(items) = brought.map_err(|fault| self.broken(fault))? {
                self.waiting.extend(items);
            }
            self.bytes.drain(..length);
        }
        Ok(())
    }

    fn video(&self) -> Result<TrackHead, RecorderError> {
        self.track(|kind| matches!(kind, TrackKind::Video { .. })).ok_or_else(|| self.no_video())
    }

    fn sound(&self) -> Option<TrackHead> {
        self.track(|kind| kind == TrackKind::Audio)
    }

    fn track(&self, wanted: impl Fn(TrackKind) -> bool) -> Option<TrackHead> {
        self.demuxer.tracks.iter().map(|track| &track.head).find(|head| wanted(head.kind)).cloned()
    }

    fn no_video(&self) -> RecorderError {
        RecorderError::NoVideo { camera: self.camera.clone(), offered: "no video track".to_owned() }
    }

    fn broken(&self, fault: crate::mp4::Fault) -> RecorderError {
        RecorderError::BrokenStream { camera: self.camera.clone(), reason: fault.to_string() }
    }

    /// Says why the child ended, in its own words.
    async fn ended(&mut self) -> RecorderError {
        let mut words = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            // it is at its end: what it says is there, or never comes
            let _ =
                timeout(Duration::from_secs(2), stderr.take(WORDS_MAX as u64).read_to_end(&mut words)).await;
        }
        let _ = self.child.start_kill();
        let words = String::from_utf8_lossy(&words);
        let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        if last.is_empty() {
            return RecorderError::EndedByCamera { camera: self.camera.clone() };
        }
        let reason = match self.password.as_ref().map(Secret::expose).filter(|secret| !secret.is_empty()) {
            Some(secret) => last.replace(secret, "***"),
            None => last.to_owned(),
        };
        match reason.contains("401 Unauthorized") || reason.contains("403 Forbidden") {
            true => RecorderError::PasswordRefused { camera: self.camera.clone() },
            false => RecorderError::Unreachable { camera: self.camera.clone(), reason },
        }
    }
}

fn command(source: &Source, sound: SoundUse) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error"]);
    match (source.url.scheme(), source.local_path()) {
        ("v4l2", Some(device)) => command.args(["-f", "v4l2", "-input_format", "h264", "-i"]).arg(device),
        // played as a camera would send it
        (_, Some(file)) => command.args(["-re", "-i"]).arg(file),
        // A password must not stand in the list of processes: the child reads the address from its stdin.
        _ if is_secret(source) => {
            command.args(["-protocol_whitelist", &format!("pipe,{NETWORK_PROTOCOLS}")]);
            command.args(["-f", "concat", "-safe", "0", "-i", "pipe:0"])
        }
        (_, None) => {
            if is_rtsp(source) {
                command.args(["-rtsp_transport", source.transport.as_str()]);
            }
            command.args(["-i", source.url.as_str()])
        }
    };
    command.args(["-map", "0:v:0"]);
    if sound == SoundUse::Record {
        // what MP4 cannot hold would end the child; AAC is what cameras send over these
        command.args(["-map", "0:a:0?"]);
    }
    command
        .args([
            "-c",
            "copy",
            "-f",
            "mp4",
            "-frag_duration",
            FRAGMENT_US,
            "-movflags",
            movflags(source),
            "pipe:1",
        ])
        .stdin(if is_secret(source) { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Offsets of B-frames that count from the first picture leave no edit list, whose delay would part sound and
/// picture. But over RTSP come no decode times, and those FFmpeg 5.1 makes up for B-frames would end it there.
fn movflags(source: &Source) -> &'static str {
    match is_rtsp(source) {
        true => "+delay_moov+empty_moov+default_base_moof",
        false => "+delay_moov+empty_moov+default_base_moof+negative_cts_offsets",
    }
}

fn is_rtsp(source: &Source) -> bool {
    matches!(source.url.scheme(), "rtsp" | "rtsps")
}

/// Returns the list that names an address with a password.
fn list_of(source: &Source) -> Option<String> {
    let transport = source.transport.as_str();
    let option = if is_rtsp(source) { format!("option rtsp_transport {transport}\n") } else { String::new() };
    // a URL holds no quote: it is written as %27
    let address = source.address().expose().replace('\'', "%27");
    is_secret(source).then(|| format!("ffconcat version 1.0\nfile '{address}'\n{option}"))
}

fn is_secret(source: &Source) -> bool {
    source.password.is_some() && source.local_path().is_none()
}

/// Names the codec as MP4 does: `avc1`, `hvc1`, `mp4a`.
fn four_letters(head: &TrackHead) -> String {
    String::from_utf8_lossy(head.sample_entry.get(4..8).unwrap_or_default()).into_owned()
}
