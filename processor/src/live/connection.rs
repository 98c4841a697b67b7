//! The connection: plays a stream into the mailbox, again and again, until it is told to stop.

use std::num::NonZeroU32;
use std::thread;
use std::time::{Duration, Instant};

use config::Source;
use tokio_util::sync::CancellationToken;

use super::mailbox::Mailbox;
use super::watching::LiveError;
use crate::decoding::{DecoderProgram, LivePicture, Player};
use crate::unfinished::Unfinished;
use crate::video::Play;

/// Between two looks whether to go on waiting.
const TICK: Duration = Duration::from_millis(100);

/// How long a fault may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveFault {
    /// May be over at any moment.
    Passing,
    /// Stays until somebody changes a setting.
    Lasting,
}

/// Says how long to wait before the next attempt: of a fault, after so many attempts, so long without a picture.
pub type Reconnect<'a> = dyn Fn(LiveFault, u32, Duration) -> Duration + Sync + 'a;

/// A frame that waits to be looked at.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) picture: LivePicture,
    /// Frames that were never handed on, over all connections.
    pub(super) passed_over: u64,
}

pub(super) struct Connection<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a Source,
    pub(super) every: NonZeroU32,
    pub(super) decoder: &'a DecoderProgram,
    pub(super) mailbox: &'a Mailbox<Waiting>,
    pub(super) ending: &'a CancellationToken,
    pub(super) reconnect: &'a Reconnect<'a>,
}

/// What goes on from one connection to the next.
#[derive(Default)]
struct Standing {
    next_frame: u64,
    passed_over: u64,
    last_picture: Option<Instant>,
    failures: u32,
    reconnects: u64,
}

/// Lets whoever waits at the mailbox go, however the connection ends.
struct Closing<'a>(&'a Mailbox<Waiting>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Connection<'_> {
    /// Keeps the stream coming; returns how often it had to connect again. What fails before the first picture is an
    /// error: somebody mistook the address, or waits in vain.
    pub(super) fn keep(&self) -> Result<u64, LiveError> {
        let _closing = Closing(self.mailbox);
        let mut standing = Standing::default();
        while !self.ending.is_cancelled() {
            let unfinished = self.play(&mut standing);
            if self.ending.is_cancelled() {
                break;
            }
            let fault = match &unfinished {
                Unfinished::Fatal(_) => return Err(self.lost(unfinished)),
                Unfinished::Unreadable(_) => LiveFault::Lasting,
                _ => LiveFault::Passing,
            };
            let Some(last) = standing.last_picture else { return Err(self.lost(unfinished)) };
            if standing.failures == 0 {
                tracing::warn!(stream = self.name, reason = unfinished.to_string(), "the stream is lost");
            }
            self.wait((self.reconnect)(fault, standing.failures, last.elapsed()));
            standing.failures += 1;
            standing.reconnects += 1;
        }
        Ok(standing.reconnects)
    }

    fn lost(&self, unfinished: Unfinished) -> LiveError {
        match unfinished {
            Unfinished::Fatal(error) => LiveError::Processor(error),
            other => LiveError::NotWatched { stream: self.name.to_owned(), reason: other.to_string() },
        }
    }

    fn play(&self, standing: &mut Standing) -> Unfinished {
        let before = standing.passed_over;
        let play = Play {
            address: self.source.address().expose().to_owned(),
            transport: self.source.transport.as_str().to_owned(),
            every: self.every,
            first: standing.next_frame,
        };
        let mut player = match Player::start(self.decoder, play) {
            Ok(player) => player,
            Err(unfinished) => return unfinished,
        };
        let mut progress = || if self.ending.is_cancelled() { Err(Unfinished::Ending) } else { Ok(()) };
        loop {
            let picture = match player.next(&mut progress) {
                Ok(picture) => picture,
                Err(unfinished) => return unfinished,
            };
            if standing.failures > 0 {
                tracing::info!(stream = self.name, "the stream is back");
            }
            standing.failures = 0;
            standing.last_picture = Some(Instant::now());
            standing.next_frame = picture.frame.index + u64::from(self.every.get());
            standing.passed_over = before + picture.passed_over;
            self.mailbox.put(Waiting { picture, passed_over: standing.passed_over });
        }
    }

    fn wait(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while Instant::now() < until && !self.ending.is_cancelled() {
            thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        }
    }
}
