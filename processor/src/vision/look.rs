//! A look: one question about views of a segment, and the answer to it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use config::{AnswerForm, Detail, Filling, Vision};
use serde::{Deserialize, Serialize};

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
    pub size: PictureSize,
    pub asking: Asking,
    /// When the first picture was taken, in local time, for the variable `{time}`.
    pub time: String,
    /// What the detector found in the pictures, for the variable `{labels}`.
    pub labels: String,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asking {
    /// The prompt of the settings, about the pictures.
    Prompt,
    /// This, without any picture; the answer is plain text.
    Text(String),
}

/// How large the pictures are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSize {
    /// Not larger than `vision.image_max_px`.
    Shrunk,
    /// As large as the view is, and looked at closely.
    Full,
}

impl Look {
    /// Returns what is asked, its variables filled in. Several pictures are told apart by their times, counted from the
    /// first: these follow from the file alone, so that a copy of it asks the same.
    pub(super) fn prompt(&self, settings: &Vision) -> String {
        match &self.asking {
            Asking::Prompt => settings.prompt.fill(&self.filling()) + &self.told_apart(),
            Asking::Text(text) => text.clone(),
        }
    }

    pub(super) fn system(&self, settings: &Vision) -> Option<String> {
        let system = settings.system.as_ref().filter(|_| matches!(self.asking, Asking::Prompt));
        system.map(|system| system.fill(&self.filling()))
    }

    /// Returns what the answer should be in.
    pub(super) fn form(&self, settings: &Vision) -> AnswerForm {
        match self.asking {
            Asking::Prompt => settings.answer,
            Asking::Text(_) => AnswerForm::Text,
        }
    }

    pub(super) fn detail(&self, settings: &Vision) -> Detail {
        match self.size {
            PictureSize::Shrunk => settings.detail,
            PictureSize::Full => Detail::High,
        }
    }

    fn filling(&self) -> Filling<'_> {
        Filling {
            camera: self.camera.as_ref().map_or("unknown", |camera| camera.as_str()),
            view: &self.view,
            time: &self.time,
            labels: if self.labels.is_empty() { "nothing" } else { &self.labels },
        }
    }

    fn told_apart(&self) -> String {
        let [first, _, ..] = self.pictures.as_slice() else { return String::new() };
        let at = |(number, picture): (usize, &Jpeg)| {
            format!("{} at {:.1} s", number + 1, picture.at.saturating_sub(first.at).as_secs_f64())
        };
        let pictures: Vec<_> = self.pictures.iter().enumerate().map(at).collect();
        format!("\n\nThe pictures are of one camera, in order of time: {}.", pictures.join(", "))
    }
}

/// Holds a view as it is sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Jpeg {
    /// Counted from 0 within the segment.
    pub frame: u64,
    /// Since the segment's first frame.
    pub at: Duration,
    /// Not kept in drafts: what was sent is in the spool.
    #[serde(skip)]
    pub bytes: Bytes,
}

impl Look {
    /// Tells whether it can be sent: one out of a draft has no pictures any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.pictures.iter().all(|picture| !picture.bytes.is_empty())
    }
}

impl Jpeg {
    /// Returns what a question is identified by, which is not the bytes.
    pub(crate) fn without_bytes(&self) -> Self {
        Self { bytes: Bytes::new(), ..self.clone() }
    }
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
