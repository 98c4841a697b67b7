//! What makes files for the pages out of footage. Handed in: the recorder knows the files, and the processor the pictures.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use catalog::Span;
use chrono::{DateTime, Utc};
use config::{CameraId, View};

use crate::FigureError;

/// A closed segment's file, open.
#[derive(Debug)]
pub struct Footage {
    pub file: File,
    /// For messages.
    pub name: String,
    pub start: DateTime<Utc>,
}

/// A span of a camera's footage as one file, which is made while it is read.
pub struct Clip {
    /// What it shows, which may begin before what was asked.
    pub span: Span,
    /// In which there is nothing.
    pub holes: Vec<Span>,
    pub frames: u64,
    /// Bytes.
    pub length: u64,
    pub content: Box<dyn Read + Send>,
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("span", &self.span).field("length", &self.length).finish_non_exhaustive()
    }
}

/// Why there is none.
#[derive(Debug)]
pub enum NotMade {
    /// Nothing is there.
    Nothing(String),
    /// Something else must be asked for.
    Refused(String),
    /// What was asked cannot be read.
    Failed(FigureError),
}

/// Joins footage of a camera, which is in order, to a clip of a span. Blocks.
pub type ClipMaker = Arc<dyn Fn(&CameraId, Vec<Footage>, Span) -> Result<Clip, NotMade> + Send + Sync>;

/// A time in a segment.
#[derive(Debug)]
pub struct Moment {
    pub footage: Footage,
    /// Since the segment's first picture.
    pub after: Duration,
}

/// Makes the JPEG of what a camera's view shows, without what nobody may see. Blocks.
pub type StillMaker = Arc<dyn Fn(&CameraId, &View, Moment) -> Result<Vec<u8>, FigureError> + Send + Sync>;

#[derive(Clone)]
pub struct Makers {
    pub clip: ClipMaker,
    /// Absent where the program cannot decode.
    pub still: Option<StillMaker>,
    /// Files that a clip is made of at most.
    pub most_files: u32,
}

impl fmt::Debug for Makers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Makers").finish_non_exhaustive()
    }
}
