//! Answers of model servers. The processor's files are built without the rest of it, which wants OpenCV and FFmpeg.

#![no_main]
#![allow(dead_code, reason = "parts of a crate")]

#[path = "../../processor/src/vision"]
mod vision {
    mod failure;
    pub(crate) mod fuzzed;
    mod look;
    mod wire;
}

/// In the place of the processor's, whose errors are those of OpenCV too.
mod error {
    pub(crate) fn chain(error: &dyn std::error::Error) -> String {
        error.to_string()
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vision::fuzzed::reply(bytes));
