//! Decoding in a process of its own: a file that crashes or hangs the decoder costs itself alone.
//!
//! A worker thread has one `Decoder`, whose child process opens and decodes one file after another and hands the
//! pictures over a pipe. `wire` is what they say to each other, `serve` the child's side, `decoder` ours.

mod decoder;
mod error;
mod limits;
mod pipe;
mod player;
mod serve;
mod wire;

pub use decoder::DecoderProgram;
pub(crate) use decoder::{DecodedFrame, Decoder, Decoding};
pub use error::DecodeError;
pub(crate) use player::{LivePicture, Player};
pub use serve::serve;
pub(crate) use wire::Opened;
