//! Tokens for programs: long random texts, known to the server by their hashes alone.
//!
//! A token has 256 random bits, so that no hash that is dear to reckon has to guard it, as it does a password: SHA-256 is
//! enough, and costs a microsecond with each request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use config::Secret;
use sha2::{Digest, Sha256};

use crate::DashboardError;

/// What tokens begin with, so that scanners for leaked secrets know them.
const PREFIX: &str = "nightreel_";

/// Wrong ones of everybody together within [`WHILE`]; the right ones are let in meanwhile.
const TRIES: usize = 10;
const WHILE: Duration = Duration::from_secs(60);

/// A token and its hash.
#[derive(Debug)]
pub struct NewToken {
    pub token: Secret,
    /// As `[[serve.token]]` has it.
    pub sha256: String,
}

impl NewToken {
    pub fn random() -> Self {
        let token = format!("{PREFIX}{}{}", crate::token::random(), crate::token::random());
        let sha256 = catalog::hex(&Sha256::digest(&token));
        Self { token: Secret::new(token), sha256 }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    hashes: Vec<[u8; 32]>,
    wrong: Mutex<VecDeque<Instant>>,
}

/// What became of a token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Right,
    Wrong,
    /// Wrong, and too many were.
    TooMany,
}

impl Tokens {
    pub(crate) fn new(hashes: &BTreeMap<String, Secret>) -> Result<Self, DashboardError> {
        let read = |(name, hash): (&String, &Secret)| {
            read(hash.expose()).ok_or_else(|| DashboardError::TokenHash { name: name.clone() })
        };
        Ok(Self { hashes: hashes.iter().map(read).collect::<Result<_, _>>()?, wrong: Mutex::default() })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub(crate) fn hold(&self, token: &str, now: Instant) -> Sent {
        let hash: [u8; 32] = Sha256::digest(token).into();
        // all of them and all bytes, however many fit
        let opens = self.hashes.iter().fold(false, |opens, known| opens | are_equal(known, &hash));
        if opens {
            return Sent::Right;
        }
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|at| now.duration_since(*at) < WHILE);
        if wrong.len() >= TRIES {
            return Sent::TooMany;
        }
        wrong.push_back(now);
        Sent::Wrong
    }
}

fn are_equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn read(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    bytes?.try_into().ok().filter(|_| hex.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(of: &[&NewToken]) -> Tokens {
        let named = of.iter().enumerate();
        let hashes = named.map(|(name, new)| (name.to_string(), Secret::new(new.sha256.clone())));
        Tokens::new(&hashes.collect()).unwrap()
    }

    #[test]
    fn only_tokens_that_were_made_open_and_wrong_ones_are_few() {
        let (mine, yours) = (NewToken::random(), NewToken::random());
        let (tokens, now) = (tokens(&[&mine, &yours]), Instant::now());
        let wrong =
            ["", " ", mine.sha256.as_str(), "nightreel_", &mine.token.expose()[1..], &"x".repeat(100_000)];
        for token in wrong {
            assert_eq!(tokens.hold(token, now), Sent::Wrong, "{token}");
        }
        assert!((wrong.len()..TRIES).all(|_| tokens.hold("x", now) == Sent::Wrong));
        assert_eq!(tokens.hold("x", now + WHILE / 2), Sent::TooMany);
        for right in [&mine, &yours] {
            assert_eq!(
                tokens.hold(right.token.expose(), now),
                Sent::Right,
                "others' mistakes lock nobody out"
            );
        }
        assert_eq!(tokens.hold("x", now + WHILE), Sent::Wrong);
        assert!(!format!("{mine:?}").contains(mine.token.expose()));
    }

    #[test]
    fn what_is_no_hash_opens_nothing_and_is_named() {
        for hash in ["", "***", "é", &"0".repeat(63), &"g".repeat(64), &"00".repeat(33)] {
            let hashes = BTreeMap::from([("probe".to_owned(), Secret::new(hash))]);
            let refused = Tokens::new(&hashes).unwrap_err().to_string();
            assert!(refused.contains("`serve.token` `probe`"), "{refused}");
        }
    }
}
