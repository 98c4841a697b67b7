//! Candidates: the frames of one segment that may become thumbnails, gathered while it is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use catalog::{Catalog, CatalogError, Object, Results, SegmentId, Thumbnails};

use crate::error::chain;
use crate::view::{Cut, ViewError, encode, shrink_to};

/// The longer side of a thumbnail.
const MAX_PX: u32 = 320;

const JPEG_QUALITY: u8 = 80;

/// A view is parted into so many rows and columns; of each label the best is kept in each part, since events are
/// told apart by place.
const PARTS: f32 = 4.0;

/// Where in a view, and what.
type Spot = (String, String, (u8, u8));

#[derive(Debug)]
struct Candidate {
    rank: f32,
    frame: u64,
    /// Shared by all objects of the frame.
    jpeg: Arc<[u8]>,
}

/// Gathers pictures: a few kilobytes for each part of a view and label, however long the segment.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    wanted: bool,
    best: BTreeMap<Spot, Candidate>,
}

impl Candidates {
    pub(crate) fn wanted() -> Self {
        Self { wanted: true, ..Self::default() }
    }

    /// Keeps the view of a frame where one of its objects shows better than before. A picture that cannot be made is
    /// missed, and nothing else.
    pub(crate) fn offer(&mut self, frame: u64, cut: &Cut<'_>, objects: &[Object]) {
        if self.wanted
            && let Err(error) = self.try_offer(frame, cut, objects)
        {
            tracing::debug!(view = cut.name, error = chain(&error), "no picture can be made of a view");
        }
    }

    fn try_offer(&mut self, frame: u64, cut: &Cut<'_>, objects: &[Object]) -> Result<(), ViewError> {
        let mut jpeg: Option<Arc<[u8]>> = None;
        for object in objects {
            let [x, y, width, height] = object.area;
            let part = |middle: f32| (middle * PARTS).clamp(0.0, PARTS - 1.0) as u8;
            let part = (part(x + width / 2.0), part(y + height / 2.0));
            let rank = object.score * width * height;
            let spot = (cut.name.to_owned(), object.label.clone(), part);
            if self.best.get(&spot).is_some_and(|known| known.rank >= rank) {
                continue;
            }
            let jpeg = match &jpeg {
                Some(made) => made.clone(),
                None => jpeg.insert(encode(&*shrink_to(&cut.picture, MAX_PX)?, JPEG_QUALITY)?.into()).clone(),
            };
            self.best.insert(spot, Candidate { rank, frame, jpeg });
        }
        Ok(())
    }

    fn find(&self, view: &str, frame: u64) -> Option<&Candidate> {
        self.best.iter().find(|((of, ..), candidate)| of == view && candidate.frame == frame).map(|(_, c)| c)
    }
}

/// Keeps the pictures of a run's events, within what is set.
#[derive(Debug)]
pub(crate) struct Album {
    thumbnails: Thumbnails,
    cap: u64,
    /// Bytes written since all were counted.
    fresh: AtomicU64,
}

impl Album {
    /// `None` where no pictures are wanted.
    pub(crate) fn new(catalog: &Catalog, cap: u64) -> Option<Self> {
        (cap > 0).then(|| Self { thumbnails: catalog.thumbnails(), cap, fresh: AtomicU64::new(u64::MAX / 2) })
    }

    /// Keeps the pictures of a segment's events. A picture that cannot be kept is missed, and nothing else.
    pub(crate) fn keep(&self, segment: SegmentId, (results, candidates): (&Results, &Candidates)) {
        if let Err(error) = self.try_keep(segment, (results, candidates)) {
            tracing::warn!(segment = %segment, error = chain(&error), "cannot keep the pictures of events");
        }
    }

    fn try_keep(
        &self,
        segment: SegmentId,
        (results, candidates): (&Results, &Candidates),
    ) -> Result<(), CatalogError> {
        // Before this segment's, which no event shows yet.
        if self.fresh.load(Ordering::Relaxed) > self.cap / 8 {
            self.fresh.store(0, Ordering::Relaxed);
            self.thumbnails.tidy(self.cap - self.cap / 4)?;
        }
        for event in results.events() {
            let (view, frame) = (event.view.as_str(), event.best.frame);
            if let Some(candidate) = candidates.find(view, frame) {
                self.thumbnails.keep((segment, view, frame), &candidate.jpeg)?;
                self.fresh.fetch_add(candidate.jpeg.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
