//! What keeps the decoding process from being used at all.

use std::io;
use std::path::PathBuf;

/// Says why there is no process that decodes.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the decoding process `{}` cannot be started", program.display())]
    NotStarted { program: PathBuf, source: io::Error },
    #[error("the decoding process cannot be held within limits")]
    NoLimits(#[source] io::Error),
    #[error("the decoding process cannot speak with the one that started it")]
    Pipe(#[source] io::Error),
}
