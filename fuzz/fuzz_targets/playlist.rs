//! The live playlist of an earlier run.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recorder::fuzzed::playlist(bytes));
