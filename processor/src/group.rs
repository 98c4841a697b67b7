//! A group: the pictures of one view in one activity that are asked about together.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use config::{CameraId, Windows};
use serde::{Deserialize, Serialize};

use crate::looks::Spot;
use crate::vision::{Asking, Jpeg, Look, PictureSize};

/// The segment that questions are about.
#[derive(Debug)]
pub(crate) struct About<'a> {
    pub(crate) sha256: &'a str,
    pub(crate) camera: Option<CameraId>,
    /// Questions tell the time in their zone.
    pub(crate) windows: &'a Windows,
}

/// One view of one frame, as it may be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shot {
    pub(crate) spot: Spot,
    pub(crate) time: DateTime<Utc>,
    pub(crate) jpeg: Jpeg,
    /// As large as the view is; absent where it is never sent so.
    pub(crate) full: Option<Jpeg>,
    /// What the detector found.
    pub(crate) labels: BTreeSet<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    view: String,
    mapping: String,
    shots: Vec<Shot>,
}

impl Group {
    pub(crate) fn new((view, mapping): (&str, &str), first: Shot) -> Self {
        Self { view: view.to_owned(), mapping: mapping.to_owned(), shots: vec![first] }
    }

    pub(crate) fn view(&self) -> &str {
        &self.view
    }

    pub(crate) fn add(&mut self, shot: Shot) {
        self.shots.push(shot);
    }

    pub(crate) fn len(&self) -> usize {
        self.shots.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        let bytes =
            |shot: &Shot| shot.jpeg.bytes.len() + shot.full.as_ref().map_or(0, |full| full.bytes.len());
        self.shots.iter().map(bytes).sum()
    }

    /// Returns what its questions are identified by, for a draft.
    pub(crate) fn without_pictures(&self) -> Self {
        let empty = |shot: &Shot| Shot {
            jpeg: shot.jpeg.without_bytes(),
            full: shot.full.as_ref().map(Jpeg::without_bytes),
            ..shot.clone()
        };
        let shots = self.shots.iter().map(empty).collect();
        Self { view: self.view.clone(), mapping: self.mapping.clone(), shots }
    }

    pub(crate) fn spots(&self) -> impl Iterator<Item = Spot> + '_ {
        self.shots.iter().map(|shot| shot.spot)
    }

    /// Returns the question about all of them.
    pub(crate) fn look(&self, about: &About<'_>) -> Look {
        let pictures = self.shots.iter().map(|shot| shot.jpeg.clone()).collect();
        self.ask(about, &self.shots, (pictures, PictureSize::Shrunk))
    }

    /// Returns the question about one of them, counted from 0, as large as it is.
    pub(crate) fn larger(&self, number: usize, about: &About<'_>) -> Option<Look> {
        let shot = self.shots.get(number)?;
        let pictures = vec![shot.full.clone()?];
        Some(self.ask(about, std::slice::from_ref(shot), (pictures, PictureSize::Full)))
    }

    fn ask(&self, about: &About<'_>, shots: &[Shot], (pictures, size): (Vec<Jpeg>, PictureSize)) -> Look {
        let labels: BTreeSet<&str> = shots.iter().flat_map(|shot| &shot.labels).map(String::as_str).collect();
        let time = shots.first().map(|shot| shot.time.with_timezone(&about.windows.zone()));
        Look {
            segment_sha256: about.sha256.to_owned(),
            camera: about.camera.clone(),
            view: self.view.clone(),
            mapping: self.mapping.clone(),
            pictures,
            size,
            asking: Asking::Prompt,
            time: time.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
            labels: labels.into_iter().collect::<Vec<_>>().join(", "),
        }
    }
}
