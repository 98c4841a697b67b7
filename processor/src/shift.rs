//! A shift: the span of one run, with the bell that wakes its sleepers and the signal that ends it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// Ends with the program, or before it when a worker meets what stops them all.
#[derive(Debug)]
pub(crate) struct Shift {
    stop: CancellationToken,
    runtime: Handle,
    bell: Arc<Bell>,
}

#[derive(Debug, Default)]
struct Bell {
    rung: Mutex<u64>,
    changed: Condvar,
}

impl Shift {
    pub(crate) fn new(ending: &CancellationToken, runtime: Handle) -> Self {
        let shift = Self { stop: ending.child_token(), runtime, bell: Arc::default() };
        let bell = Arc::clone(&shift.bell);
        shift.on_stop(move || bell.ring());
        shift
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// Calls `wake` when the shift ends: for sleepers that the bell does not reach.
    pub(crate) fn on_stop(&self, wake: impl FnOnce() + Send + 'static) {
        let stop = self.stop.clone();
        // Ends with the shift, since dropping it cancels: nothing to await.
        self.runtime.spawn(async move {
            stop.cancelled().await;
            wake();
        });
    }

    /// Wakes who sleeps: there is new work.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Returns a number to hand to `sleep`: what rings in between is not missed.
    pub(crate) fn heard(&self) -> u64 {
        *self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sleep(&self, heard: u64, timeout: Duration) {
        let rung = self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.bell.changed.wait_timeout_while(rung, timeout, |count| *count == heard));
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }
}
