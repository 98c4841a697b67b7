//! The pace of sending: how long to wait so that no more than so many bytes a second go out.

use std::time::{Duration, Instant};

use super::ArchiveError;

/// Between two looks at whether the program ends.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Holds sending back to a rate, and ends it when the program ends.
pub(super) struct Pace<'a> {
    max_bytes_per_second: Option<u64>,
    is_ending: &'a dyn Fn() -> bool,
    begun: Instant,
    sent: u64,
}

impl<'a> Pace<'a> {
    pub(super) fn new(max_bytes_per_second: Option<u64>, is_ending: &'a dyn Fn() -> bool) -> Self {
        Self { max_bytes_per_second, is_ending, begun: Instant::now(), sent: 0 }
    }

    pub(super) fn is_ending(&self) -> &'a dyn Fn() -> bool {
        self.is_ending
    }

    /// Waits until as many bytes may have gone out as were sent with these.
    pub(super) fn sent(&mut self, bytes: usize) -> Result<(), ArchiveError> {
        self.sent = self.sent.saturating_add(bytes as u64);
        loop {
            if (self.is_ending)() {
                return Err(ArchiveError::Ended);
            }
            let rest = self.due().saturating_sub(self.begun.elapsed());
            if rest.is_zero() {
                return Ok(());
            }
            // waits for the line to be ours again
            std::thread::sleep(rest.min(LOOK_EVERY));
        }
    }

    fn due(&self) -> Duration {
        let seconds = self.max_bytes_per_second.map_or(0.0, |most| self.sent as f64 / most.max(1) as f64);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_goes_out_than_may() {
        let begun = Instant::now();
        let mut pace = Pace::new(Some(1000), &|| false);
        for _ in 0..3 {
            pace.sent(100).unwrap();
        }
        assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
        Pace::new(None, &|| false).sent(usize::MAX).unwrap();
    }

    #[test]
    fn an_end_is_not_waited_out() {
        let mut pace = Pace::new(Some(1), &|| true);
        assert!(matches!(pace.sent(1_000_000), Err(ArchiveError::Ended)));
    }
}
