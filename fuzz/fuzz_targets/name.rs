//! File names of this and other recorders.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| catalog::fuzzed::name(bytes));
