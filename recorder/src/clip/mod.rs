//! Clips: a span of a camera's footage as one MP4, out of closed segments and without encoding anything anew.

mod error;
mod index;
mod parameters;
mod piece;
mod reader;
mod weave;

pub use error::ClipError;
pub use piece::Piece;
pub use reader::ClipReader;
pub use weave::{Clip, LONGEST_CLIP, MOST_PIECES};

#[cfg(test)]
mod tests;
