//! How long to wait before the next attempt to reach a camera.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
/// At most so far apart while somebody may be waiting for the camera to come back.
const QUICK: Duration = Duration::from_secs(2);
const QUICK_FOR: Duration = Duration::from_secs(600);
const SLOW: Duration = Duration::from_secs(30);
/// Looking at a disk costs next to nothing, and whoever makes room waits for it.
const DISK: Duration = Duration::from_secs(1);
/// A wrong password does not mend itself, and many cameras lock the account after some attempts.
const REFUSED: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// May be over at any moment.
    Passing,
    /// Of this machine's own disk. Looking at it often troubles no camera.
    OfTheDisk,
    /// Stays until somebody changes a setting.
    Lasting,
}

/// `attempt` counts from 0; `down_for` is the time since the last frame; `jitter` is in 0..1 and spreads the
/// attempts of many cameras that went down together.
pub(crate) fn delay(fault: Fault, attempt: u32, down_for: Duration, jitter: f64) -> Duration {
    let most = match fault {
        Fault::Lasting => return REFUSED.mul_f64(1.0 - jitter / 2.0),
        Fault::OfTheDisk => DISK,
        Fault::Passing if down_for < QUICK_FOR => QUICK,
        Fault::Passing => SLOW,
    };
    let doubled = FIRST.saturating_mul(2u32.saturating_pow(attempt.min(16)));
    doubled.min(most).mul_f64(1.0 - jitter / 2.0)
}

/// As the recorder waits itself, with a jitter by chance: for others who connect to cameras.
pub fn reconnect_delay(fault: Fault, attempt: u32, down_for: Duration) -> Duration {
    delay(fault, attempt, down_for, fastrand::f64())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attempts_get_rarer_after_ten_minutes() {
        let quick = delay(Fault::Passing, 50, Duration::from_secs(599), 0.0);
        let slow = delay(Fault::Passing, 50, Duration::from_secs(600), 0.0);
        assert_eq!((quick, slow), (QUICK, SLOW));
        assert_eq!(delay(Fault::OfTheDisk, 50, Duration::from_secs(9999), 0.0), DISK);
        assert_eq!(delay(Fault::Passing, 0, Duration::ZERO, 0.0), FIRST);
        assert!(delay(Fault::Lasting, 0, Duration::ZERO, 0.99) >= REFUSED / 2);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_two_seconds_at_first(
            attempt: u32, down_s in 0u64..600, jitter in 0.0f64..1.0,
        ) {
            let wait = delay(Fault::Passing, attempt, Duration::from_secs(down_s), jitter);
            prop_assert!(wait <= QUICK && wait >= FIRST / 2);
        }
    }
}
