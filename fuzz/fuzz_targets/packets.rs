//! Packets of H.264 and H.265. The processor's files are built without the rest of it, which wants OpenCV and FFmpeg.

#![no_main]
#![allow(dead_code, reason = "parts of a crate")]

#[path = "../../processor/src/video"]
mod video {
    mod bits;
    mod coded;
    mod doubt;
    pub(crate) mod fuzzed;
    mod h264;
    mod hevc;
    mod nal;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| video::fuzzed::packets(bytes));
