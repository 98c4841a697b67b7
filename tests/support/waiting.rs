//! Waiting for what another process brings about.

use std::time::{Duration, Instant};

/// Long enough for a loaded machine; what must be quick is measured by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Returns what `look` finds as soon as it finds something; fails with `what` after `patience`.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain: {what}");
        // waits for another process, which gives no event to block on
        std::thread::sleep(Duration::from_millis(5));
    }
}
