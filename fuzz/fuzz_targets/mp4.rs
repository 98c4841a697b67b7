//! Boxes of a file of ours, and of what an `ffmpeg` child pipes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recorder::fuzzed::mp4(bytes));
