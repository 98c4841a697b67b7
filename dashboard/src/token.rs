//! Random text that nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::rand::{GetRandomFlags, getrandom};

/// Returns 128 random bits as text for addresses and cookies.
pub(crate) fn random() -> String {
    let mut bytes = [0; 16];
    let read = getrandom(&mut bytes, GetRandomFlags::empty());
    // Up to 256 bytes always come whole, once the system has started.
    assert_eq!(read, Ok(bytes.len()), "the system gives random numbers");
    URL_SAFE_NO_PAD.encode(bytes)
}
