//! Settings files, `.env` and windows.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| config::fuzzed::settings(bytes));
