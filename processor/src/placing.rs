//! Placing: where a camera's lens draws, looked for in the camera's own footage.

use std::num::NonZeroU32;

use catalog::FoundCircle;
use config::Placement;

use crate::Picture;
use crate::video::{Video, VideoError};
use crate::view::{ViewError, find_circle};

/// Frames that are searched, over the whole length: lights go on, people step out of the way.
pub(crate) const FRAMES: u32 = 5;

/// A whole is this many parts in the catalogue.
const PARTS: f64 = 1e4;

#[derive(Debug, thiserror::Error)]
pub enum PlacingError {
    #[error(transparent)]
    Video(#[from] VideoError),
    #[error(transparent)]
    View(#[from] ViewError),
}

/// Looks for the circle in some frames of a video; `None` where it cannot be told for certain. Decodes some five
/// GOPs, or everything where the video's frames cannot be planned.
pub fn find_placement(video: &Video) -> Result<Option<Placement>, PlacingError> {
    let mut pictures: Vec<Picture> = Vec::new();
    let mut failed = None;
    for frame in video.samples(spread(video.probe().frames))?.take(FRAMES as usize) {
        match frame.and_then(|frame| frame.picture()) {
            Ok(picture) => pictures.push(picture),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if pictures.is_empty() => Err(error.into()),
        _ => Ok(find_circle(&pictures)?),
    }
}

/// Says how far apart frames lie that are spread over so many.
pub(crate) fn spread(frames: u64) -> NonZeroU32 {
    let frames = u32::try_from(frames).unwrap_or(u32::MAX);
    NonZeroU32::new(frames / FRAMES).unwrap_or(NonZeroU32::MIN)
}

/// Gives a found circle the form in which it is remembered.
pub(crate) fn to_parts(placement: Placement) -> Option<FoundCircle> {
    let Placement::Circle { center, radius: Some(radius) } = placement else { return None };
    let parts = |fraction: f64| (fraction * PARTS).round() as i64;
    Some(FoundCircle { center: center.map(parts), radius: parts(radius) })
}

/// Reads a remembered circle.
pub fn of_parts(found: FoundCircle) -> Placement {
    let fraction = |parts: i64| parts as f64 / PARTS;
    Placement::Circle { center: found.center.map(fraction), radius: Some(fraction(found.radius)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_the_same_when_it_was_remembered() {
        for parts in 0..=10_000 {
            let found = FoundCircle { center: [parts, 10_000 - parts], radius: parts };
            assert_eq!(to_parts(of_parts(found)), Some(found));
        }
        let found = Placement::Circle { center: [0.5012, 0.4987], radius: Some(0.4801) };
        assert_eq!(of_parts(to_parts(found).unwrap()), found);
    }
}
