//! The breaker: stops asking a server that is down, and lets one request try whether it is back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::failure::Failure;

/// Failures in a row, over all workers, after which the server counts as down: more than one look makes.
const IN_A_ROW: u32 = 10;

const LONGEST_REST: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Breaker {
    first_rest: Duration,
    state: Mutex<State>,
    /// Told to those that wait for the probe's end.
    probed: Notify,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
        /// When a request that had no answer was counted last.
        hung: Option<Instant>,
    },
    /// Nothing is asked before `until`; whoever comes first afterwards is the probe.
    Open {
        until: Instant,
        rest: Duration,
    },
    Probing,
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0, hung: None }
    }
}

/// The right to make one request, whose outcome is told to the breaker. One that is dropped untold leaves the
/// probe to somebody else.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    probe: Option<Duration>,
    begun: Instant,
}

impl Breaker {
    pub(super) fn new(first_rest: Duration) -> Self {
        Self { first_rest, state: Mutex::default(), probed: Notify::new() }
    }

    /// Waits for a running probe. Returns how long the server rests where it is down.
    pub(super) async fn pass(&self) -> Result<Pass<'_>, Duration> {
        loop {
            let probed = self.probed.notified();
            let mut probed = std::pin::pin!(probed);
            // Before the look at the state, so that no end of a probe is missed.
            probed.as_mut().enable();
            if let Some(found) = self.try_pass(Instant::now()) {
                return found;
            }
            probed.await;
        }
    }

    fn try_pass(&self, now: Instant) -> Option<Result<Pass<'_>, Duration>> {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => Some(Ok(Pass { breaker: self, probe: None, begun: now })),
            State::Open { until, .. } if until > now => Some(Err(until - now)),
            State::Open { rest, .. } => {
                *state = State::Probing;
                Some(Ok(Pass { breaker: self, probe: Some(rest), begun: now }))
            }
            State::Probing => None,
        }
    }

    fn up(&self) {
        let before = std::mem::take(&mut *self.state());
        if !matches!(before, State::Closed { .. }) {
            tracing::info!("the vision server is back");
        }
        self.probed.notify_waiters();
    }

    fn down(&self, (probe, begun): (Option<Duration>, Instant), (failure, now): (&Failure, Instant)) {
        let hangs = matches!(failure, Failure::Interrupted { .. });
        let mut state = self.state();
        let rest = match (*state, probe) {
            // What waited at the same time tells the same: too many requests at once, perhaps.
            (State::Closed { hung: Some(at), .. }, _) if hangs && begun < at => return,
            (State::Closed { failures, hung }, _) if failures + 1 < IN_A_ROW => {
                let hung = if hangs { Some(now) } else { hung };
                *state = State::Closed { failures: failures + 1, hung };
                return;
            }
            (State::Closed { .. }, _) => self.first_rest,
            (State::Probing, Some(rest)) => (rest * 2).min(LONGEST_REST),
            // One that was under way when the server was given up.
            (State::Open { .. } | State::Probing, _) => return,
        };
        *state = State::Open { until: now + rest, rest };
        drop(state);
        tracing::warn!(%failure, ?rest, "the vision server is down, nothing is asked for a while");
        self.probed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Tells how the request went.
    pub(super) fn tell(self, failure: Option<&Failure>) {
        self.tell_at(Instant::now(), failure);
    }

    fn tell_at(mut self, now: Instant, failure: Option<&Failure>) {
        let probe = self.probe.take();
        match failure {
            Some(failure) if is_down(failure) => {
                self.breaker.down((probe, self.begun), (failure, now));
            }
            Some(Failure::Unsendable { .. }) => self.probe = probe,
            _ => self.breaker.up(),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let Some(rest) = self.probe else { return };
        *self.breaker.state() = State::Open { until: Instant::now(), rest };
        self.breaker.probed.notify_waiters();
    }
}

fn is_down(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NotConnected { .. }
            | Failure::Interrupted { .. }
            | Failure::Status { status: 500..=599, .. }
    )
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const FIRST_REST: Duration = Duration::from_secs(30);

    fn refused() -> Failure {
        Failure::NotConnected { text: "refused".to_owned() }
    }

    fn pass(breaker: &Breaker, now: Instant) -> Result<Pass<'_>, Duration> {
        breaker.try_pass(now).expect("nobody probes")
    }

    fn fail(breaker: &Breaker, times: u32, now: Instant) {
        (0..times).for_each(|_| pass(breaker, now).unwrap().tell_at(now, Some(&refused())));
    }

    fn rested() -> Breaker {
        let open = State::Open { until: Instant::now(), rest: FIRST_REST };
        Breaker { state: Mutex::new(open), ..Breaker::new(FIRST_REST) }
    }

    #[test]
    fn a_server_that_is_down_is_left_alone_longer_each_time() {
        let (breaker, mut now) = (Breaker::new(FIRST_REST), Instant::now());
        fail(&breaker, IN_A_ROW - 1, now);
        pass(&breaker, now).unwrap().tell_at(now, None);
        fail(&breaker, IN_A_ROW, now);
        for rest in [30, 60, 120, 240, 480, 600, 600] {
            let rest = Duration::from_secs(rest);
            assert_eq!(pass(&breaker, now).unwrap_err(), rest);
            now += rest;
            fail(&breaker, 1, now);
        }
        now += LONGEST_REST;
        pass(&breaker, now).unwrap().tell_at(now, None);
        fail(&breaker, IN_A_ROW - 1, now);
        pass(&breaker, now).unwrap();
    }

    #[test]
    fn a_server_that_only_hangs_is_down_but_not_for_many_requests_at_once() {
        let hung = Failure::Interrupted { text: "timeout".to_owned() };
        let (breaker, mut now) = (Breaker::new(FIRST_REST), Instant::now());
        for _ in 1..IN_A_ROW {
            let at_once: Vec<_> = (0..100).map(|_| pass(&breaker, now).unwrap()).collect();
            now += Duration::from_secs(120);
            at_once.into_iter().for_each(|pass| pass.tell_at(now, Some(&hung)));
        }
        pass(&breaker, now).unwrap().tell_at(now, Some(&hung));
        assert_eq!(pass(&breaker, now).unwrap_err(), FIRST_REST);
        now += FIRST_REST;
        pass(&breaker, now).unwrap().tell_at(now, Some(&hung));
        assert_eq!(pass(&breaker, now).unwrap_err(), 2 * FIRST_REST, "a probe that hangs is no sign of life");
    }

    #[tokio::test]
    async fn one_probes_and_the_others_wait_for_it() {
        let breaker = rested();
        let probe = breaker.pass().await.unwrap();
        assert!(breaker.pass().now_or_never().is_none());
        let (passed, ()) = futures::join!(breaker.pass(), async { probe.tell(None) });
        passed.unwrap().tell(None);
        let breaker = rested();
        let probe = breaker.pass().await.unwrap();
        let (passed, ()) = futures::join!(breaker.pass(), async { probe.tell(Some(&refused())) });
        assert!(passed.unwrap_err() > FIRST_REST);
    }

    #[tokio::test]
    async fn a_probe_that_was_never_made_is_left_to_another() {
        let breaker = rested();
        drop(breaker.pass().await.unwrap());
        breaker.pass().await.unwrap().tell(None);
        breaker.pass().await.unwrap();
    }

    #[test]
    fn an_answer_that_is_no_caption_shows_that_it_is_up() {
        let (breaker, now) = (Breaker::new(FIRST_REST), Instant::now());
        let slow_down = Failure::from_status(429, None, "slow down");
        for _ in 0..3 {
            fail(&breaker, IN_A_ROW - 1, now);
            pass(&breaker, now).unwrap().tell_at(now, Some(&slow_down));
        }
    }
}
