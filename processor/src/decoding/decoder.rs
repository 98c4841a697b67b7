//! Our side: a child process that decodes, watched, and replaced when it dies or says nothing for too long.

use std::io::{self, ErrorKind};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::error::DecodeError;
use super::pipe::{Pipe, Stopped};
use super::player::LivePicture;
use super::wire::{self, Fate, FrameHeader, LiveHeader, Message, Opened, Request};
use crate::Picture;
use crate::error::ProcessorError;
use crate::unfinished::{Progress, Unfinished};
use crate::video::{Choice, DecodeSummary};

/// Longer than any packet takes to decode, even on a machine that swaps.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says what to start for decoding: a program that does nothing but [`serve`](super::serve).
#[derive(Clone, Debug)]
pub struct DecoderProgram {
    path: PathBuf,
    arguments: Vec<String>,
    patience: Duration,
}

impl DecoderProgram {
    pub fn new(path: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { path: path.into(), arguments, patience: PATIENCE }
    }

    /// Sets how long it may say nothing before it is given up.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn start(&self) -> Result<Running, DecodeError> {
        let not_started = |source| DecodeError::NotStarted { program: self.path.clone(), source };
        let mut child = Command::new(&self.path)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for the program that was started by hand, which lets the file in work come to an end
            .process_group(0)
            .spawn()
            .map_err(not_started)?;
        let requests = child.stdin.take().expect("stdin is piped");
        let answers = Pipe::new(child.stdout.take().expect("stdout is piped"), self.patience);
        Ok(Running { child, requests, answers })
    }
}

/// One worker's decoder. Its child is started for the first file, and lives until a file is its death.
#[derive(Debug)]
pub(crate) struct Decoder {
    program: DecoderProgram,
    running: Option<Running>,
}

/// A child, and the pipes to it. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    requests: ChildStdin,
    answers: Pipe,
}

impl Drop for Running {
    fn drop(&mut self) {
        // one that is gone already cannot be killed, which is as well
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that is open in the child.
#[derive(Debug)]
pub(crate) struct Decoding<'a> {
    decoder: &'a mut Decoder,
    /// Taken from the decoder, and given back at the end: a child that was left in mid-file is of no use.
    running: Option<Running>,
    opened: Opened,
    /// Frames that were asked for are still to come.
    is_busy: bool,
    summary: DecodeSummary,
}

impl Drop for Decoding<'_> {
    fn drop(&mut self) {
        self.decoder.running = self.running.take().filter(|_| !self.is_busy);
    }
}

/// A sampled frame as it came over the pipe.
#[derive(Debug)]
pub(crate) struct DecodedFrame {
    /// The frame's number in a full decode, from 0.
    pub(crate) index: u64,
    /// Time since the first shown frame.
    pub(crate) pts: Duration,
    /// Width and height as decoded, before any rotation.
    pub(crate) coded_px: [u32; 2],
    pub(crate) picture: Picture,
}

impl Decoder {
    pub(crate) fn new(program: &DecoderProgram) -> Self {
        Self { program: program.clone(), running: None }
    }

    /// Opens a file.
    pub(crate) fn open(
        &mut self,
        path: &Path,
        progress: &mut Progress<'_>,
    ) -> Result<Decoding<'_>, Unfinished> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.program.start().map_err(ProcessorError::Decode)?,
        };
        running.ask(&Request::open(path));
        loop {
            match running.next(progress)? {
                Heard::Opened(opened) => {
                    let (running, summary) = (Some(running), DecodeSummary::default());
                    return Ok(Decoding { decoder: self, running, opened, is_busy: false, summary });
                }
                Heard::Alive => {}
                Heard::Failed(unfinished) => {
                    self.running = Some(running);
                    return Err(unfinished);
                }
                Heard::Frame(_) | Heard::Live(_) | Heard::Ended(_) => return Err(senseless()),
            }
        }
    }
}

