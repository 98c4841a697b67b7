//! The retry rules: what follows from a failed request, decided by its HTTP status.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::failure::{Failure, RetryAfter};

/// A server that asks for more patience than this is not asking for a nap.
const LONGEST_GIVE_BACK: Duration = Duration::from_secs(24 * 3600);

/// Sets the times of [`RetryPolicy::verdict`]; the default is what the program uses.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// The first wait lies between zero and this; every further one may be twice as long.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Requests for one look before the job goes back.
    pub tries: u32,
    /// A `Retry-After` beyond this gives the job back instead of sleeping on its lease.
    pub longest_retry_after: Duration,
    /// How long a job rests that went back because the tries were used up.
    pub rest: Duration,
    /// How long a server that is down is left alone at first; twice as long after each probe that fails.
    pub server_rest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            tries: 6,
            longest_retry_after: Duration::from_secs(600),
            rest: Duration::from_secs(300),
            server_rest: Duration::from_secs(30),
        }
    }
}

/// What the verdict depends on besides the failure.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Requests made for this look, the failed one included.
    pub tries: u32,
    /// How many of them came back as [`Failure::Unreadable`].
    pub unreadable: u32,
    /// From 0 to 1: the share of the possible wait that is taken.
    pub jitter: f64,
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Retry {
        after: Duration,
    },
    GiveBack {
        after: Duration,
        reason: String,
    },
    /// Every further request of this run would fail alike.
    Stop {
        reason: String,
    },
    /// Only this question is hopeless: it is kept as a failed observation.
    Refused {
        reason: String,
    },
}

impl RetryPolicy {
    /// Decides what follows from a failure. Back-off has full jitter, so that workers that failed together
    /// do not come back together.
    pub fn verdict(&self, failure: &Failure, situation: Situation) -> Verdict {
        match failure {
            Failure::Unreadable { .. } if situation.unreadable < 2 => {
                Verdict::Retry { after: Duration::ZERO }
            }
            Failure::Unreadable { .. } | Failure::Declined { .. } => {
                Verdict::Refused { reason: failure.to_string() }
            }
            Failure::NotConnected { .. } | Failure::Interrupted { .. } => {
                self.later(failure, None, situation)
            }
            Failure::Unsendable { .. } => {
                Verdict::Stop { reason: format!("{failure}: check `vision.base_url`") }
            }
            Failure::Status { retry_after, .. } => match operator_must_act(failure) {
                Some(reason) => Verdict::Stop { reason },
                None if failure.is_passing() => self.later(failure, *retry_after, situation),
                None => Verdict::Refused { reason: failure.to_string() },
            },
        }
    }

    fn later(&self, failure: &Failure, retry_after: Option<RetryAfter>, situation: Situation) -> Verdict {
        let asked = retry_after.map(|after| after.wait(situation.now)).unwrap_or_default();
        if asked > self.longest_retry_after {
            let after = asked.min(LONGEST_GIVE_BACK);
            let reason = format!("the vision server asks for a pause of {} s ({failure})", asked.as_secs());
            return Verdict::GiveBack { after, reason };
        }
        if situation.tries >= self.tries {
            let reason = format!("the vision server failed {} times, at last: {failure}", situation.tries);
            return Verdict::GiveBack { after: self.rest.max(asked), reason };
        }
        // A pause of zero would spend all tries at once.
        let after = if asked.is_zero() { self.back_off(situation) } else { asked };
        Verdict::Retry { after }
    }

    fn back_off(&self, situation: Situation) -> Duration {
        let doublings = situation.tries.saturating_sub(1).min(31);
        let longest = self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait);
        longest.mul_f64(situation.jitter.clamp(0.0, 1.0))
    }
}

