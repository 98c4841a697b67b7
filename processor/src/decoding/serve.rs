//! The child's side: decodes the files it is asked for, until nobody asks any more.

use std::io::{self, BufWriter, ErrorKind, Read, StdoutLock, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::error::DecodeError;
use super::limits;
use super::wire::{self, Failure, Fate, FrameHeader, LiveHeader, Message, Opened, Request};
use crate::video::{
    DecodeSummary, LiveError, LiveFrame, LiveFrames, Play, SampledFrame, Samples, Video, VideoError,
};

/// Between two signs of life.
const SIGN: Duration = Duration::from_secs(1);

/// Decodes what stdin asks for onto stdout, within limits of its own; `memory` is in bytes.
///
/// It is the whole of a program: nothing else may read stdin or print.
pub fn serve(memory: Option<u64>) -> Result<(), DecodeError> {
    limits::impose(memory.unwrap_or(limits::MEMORY)).map_err(DecodeError::NoLimits)?;
    let to = BufWriter::new(io::stdout().lock());
    let mut answers = Answers { to, said: Instant::now(), video: None };
    let mut requests = io::stdin().lock();
    while let Some(request) = next(&mut requests).map_err(DecodeError::Pipe)? {
        answers.answer(request).map_err(DecodeError::Pipe)?;
    }
    Ok(())
}

fn next(requests: &mut impl Read) -> io::Result<Option<Request>> {
    match wire::read(requests) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        request => request.map(Some),
    }
}

struct Answers<'a> {
    to: BufWriter<StdoutLock<'a>>,
    said: Instant,
    /// The file that was opened last.
    video: Option<Video>,
}

/// Why a file was not decoded to its end.
enum Stop {
    File(VideoError),
    Stream(LiveError),
    Pipe(io::Error),
}

impl From<VideoError> for Stop {
    fn from(error: VideoError) -> Self {
        Self::File(error)
    }
}

impl From<LiveError> for Stop {
    fn from(error: LiveError) -> Self {
        Self::Stream(error)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Pipe(error)
    }
}

impl Answers<'_> {
    fn answer(&mut self, request: Request) -> io::Result<()> {
        match catch_unwind(AssertUnwindSafe(|| self.fulfil(request))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Stop::File(error))) => self.say(&Message::Failed(error.into())),
            Ok(Err(Stop::Stream(error))) => self.say(&Message::Failed(error.into())),
            Ok(Err(Stop::Pipe(error))) => Err(error),
            Err(_) => {
                let reason = "nightreel panicked while it decoded this file".to_owned();
                self.say(&Message::Failed(Failure { fate: Fate::Retry, reason }))
            }
        }
    }

    fn fulfil(&mut self, request: Request) -> Result<(), Stop> {
        let open = || io::Error::other("frames were asked for before a file");
        match request {
            Request::Open(name) => {
                let video = self.video.insert(Video::open(&wire::path(name))?);
                let (is_cut_off, unreadable) = (video.is_cut_off(), video.unreadable());
                let opened = Opened { probe: video.probe().clone(), is_cut_off, unreadable };
                Ok(self.say(&Message::Opened(opened))?)
            }
            Request::Samples(choice) => {
                let samples = self.video.as_ref().ok_or_else(open)?.choose(choice)?;
                self.decode(samples)
            }
            Request::Keyframes(near) => match self.video.as_ref().ok_or_else(open)?.keyframes(&near)? {
                Some(samples) => self.decode(samples),
                None => Ok(self.say(&Message::Ended(DecodeSummary::default()))?),
            },
            Request::Play(play) => self.play(play),
        }
    }

    fn decode(&mut self, mut samples: Samples) -> Result<(), Stop> {
        loop {
            self.advance(&mut samples)?;
            let Some(frame) = samples.next() else { break };
            self.hand_on(&frame?)?;
        }
        Ok(self.say(&Message::Ended(samples.summary().clone()))?)
    }

    /// Decodes up to the next frame, or the end.
    fn advance(&mut self, samples: &mut Samples) -> io::Result<()> {
        while samples.is_hungry() {
            samples.advance();
            if self.said.elapsed() > SIGN {
                self.say(&Message::Alive)?;
            }
        }
        Ok(())
    }

    fn hand_on(&mut self, frame: &SampledFrame) -> Result<(), Stop> {
        let picture = frame.picture()?;
        wire::write(
            &mut self.to,
            &Message::Frame(FrameHeader {
                index: frame.index,
                pts_ns: u64::try_from(frame.pts.as_nanos()).unwrap_or(u64::MAX),
                coded_px: [frame.width(), frame.height()],
                size_px: [picture.width, picture.height],
            }),
        )?;
        wire::write_planes(&mut self.to, &picture)?;
        Ok(self.flush()?)
    }

    /// Plays until the stream ends; that nobody listens any more shows in the pipe.
    fn play(&mut self, play: Play) -> Result<(), Stop> {
        let mut frames = LiveFrames::play(play)?;
        loop {
            frames.next(SIGN)?.iter().try_for_each(|frame| self.hand_on_live(frame))?;
            if self.said.elapsed() > SIGN {
                self.say(&Message::Alive)?;
            }
        }
    }

    fn hand_on_live(&mut self, live: &LiveFrame) -> Result<(), Stop> {
        let picture = live.picture()?;
        let frame = FrameHeader {
            index: live.number,
            pts_ns: 0,
            coded_px: live.coded_px(),
            size_px: [picture.width, picture.height],
        };
        let (received, passed_over) = (live.received, live.passed_over);
        wire::write(&mut self.to, &Message::Live(LiveHeader { frame, received, passed_over }))?;
        wire::write_planes(&mut self.to, &picture)?;
        Ok(self.flush()?)
    }

    fn say(&mut self, message: &Message) -> io::Result<()> {
        wire::write(&mut self.to, message)?;
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.said = Instant::now();
        self.to.flush()
    }
}
