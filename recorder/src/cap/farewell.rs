//! Taking leave of a camera, capped.
//!
//! From an old live555 retina takes leave by a TEARDOWN, which a task of its own repeats for up to a minute, and whose
//! answers it reads without a cap. It starts the task in the runtime that it finds when the session is dropped.
//! So such a session is polled and dropped within a small runtime on a thread of its own, which comes to its end
//! together with the task, or as soon as the thread has asked for too much. In one poll a task may read a hundred
//! times, and headers are taken apart into 27 times their size: so little of them may wait in the kernel by then.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::narrow::{ROOM, Waiting};
use super::noting::{self, Noted};

/// An answer to a TEARDOWN has a few hundred bytes; pictures may still come before it.
const MOST: isize = 8 << 20;

/// How much may wait of an answer, of which ten reads in a row are enough.
const ROOM_AT_THE_END: usize = 4096;

/// Between two looks, where the first one has seen nothing new.
const PAUSE: Duration = Duration::from_millis(2);

/// The runtime; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Farewell {
    handle: Handle,
    waiting: Waiting,
    /// Dropped with the last clone, which tells the thread that nothing new will come.
    _needed: Arc<oneshot::Sender<()>>,
}

impl Farewell {
    /// Prepares one that tells when it was cut short.
    pub(crate) fn prepare(cut_short: CancellationToken) -> io::Result<Self> {
        // as often as a task is polled it is looked at
        let runtime = Builder::new_current_thread().event_interval(1).enable_all().build()?;
        let handle = runtime.handle().clone();
        let waiting = {
            let _entered = handle.enter();
            Waiting::in_this_runtime()?
        };
        let (needed, over) = oneshot::channel();
        let watched = waiting.clone();
        let stay = move || runtime.block_on(stay(over, &watched, &cut_short));
        thread::Builder::new().name("farewell".to_owned()).spawn(stay)?;
        Ok(Self { handle, waiting, _needed: Arc::new(needed) })
    }

    /// Narrows the connections made so far, so that not much waits in them when they are needed no more.
    pub(crate) fn narrow(&self) -> io::Result<()> {
        self.waiting.narrow(ROOM)
    }

    /// Polls and drops a future where it may start its tasks.
    pub(crate) async fn around<F: Future>(&self, future: F) -> F::Output {
        let mut held = Held::new(Box::pin(future), Some(self.clone()));
        let output =
            poll_fn(|cx| held.within(|future| future.as_mut().poll(cx)).unwrap_or(Poll::Pending)).await;
        drop(held.take()); // at its end it has nothing to take leave of
        output
    }
}

/// Looks after each poll of a task: while it asks for more there is no pause in which as much again could come.
async fn stay(over: oneshot::Receiver<()>, waiting: &Waiting, cut_short: &CancellationToken) {
    let _ = over.await;
    noting::begin();
    let tasks = Handle::current().metrics();
    let mut before = Noted::default();
    while tasks.num_alive_tasks() > 0 {
        let noted = noting::noted();
        if noted.most > MOST {
            return cut_short.cancel();
        }
        if noted == before {
            // of the thread, not of this future: no task is polled twice between two looks
            thread::sleep(PAUSE);
        }
        narrow(waiting);
        before = noting::noted();
        yield_now().await;
    }
}

fn narrow(waiting: &Waiting) {
    if let Err(e) = waiting.narrow(ROOM_AT_THE_END) {
        tracing::debug!(error = &e as &dyn std::error::Error, "connections cannot be narrowed");
    }
}

/// Holds what takes leave when it is dropped.
#[derive(Debug)]
pub(crate) struct Held<T> {
    /// Absent once it was taken out.
    held: Option<T>,
    farewell: Option<Farewell>,
}

impl<T> Held<T> {
    /// Without a [`Farewell`] it takes leave without a word.
    pub(crate) fn new(held: T, farewell: Option<Farewell>) -> Self {
        Self { held: Some(held), farewell }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.held.as_ref()
    }

    /// Takes it out, to be abandoned.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.held.take()
    }

    /// Works with it where it may start its tasks.
    pub(crate) fn within<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let _entered = self.farewell.as_ref().map(|farewell| farewell.handle.enter());
        self.held.as_mut().map(work)
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if let (Some(farewell), Some(_)) = (&self.farewell, &self.held) {
            narrow(&farewell.waiting);
        }
        let _entered = self.farewell.as_ref().map(|farewell| farewell.handle.enter());
        drop(self.held.take());
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Instant;

    use super::*;

    /// Starts a task when it is dropped, as retina's sessions do.
    struct TakesLeave<F: FnOnce() -> T, T: Future<Output = ()> + Send + 'static>(Option<F>);

    impl<F: FnOnce() -> T, T: Future<Output = ()> + Send + 'static> Drop for TakesLeave<F, T> {
        fn drop(&mut self) {
            drop(tokio::spawn(self.0.take().unwrap()()));
        }
    }

    fn leave<T: Future<Output = ()> + Send + 'static>(task: impl FnOnce() -> T) -> CancellationToken {
        let cut_short = CancellationToken::new();
        let farewell = Farewell::prepare(cut_short.clone()).unwrap();
        drop(Held::new(TakesLeave(Some(task)), Some(farewell)));
        cut_short
    }

    #[tokio::test]
    async fn its_task_runs_to_its_end_on_a_thread_of_its_own() {
        let (sender, name) = oneshot::channel();
        let cut_short = leave(|| async {
            tokio::time::sleep(Duration::from_millis(50)).await; // waits for a look
            let _ = sender.send(thread::current().name().map(str::to_owned));
        });
        assert_eq!(name.await.unwrap().as_deref(), Some("farewell"));
        assert!(!cut_short.is_cancelled());
    }

    #[tokio::test]
    async fn a_task_that_asks_for_too_much_is_dropped() {
        let (sender, ended) = oneshot::channel::<usize>();
        let begun = Instant::now();
        let cut_short = leave(|| async {
            let mut kept = Vec::new();
            for _ in 0..1000 {
                kept.push(black_box(vec![1u8; 1 << 20]));
                tokio::time::sleep(Duration::from_millis(10)).await; // waits for the thread to look
            }
            let _ = sender.send(kept.len());
        });
        assert!(ended.await.is_err(), "it was dropped");
        assert!(cut_short.is_cancelled());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
