//! Watching polls: what they ask of the memory, how much they read, and that they do not panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::task::{Context, Poll};

use config::CameraId;

use super::allowance::with_few_reads;
use super::noting;
use crate::RecorderError;

/// Reads per poll: what arrived, the answer that no more is there, and one to spare. Fewer would cost polls.
const READS: usize = 3;

/// The same where much is held already, so that nothing grows twice before the next look.
const READS_OF_MUCH: usize = 1;

/// What polls may ask of the memory until one is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// One block. What arrived and cannot be used yet lies in one, which doubles.
    pub(crate) block: usize,
    /// All blocks together.
    pub(crate) growth: usize,
}

/// Why no poll may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    TooMuch,
    Panic,
}

impl Excess {
    pub(crate) fn of(self, camera: &CameraId, limits: Limits) -> RecorderError {
        let camera = camera.to_string();
        match self {
            Self::TooMuch => RecorderError::EndlessMessage { camera, limit: limits.block },
            Self::Panic => RecorderError::Unreadable { camera },
        }
    }
}

#[derive(Debug)]
pub(crate) struct Watch {
    limits: Limits,
    /// Since the last poll that was ready.
    grown: isize,
    /// The largest block so far: the ring never shrinks.
    largest: usize,
}

impl Watch {
    pub(crate) fn new(limits: Limits) -> Self {
        static TOLD: Once = Once::new();
        TOLD.call_once(|| {
            if !noting::is_installed() {
                tracing::debug!("memory of cameras is not capped, the program has no noting allocator");
            }
        });
        Self { limits, grown: 0, largest: 0 }
    }

    /// Polls once. After an [`Excess`] the polled thing has to be abandoned.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Excess>> {
        let reads = if self.largest > self.limits.block / 2 { READS_OF_MUCH } else { READS };
        with_few_reads(cx, reads, |cx| {
            noting::begin();
            let polled = catch_unwind(AssertUnwindSafe(|| poll(cx)));
            let noted = noting::noted();
            let Ok(polled) = polled else { return Poll::Ready(Err(Excess::Panic)) };
            let most = self.grown.saturating_add(noted.most).unsigned_abs();
            self.largest = self.largest.max(noted.largest);
            if self.largest > self.limits.block || most > self.limits.growth {
                return Poll::Ready(Err(Excess::TooMuch));
            }
            // What is ready is handed out, and given back where nobody notes it.
            self.grown = if polled.is_ready() { 0 } else { (self.grown + noted.grown).max(0) };
            polled.map(Ok)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::hint::black_box;
    use std::task::Waker;

    use super::*;

    const LIMITS: Limits = Limits { block: 100_000, growth: 250_000 };

    /// Polls once per size; each asks for a block of that size and keeps it.
    async fn keep(sizes: &[usize]) -> Result<usize, Excess> {
        let (mut watch, mut kept) = (Watch::new(LIMITS), Vec::new());
        kept.reserve(sizes.len());
        poll_fn(|cx| {
            watch.poll(cx, |cx| {
                let Some(&size) = sizes.get(kept.len()) else { return Poll::Ready(kept.len()) };
                kept.push(black_box(vec![0u8; size]));
                cx.waker().wake_by_ref();
                Poll::Pending
            })
        })
        .await
    }

    #[tokio::test]
    async fn one_large_block_and_many_small_ones_are_too_much() {
        assert_eq!(keep(&[100_000, 90_000, 50_000]).await, Ok(3));
        assert_eq!(keep(&[100_001]).await, Err(Excess::TooMuch));
        assert_eq!(keep(&[90_000, 90_000, 80_000]).await, Err(Excess::TooMuch));
    }

    #[tokio::test]
    async fn what_was_handed_out_counts_no_more() {
        let mut watch = Watch::new(LIMITS);
        for _ in 0..10 {
            let item = poll_fn(|cx| watch.poll(cx, |_| Poll::Ready(black_box(vec![0u8; 90_000])))).await;
            assert_eq!(item.map(|item| item.len()), Ok(90_000));
        }
    }

    #[tokio::test]
    async fn our_own_large_blocks_are_not_counted() {
        let mut watch = Watch::new(LIMITS);
        let own = black_box(vec![0u8; 1 << 20]);
        let polled = poll_fn(|cx| watch.poll(cx, |_| Poll::Ready(7))).await;
        assert_eq!((polled, own.len()), (Ok(7), 1 << 20));
    }

    #[tokio::test]
    async fn a_panic_ends_it_and_nothing_else() {
        let mut watch = Watch::new(LIMITS);
        let polled: Result<(), Excess> =
            poll_fn(|cx| watch.poll(cx, |_| std::panic::panic_any("not worth a word"))).await;
        assert_eq!(polled, Err(Excess::Panic));
    }

    #[tokio::test]
    #[ignore = "measures, best with --release"]
    async fn watching_costs_less_than_a_read() {
        async fn nanoseconds(mut polled: impl FnMut(&mut Context<'_>) -> bool) -> f64 {
            const ROUNDS: u32 = 500_000;
            let begun = std::time::Instant::now();
            for _ in 0..ROUNDS {
                black_box(poll_fn(|cx| Poll::Ready(polled(cx))).await);
                // with a budget of its own each time, as where each poll is another wake
                tokio::task::yield_now().await;
            }
            begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
        }
        let mut watch = Watch::new(LIMITS);
        for _ in 0..3 {
            let bare = nanoseconds(|cx| black_box(cx).waker().will_wake(Waker::noop())).await;
            let watched = nanoseconds(|cx| watch.poll(cx, |_| Poll::<()>::Pending).is_pending()).await;
            println!("a poll: {bare:.0} ns, watched {watched:.0} ns");
            assert!(watched < bare + 2_000.0 || cfg!(debug_assertions));
        }
    }
}
