//! Why there is no clip.

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};

#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    #[error("nothing was recorded then, or it is no longer on the disk")]
    Nothing,

    #[error("a clip lasts an hour at most, and is of {most} files and {samples} samples at most; ask for a shorter one",
        most = super::MOST_PIECES, samples = super::index::MOST_SAMPLES)]
    TooLong,

    #[error("`to` must be later than `from`")]
    Backwards,

    #[error(
        "the camera's {what} is of another kind from `{}` on, and one file cannot hold both; ask for a clip up to then, \
         and one from then on",
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    )]
    Changed { what: &'static str, at: DateTime<Utc> },

    #[error(
        "`{name}` is no MP4 file with an index, and clips are made of those alone; download the file itself"
    )]
    NotIndexed { name: String },

    #[error("cannot read `{name}`")]
    File { name: String, source: io::Error },
}

impl ClipError {
    /// Tells whether something else must be asked for; otherwise what was asked cannot be read.
    pub fn is_of_asker(&self) -> bool {
        !matches!(self, Self::Nothing | Self::File { .. })
    }
}
