//! The quota: requests and tokens per minute, shared by all workers of a run.
//!
//! Crates for this take no request larger than their burst, and give nothing back when less was used than
//! thought; both are needed here.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A tenth of a minute's worth may go out at once.
const BURST: u64 = 10;

#[derive(Debug)]
pub(super) struct Quota {
    requests: Option<Meter>,
    tokens: Option<Meter>,
}

/// Lets so much through in any minute: generic cell rate algorithm.
#[derive(Debug)]
struct Meter {
    /// Between two units.
    interval: Duration,
    /// How far ahead of its time a unit may come.
    tolerance: Duration,
    /// When the next unit is due.
    due: Mutex<Instant>,
}

impl Quota {
    pub(super) fn new(requests_per_minute: Option<u64>, tokens_per_minute: Option<u64>) -> Self {
        Self { requests: requests_per_minute.map(Meter::new), tokens: tokens_per_minute.map(Meter::new) }
    }

    /// Waits for the turn of a request of at most `tokens`.
    pub(super) async fn wait(&self, tokens: u64) {
        let now = Instant::now();
        let at = self.turn(tokens, now);
        if at > now {
            tokio::time::sleep_until(at).await;
        }
    }

    fn turn(&self, tokens: u64, now: Instant) -> Instant {
        let requests = self.requests.as_ref().map_or(now, |meter| meter.take(1, now));
        let tokens = self.tokens.as_ref().map_or(now, |meter| meter.take(tokens, now));
        requests.max(tokens)
    }

    /// Gives back what a request did not use.
    pub(super) fn used(&self, thought: u64, used: u64) {
        if let Some(meter) = &self.tokens {
            meter.give_back(thought.saturating_sub(used));
        }
    }
}

impl Meter {
    fn new(per_minute: u64) -> Self {
        let per_minute = per_minute.max(1);
        let burst = (per_minute / BURST).max(1);
        // In any minute the burst and what falls due: together no more than the limit.
        let interval = MINUTE.div_f64((per_minute - burst + 1) as f64);
        let tolerance = interval.mul_f64((burst - 1) as f64);
        Self { interval, tolerance, due: Mutex::new(Instant::now()) }
    }

    /// Takes units and returns when they may go. A request larger than the burst goes too, and the next waits
    /// for longer.
    fn take(&self, units: u64, now: Instant) -> Instant {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*due).max(now);
        *due = begin + self.interval.mul_f64(units as f64);
        begin.checked_sub(self.tolerance).unwrap_or(now).max(now)
    }

    fn give_back(&self, units: u64) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = due.checked_sub(self.interval.mul_f64(units as f64)).unwrap_or(*due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as fast as it may, gives back what was not used, and returns the seconds at which each went.
    fn sent(quota: &Quota, requests: usize, (tokens, used): (u64, u64)) -> Vec<f64> {
        let began = Instant::now();
        let mut now = began;
        let send = |_| {
            now = quota.turn(tokens, now);
            quota.used(tokens, used);
            (now - began).as_secs_f64()
        };
        (0..requests).map(send).collect()
    }

    fn most_in_a_minute(sent: &[f64]) -> usize {
        sent.iter()
            .map(|from| sent.iter().filter(|at| (*from..*from + 59.9).contains(at)).count())
            .max()
            .unwrap()
    }

    #[test]
    fn no_minute_has_more_requests_than_it_may() {
        for per_minute in [1, 7, 60, 500] {
            let quota = Quota::new(Some(per_minute), None);
            let most = most_in_a_minute(&sent(&quota, 3 * per_minute as usize, (1, 1))) as u64;
            assert!(most <= per_minute, "{most} of {per_minute}");
            assert!(most * 10 >= per_minute * 9, "{most} of {per_minute}");
        }
    }

    #[test]
    fn tokens_are_counted_as_they_were_used() {
        let thought = sent(&Quota::new(None, Some(60_000)), 200, (1000, 1000));
        assert!((55..=61).contains(&most_in_a_minute(&thought)), "{thought:?}");
        let used = sent(&Quota::new(None, Some(60_000)), 200, (1000, 100));
        assert!(used[199] < 20.0, "{}", used[199]);
    }

    #[test]
    fn a_request_larger_than_a_minutes_tokens_goes_too() {
        let sent = sent(&Quota::new(None, Some(1000)), 2, (3000, 3000));
        assert!(sent[0] < 0.1 && (180.0..220.0).contains(&sent[1]), "{sent:?}");
    }

    #[test]
    fn without_limits_nobody_waits() {
        assert_eq!(sent(&Quota::new(None, None), 1000, (1_000_000, 0)).last(), Some(&0.0));
    }
}
