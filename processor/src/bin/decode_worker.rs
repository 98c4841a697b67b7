//! The decoding process on its own, for the tests of this crate; the real one is `nightreel decode-worker`.

fn main() -> Result<(), nightreel_processor::DecodeError> {
    let memory = std::env::args().nth(1).and_then(|bytes| bytes.parse().ok());
    nightreel_processor::serve_decoder(memory)
}
