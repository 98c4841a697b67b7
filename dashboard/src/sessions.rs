//! Sessions: who has logged in is known by a cookie, until the server ends or a week is over; and how often may be tried.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::token;

/// How long a login lasts.
pub(crate) const LASTS: Duration = Duration::from_secs(7 * 86_400);

/// Beyond these the oldest is forgotten.
const MOST: usize = 1000;

/// Tries of everybody together within [`WHILE`]: the hash is dear to hold against, and passwords are not to be guessed.
const TRIES: usize = 10;
const WHILE: Duration = Duration::from_secs(60);

/// Hashes of what browsers hold, so that whoever sees this memory holds nothing.
type Key = [u8; 32];

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    begun: Mutex<HashMap<Key, Instant>>,
    tries: Mutex<VecDeque<Instant>>,
}

impl Sessions {
    /// Returns what the browser shall hold.
    pub(crate) fn begin(&self, now: Instant) -> String {
        let token = token::random();
        self.note(&token, now);
        token
    }

    /// Notes what opens from now on.
    pub(crate) fn note(&self, token: &str, now: Instant) {
        let mut begun = lock(&self.begun);
        begun.retain(|_, at| now.duration_since(*at) < LASTS);
        if begun.len() >= MOST
            && let Some(oldest) = begun.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key)
        {
            begun.remove(&oldest);
        }
        begun.insert(key(token), now);
    }

    pub(crate) fn knows(&self, token: &str, now: Instant) -> bool {
        lock(&self.begun).get(&key(token)).is_some_and(|at| now.duration_since(*at) < LASTS)
    }

    pub(crate) fn end(&self, token: &str) {
        lock(&self.begun).remove(&key(token));
    }

    /// Counts a try; `false` where there were too many lately.
    pub(crate) fn may_try(&self, now: Instant) -> bool {
        let mut tries = lock(&self.tries);
        tries.retain(|at| now.duration_since(*at) < WHILE);
        let may = tries.len() < TRIES;
        if may {
            tries.push_back(now);
        }
        may
    }
}

fn key(token: &str) -> Key {
    Sha256::digest(token).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_until_it_is_ended_or_a_week_is_over() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (mine, yours) = (sessions.begin(now), sessions.begin(now));
        assert!(sessions.knows(&mine, now) && sessions.knows(&yours, now) && !sessions.knows("", now));
        sessions.end(&mine);
        assert!(!sessions.knows(&mine, now) && sessions.knows(&yours, now));
        assert!(!sessions.knows(&yours, now + LASTS));
    }

    #[test]
    fn tries_are_few_in_a_minute() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        assert!((0..TRIES).all(|_| sessions.may_try(now)));
        assert!(!sessions.may_try(now + WHILE / 2));
        assert!(sessions.may_try(now + WHILE));
    }
}
