//! Whole files that a kill or a power cut left behind.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recorder::fuzzed::recovery(bytes));
