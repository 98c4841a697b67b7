//! Exactness: the sampled frames are those of a plain full decode, bit by bit, whatever the file is like.

#![allow(clippy::disallowed_methods, reason = "tests do to files what the program itself must not")]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod clips;
mod codecs;
mod containers;
mod damaged;
mod reference;
mod refused;
mod times;
