//! The task: keeps a child fed, and starts the next one when it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use config::{Camera, Republish};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::pieces::{Cutter, Piece};
use super::queue::{Footage, Queue};
use super::standing::Standing;
use super::tap::RepublishTap;
use crate::RecorderError;
use crate::recorder::Aside;
use crate::tap::Tap;

/// A server that takes nothing for so long is gone, whatever TCP says.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// Without footage for so long the stream is ended, rather than let watchers stare at a picture that stands.
const IDLE_AFTER: Duration = Duration::from_secs(10);

struct Task {
    camera: String,
    to: Republish,
    queue: Arc<Queue>,
    standing: Standing,
    /// Where the next child begins, if that is known.
    first: Option<Footage>,
}

/// How the work of one child ended.
enum Ended {
    Stopped,
    /// There is nothing to hand on.
    Idle,
    /// What comes next cannot be in one stream with what was.
    OtherTracks(Footage),
    ChildGone,
    Stuck,
}

/// Republishes a camera if that is asked for: returns what has to hear of its footage.
pub(crate) fn start(camera: &Camera, aside: &mut Aside) -> Option<Box<dyn Tap>> {
    let to = camera.republish.clone()?;
    let queue = Arc::new(Queue::default());
    let task = Task {
        camera: camera.id.to_string(),
        standing: Standing::new(camera.id.clone(), &to),
        to,
        queue: Arc::clone(&queue),
        first: None,
    };
    aside.tasks.spawn(task.run(aside.stop.clone()));
    Some(Box::new(RepublishTap::new(queue, aside.pool.clone())))
}

impl Task {
    async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let Err(error) = self.run_once(&stop).await else { continue };
            self.queue.close();
            self.first = None;
            let wait = self.standing.failed(&error, Instant::now());
            stop.run_until_cancelled(sleep(wait)).await;
        }
        self.queue.close();
    }

    /// Feeds one child. Its end is an error, unless it was wanted.
    async fn run_once(&mut self, stop: &CancellationToken) -> Result<(), RecorderError> {
        let Some(first) = stop.run_until_cancelled(self.next_first()).await else { return Ok(()) };
        let no_ffmpeg = |source| RecorderError::NoFfmpegToRepublish { camera: self.camera.clone(), source };
        let (mut child, stdin) = Child::start(&self.to, &first.head).map_err(no_ffmpeg)?;
        let (standing, queue) = (&mut self.standing, &self.queue);
        let ended = tokio::select! {
            () = stop.cancelled() => Ended::Stopped,
            ended = feed(stdin, queue, first) => ended,
            () = child.listen(|| standing.progressed(queue.take_left_out(), Instant::now())) => Ended::ChildGone,
        };
        let words = child.end().await;
        match ended {
            Ended::Stopped | Ended::Idle => Ok(()),
            Ended::OtherTracks(footage) => {
                self.first = Some(footage);
                Ok(())
            }
            Ended::ChildGone => Err(self.gone(words)),
            Ended::Stuck => {
                let reason = format!("it took nothing for {} s", STUCK_AFTER.as_secs());
                Err(RecorderError::NotRepublished { camera: self.camera.clone(), reason })
            }
        }
    }

    async fn next_first(&mut self) -> Footage {
        match self.first.take() {
            Some(footage) => footage,
            None => {
                self.queue.open();
                self.queue.next().await
            }
        }
    }

    fn gone(&self, words: String) -> RecorderError {
        let camera = self.camera.clone();
        if words.contains("401 Unauthorized") || words.contains("403 Forbidden") {
            return RecorderError::RepublishRefused { camera };
        }
        let reason = if words.is_empty() { "ffmpeg ended without a word".to_owned() } else { words };
        RecorderError::NotRepublished { camera, reason }
    }
}

/// Writes footage into a child until there is none, or the child takes no more.
async fn feed(mut stdin: impl AsyncWrite + Unpin, queue: &Queue, mut footage: Footage) -> Ended {
    let mut cutter = Cutter::new(&footage);
    let tracks = footage.head.tracks.clone();
    if let Err(ended) = write(&mut stdin, &footage.head.opening()).await {
        return ended;
    }
    loop {
        if let Err(ended) = hand_on(&mut stdin, queue, (&footage, cutter.cut(&footage))).await {
            return ended;
        }
        footage = match timeout(IDLE_AFTER, queue.next()).await {
            Err(_) => return Ended::Idle,
            Ok(next) if next.head.tracks != tracks => return Ended::OtherTracks(next),
            Ok(next) => next,
        };
    }
}

/// Footage comes in pieces of a second or two. Its frames leave at the pace at which they came, or watchers would
/// see it stop and go; where more waits already, they leave at once.
async fn hand_on(
    stdin: &mut (impl AsyncWrite + Unpin),
    queue: &Queue,
    (footage, pieces): (&Footage, Vec<Piece>),
) -> Result<(), Ended> {
    let began = tokio::time::Instant::now();
    let first = pieces.first().map_or(Duration::ZERO, |piece| piece.at);
    for piece in pieces {
        if queue.is_empty() {
            sleep_until(began + (piece.at - first)).await;
        }
        write(stdin, &piece.head).await?;
        for slice in footage.data.part(piece.frame) {
            write(stdin, slice).await?;
        }
    }
    Ok(())
}

async fn write(stdin: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Ended> {
    match timeout(STUCK_AFTER, stdin.write_all(bytes)).await {
        Err(_) => Err(Ended::Stuck),
        Ok(written) => written.map_err(|_| Ended::ChildGone),
    }
}
