//! The slots: how many requests are under way at once. Fewer when the server cannot keep up, then one by one more
//! again, up to `vision.concurrency`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::failure::Failure;

#[derive(Debug)]
pub(super) struct Slots {
    most: f64,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    /// Whole ones count; the rest is on its way to one more.
    limit: f64,
    taken: usize,
    lowered: Option<Instant>,
}

/// A slot that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Arc<Slots>);

impl Slots {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1) as f64;
        let state = State { limit: most, taken: 0, lowered: None };
        Arc::new(Self { most, state: Mutex::new(state), freed: Notify::new() })
    }

    pub(super) async fn take(self: &Arc<Self>) -> Slot {
        loop {
            if self.try_take() {
                // What is free beyond this one is for the next in line.
                self.freed.notify_one();
                return Slot(Arc::clone(self));
            }
            self.freed.notified().await;
        }
    }

    fn try_take(&self) -> bool {
        let mut state = self.state();
        let free = (state.taken as f64) < state.limit.floor();
        state.taken += usize::from(free);
        free
    }

    /// Learns from a request that was begun at `begun`. Those that failed together lower the limit once.
    pub(super) fn learn(&self, begun: Instant, failure: Option<&Failure>) {
        let mut state = self.state();
        match failure {
            None => state.limit = (state.limit + 1.0 / state.limit).min(self.most),
            Some(failure) if is_overload(failure) && state.lowered.is_none_or(|at| at < begun) => {
                state.limit = (state.limit / 2.0).max(1.0);
                state.lowered = Some(Instant::now());
                let limit = state.limit.floor();
                tracing::debug!(limit, "the vision server cannot keep up, fewer requests at once");
            }
            Some(_) => {}
        }
        drop(state);
        self.freed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.freed.notify_one();
    }
}

fn is_overload(failure: &Failure) -> bool {
    matches!(failure, Failure::Interrupted { .. } | Failure::Status { status: 408 | 429 | 503 | 504, .. })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    fn overload() -> Failure {
        Failure::from_status(429, None, "slow down")
    }

    fn free(slots: &Arc<Slots>) -> usize {
        let taken: Vec<_> = std::iter::from_fn(|| slots.take().now_or_never()).collect();
        taken.len()
    }

    #[test]
    fn halves_when_the_server_cannot_keep_up_and_grows_by_one() {
        let slots = Slots::new(16);
        assert_eq!(free(&slots), 16);
        let begun = Instant::now();
        for (second, expected) in (1..).zip([8, 4, 2, 1, 1]) {
            slots.learn(begun + Duration::from_secs(second), Some(&overload()));
            slots.learn(begun, Some(&overload()));
            assert_eq!(free(&slots), expected);
        }
        for expected in [2, 2, 2, 3, 3, 3, 4] {
            slots.learn(Instant::now(), None);
            assert_eq!(free(&slots), expected);
        }
        (0..1000).for_each(|_| slots.learn(Instant::now(), None));
        assert_eq!(free(&slots), 16);
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_next_that_is_free() {
        let slots = Slots::new(2);
        let held = (slots.take().await, slots.take().await);
        let waiting = futures::future::join_all((0..8).map(|_| async { drop(slots.take().await) }));
        futures::join!(waiting, async { drop(held) });
        assert_eq!(free(&slots), 2);
    }
}