/// Returns what the operator has to do where no request can succeed before it is done.
fn operator_must_act(failure: &Failure) -> Option<String> {
    const KEYS: &str = "`vision.api_key`, `vision.api_key_file` or `vision.api_key_env`";
    let Failure::Status { status, code, kind, .. } = failure else { return None };
    let no_credit = [code, kind].into_iter().flatten().any(|word| word == "insufficient_quota");
    match status {
        401 => Some(format!(
            "the vision server refused the key ({failure}): check {KEYS}, and `vision.base_url`"
        )),
        403 => Some(format!(
            "the vision server does not let this key in ({failure}): check {KEYS}, `vision.base_url`, and \
             whether the key may use `vision.model`"
        )),
        407 => Some(format!("the proxy wants a password ({failure}): write it into `vision.proxy`")),
        429 if no_credit => Some(format!(
            "the account of the vision key has no credit left ({failure}): add credit, or set another key in \
             {KEYS}"
        )),
        300..=399 => Some(format!(
            "the vision server redirects ({failure}): write its final address in `vision.base_url`"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Failure {
        Failure::Status { status, code: None, kind: None, text: "text".to_owned(), retry_after: None }
    }

    fn paused(status: u16, after: RetryAfter) -> Failure {
        Failure::Status { status, code: None, kind: None, text: "text".to_owned(), retry_after: Some(after) }
    }

    fn situation(tries: u32, jitter: f64) -> Situation {
        let now = "2026-11-22T01:00:00Z".parse().unwrap();
        Situation { tries, unreadable: 0, jitter, now }
    }

    fn verdict(failure: &Failure, situation: Situation) -> Verdict {
        RetryPolicy::default().verdict(failure, situation)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_status_has_its_verdict() {
        for passing in [408, 409, 429, 500, 502, 503, 504, 529] {
            let verdict = verdict(&status(passing), situation(1, 1.0));
            assert_eq!(verdict, Verdict::Retry { after: seconds(1) }, "{passing}");
        }
        for refused in [400, 404, 405, 413, 415, 422] {
            let verdict = verdict(&status(refused), situation(1, 1.0));
            assert!(matches!(verdict, Verdict::Refused { .. }), "{refused}: {verdict:?}");
        }
        for stopped in [301, 302, 307, 308, 401, 403] {
            let verdict = verdict(&status(stopped), situation(1, 1.0));
            assert!(matches!(&verdict, Verdict::Stop { reason } if reason.contains("`vision.base_url`")));
        }
    }

    #[test]
    fn an_account_without_credit_stops_the_run_by_code_or_by_type() {
        for (code, kind) in [(Some("insufficient_quota"), None), (None, Some("insufficient_quota"))] {
            let failure = Failure::Status {
                status: 429,
                code: code.map(str::to_owned),
                kind: kind.map(str::to_owned),
                text: "no credit".to_owned(),
                retry_after: Some(RetryAfter::For(seconds(1))),
            };
            let verdict = verdict(&failure, situation(1, 0.5));
            assert!(matches!(&verdict, Verdict::Stop { reason } if reason.contains("`vision.api_key`")));
        }
    }

    #[test]
    fn the_longest_wait_doubles_up_to_its_limit_and_jitter_takes_a_share() {
        let patient = RetryPolicy { tries: 100, ..RetryPolicy::default() };
        for (tries, longest) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (99, 60)] {
            for jitter in [0.0, 0.25, 1.0] {
                let verdict = patient.verdict(&status(503), situation(tries, jitter));
                assert_eq!(verdict, Verdict::Retry { after: seconds(longest).mul_f64(jitter) });
            }
        }
    }

    #[test]
    fn after_the_last_try_the_job_goes_back() {
        let interrupted = Failure::Interrupted { text: "timeout".to_owned() };
        let unconnected = Failure::NotConnected { text: "refused".to_owned() };
        for failure in [status(503), status(429), interrupted, unconnected] {
            assert!(matches!(verdict(&failure, situation(5, 0.5)), Verdict::Retry { .. }));
            let last = verdict(&failure, situation(6, 0.5));
            assert!(matches!(last, Verdict::GiveBack { after, .. } if after == seconds(300)), "{last:?}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_up_to_the_limit() {
        let at = |text: &str| RetryAfter::At(text.parse().unwrap());
        let cases = [
            (RetryAfter::For(seconds(7)), Verdict::Retry { after: seconds(7) }),
            (RetryAfter::For(seconds(600)), Verdict::Retry { after: seconds(600) }),
            (at("2026-11-22T01:00:30Z"), Verdict::Retry { after: seconds(30) }),
            // Nothing to wait for: the usual back-off.
            (RetryAfter::For(seconds(0)), Verdict::Retry { after: seconds(1) }),
            (at("2020-01-01T00:00:00Z"), Verdict::Retry { after: seconds(1) }),
        ];
        for (after, expected) in cases {
            assert_eq!(verdict(&paused(429, after), situation(1, 1.0)), expected, "{after:?}");
        }
        for (after, rest) in [(601, 601), (7200, 7200), (u64::MAX, 24 * 3600)] {
            let verdict = verdict(&paused(503, RetryAfter::For(seconds(after))), situation(1, 1.0));
            assert!(matches!(verdict, Verdict::GiveBack { after, .. } if after == seconds(rest)));
        }
    }

    #[test]
    fn an_unreadable_answer_is_asked_for_once_more() {
        let failure = Failure::Unreadable { text: "half a word".to_owned() };
        let first = Situation { unreadable: 1, ..situation(1, 1.0) };
        assert_eq!(verdict(&failure, first), Verdict::Retry { after: Duration::ZERO });
        let second = Situation { unreadable: 2, ..situation(2, 1.0) };
        assert!(matches!(verdict(&failure, second), Verdict::Refused { .. }));
        // Failures in between do not use up the second chance.
        let late = Situation { unreadable: 1, ..situation(6, 1.0) };
        assert!(matches!(verdict(&failure, late), Verdict::Retry { .. }));
    }
}
