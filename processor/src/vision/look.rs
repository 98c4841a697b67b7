//! A look: one question about views of a segment, and the answer to it.

use std::fmt;

use bytes::Bytes;

use super::answer::Told;

/// Asks about one view of one segment, in one picture or several of them in order of time.
#[derive(Clone, Debug)]
pub struct Look {
    /// In hexadecimal digits.
    pub segment_sha256: String,
    /// Absent for files that belong to no camera.
    pub camera: Option<config::CameraId>,
    /// The view's name.
    pub view: String,
    /// What the view shows, as [`Views::mappings`](crate::view::Views::mappings) gives it.
    pub mapping: String,
    pub pictures: Vec<Jpeg>,
}

/// Holds a view as it is sent.
#[derive(Clone)]
pub struct Jpeg {
    /// Counted from 0 within the segment.
    pub frame: u64,
    pub bytes: Bytes,
}

impl fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jpeg {{ frame: {}, {} bytes }}", self.frame, self.bytes.len())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names the row of the ledger that the answer belongs to.
    pub request_id: String,
    pub said: Said,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Told(Told),
    /// The observation failed for good; the text says why.
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A request was made now.
    Asked,
    /// The answer had been paid for before.
    Stored,
}

impl Answer {
    pub fn caption(&self) -> Option<&str> {
        match &self.said {
            Said::Told(told) => Some(&told.caption),
            Said::Failed(_) => None,
        }
    }

    pub fn error(&self) -> Option<&str> {
        match &self.said {
            Said::Told(_) => None,
            Said::Failed(reason) => Some(reason),
        }
    }
}
