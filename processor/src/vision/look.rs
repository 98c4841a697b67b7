//! A look: one question about views of a segment, and the answer to it.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Asks about one view of one segment, in one picture or several of them in order of time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Look {
    /// In hexadecimal digits.
    pub segment_sha256: String,
    /// Absent for files that belong to no camera.
    #[serde(skip)]
    pub camera: Option<config::CameraId>,
    /// The view's name.
    pub view: String,
    /// What the view shows, as [`Views::mappings`](crate::view::Views::mappings) gives it.
    pub mapping: String,
    pub pictures: Vec<Jpeg>,
}

/// Holds a view as it is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Jpeg {
    /// Counted from 0 within the segment.
    pub frame: u64,
    /// Not kept in drafts: what was sent is in the spool.
    #[serde(skip)]
    pub bytes: Bytes,
}

impl Look {
    /// Tells whether it can be sent: one out of a draft has no pictures any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.pictures.iter().all(|picture| !picture.bytes.is_empty())
    }

    /// Returns what identifies the question, which is not the bytes of its pictures.
    pub(crate) fn without_pictures(&self) -> Self {
        let empty = |picture: &Jpeg| Jpeg { frame: picture.frame, bytes: Bytes::new() };
        Self { pictures: self.pictures.iter().map(empty).collect(), ..self.clone() }
    }
}

impl fmt::Debug for Jpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jpeg {{ frame: {}, {} bytes }}", self.frame, self.bytes.len())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Names the row of the ledger that the answer belongs to.
    pub request_id: String,
    pub said: Said,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Caption(String),
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
            Said::Caption(text) => Some(text),
            Said::Failed(_) => None,
        }
    }

    pub fn error(&self) -> Option<&str> {
        match &self.said {
            Said::Caption(_) => None,
            Said::Failed(reason) => Some(reason),
        }
    }
}