impl Decoding<'_> {
    pub(crate) fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Begins to decode what is chosen; [`next`](Self::next) gives the frames.
    pub(crate) fn samples(&mut self, choice: Choice) {
        self.ask(&Request::Samples(choice));
    }

    /// Begins to decode the keyframes nearest to these times.
    pub(crate) fn keyframes(&mut self, near: Vec<Duration>) {
        self.ask(&Request::Keyframes(near));
    }

    fn ask(&mut self, request: &Request) {
        if let Some(running) = &mut self.running {
            running.ask(request);
            self.is_busy = true;
        }
    }

    /// Waits for the next frame; `None` after the last one.
    pub(crate) fn next(&mut self, progress: &mut Progress<'_>) -> Result<Option<DecodedFrame>, Unfinished> {
        while self.is_busy {
            progress()?;
            let Some(running) = &mut self.running else { break };
            match running.next(progress)? {
                Heard::Frame(frame) => return Ok(Some(frame)),
                Heard::Alive => {}
                Heard::Ended(summary) => {
                    self.summary = summary;
                    self.is_busy = false;
                }
                Heard::Failed(unfinished) => {
                    self.is_busy = false;
                    return Err(unfinished);
                }
                Heard::Opened(_) | Heard::Live(_) => return Err(senseless()),
            }
        }
        Ok(None)
    }

    /// Tells how decoding went, after the last frame of what was asked for.
    pub(crate) fn summary(&self) -> &DecodeSummary {
        &self.summary
    }
}

pub(super) enum Heard {
    Opened(Opened),
    Alive,
    Frame(DecodedFrame),
    Live(LivePicture),
    Ended(DecodeSummary),
    Failed(Unfinished),
}

impl Running {
    pub(super) fn ask(&mut self, request: &Request) {
        // a child that is gone says so when it is read from
        let _ = wire::write(&self.requests, request);
    }

    pub(super) fn next(&mut self, progress: &mut Progress<'_>) -> Result<Heard, Unfinished> {
        let mut progress = || progress();
        let mut reading = self.answers.reading(&mut progress);
        let heard = wire::read(&mut reading).and_then(|message| {
            Ok(match message {
                Message::Opened(opened) => Heard::Opened(opened),
                Message::Alive => Heard::Alive,
                Message::Ended(summary) => Heard::Ended(summary),
                Message::Failed(failure) => Heard::Failed(match failure.fate {
                    Fate::Unreadable => Unfinished::Unreadable(failure.reason),
                    Fate::Retry => Unfinished::Retry(failure.reason),
                    Fate::Changed => Unfinished::Changed,
                }),
                Message::Frame(header) => {
                    let picture = wire::read_planes(&mut reading, header.size_px)?;
                    Heard::Frame(header.with(picture))
                }
                Message::Live(LiveHeader { frame, received, passed_over }) => {
                    let picture = wire::read_planes(&mut reading, frame.size_px)?;
                    Heard::Live(LivePicture { frame: frame.with(picture), received, passed_over })
                }
            })
        });
        let stopped = reading.stopped.take();
        heard.map_err(|error| match stopped {
            Some(Stopped::Asked(unfinished)) => unfinished,
            Some(Stopped::Silent) => Unfinished::Retry(format!(
                "decoding stood still for {} s and was given up",
                self.answers.patience().as_secs()
            )),
            None => self.ended(&error),
        })
    }

    /// Says what became of a child that can no longer be read from.
    fn ended(&mut self, error: &io::Error) -> Unfinished {
        if error.kind() != ErrorKind::UnexpectedEof {
            return Unfinished::Retry(format!("the decoding process cannot be read from: {error}"));
        }
        match self.child.wait() {
            Ok(status) if is_by_request(status) => Unfinished::Ending,
            Ok(status) => Unfinished::Retry(format!("the decoder crashed on this file: {status}")),
            Err(error) => Unfinished::Retry(format!("the decoding process is lost: {error}")),
        }
    }
}

/// Who ends a service tells all its processes to end.
fn is_by_request(status: ExitStatus) -> bool {
    let asked = [Signal::TERM, Signal::INT, Signal::HUP];
    status.signal().is_some_and(|signal| asked.iter().any(|asked| asked.as_raw() == signal))
}

pub(super) fn senseless() -> Unfinished {
    Unfinished::Retry("the decoding process answered out of turn".to_owned())
}

impl FrameHeader {
    fn with(self, picture: Picture) -> DecodedFrame {
        DecodedFrame {
            index: self.index,
            pts: Duration::from_nanos(self.pts_ns),
            coded_px: self.coded_px,
            picture,
        }
    }
}
