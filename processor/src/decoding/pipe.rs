//! The child's stdout, read with an eye on the clock: whoever waits shows signs of life, and a child that shows none
//! is given up.

use std::io::{self, ErrorKind, Read};
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::fcntl_setpipe_size;

use crate::unfinished::{Progress, Unfinished};

/// Between two looks whether the run goes on.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 250_000_000 };
/// The kernel's largest without privileges: fewer changes between the two processes for a picture.
const PIPE_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Pipe {
    from: ChildStdout,
    /// How long the child may say nothing.
    patience: Duration,
}

/// Reads for one answer; remembers why reading stopped if it was not the pipe's fault.
pub(super) struct Reading<'a> {
    pipe: &'a mut Pipe,
    progress: &'a mut Progress<'a>,
    pub(super) stopped: Option<Stopped>,
}

pub(super) enum Stopped {
    Silent,
    Asked(Unfinished),
}

impl Pipe {
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn new(from: ChildStdout, patience: Duration) -> Self {
        if let Err(error) = fcntl_setpipe_size(&from, PIPE_BYTES) {
            // it works with a small one, too
            tracing::debug!(%error, "a pipe keeps its size");
        }
        Self { from, patience }
    }

    pub(super) fn reading<'a>(&'a mut self, progress: &'a mut Progress<'a>) -> Reading<'a> {
        Reading { pipe: self, progress, stopped: None }
    }
}

impl Reading<'_> {
    /// Waits until there is something to read, or the end of the pipe.
    fn wait(&mut self) -> Result<(), Stopped> {
        let begun = Instant::now();
        loop {
            let mut watched = [PollFd::new(&self.pipe.from, PollFlags::IN)];
            // an interrupted wait is a short one
            if poll(&mut watched, Some(&TICK)).is_ok_and(|ready| ready > 0) {
                return Ok(());
            }
            (self.progress)().map_err(Stopped::Asked)?;
            if begun.elapsed() > self.pipe.patience {
                return Err(Stopped::Silent);
            }
        }
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Err(stopped) = self.wait() {
            self.stopped = Some(stopped);
            return Err(ErrorKind::Other.into());
        }
        self.pipe.from.read(buffer)
    }
}
