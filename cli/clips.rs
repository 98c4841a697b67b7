//! Clips for the pages and for `clip`: the recorder knows the files.

#[cfg(feature = "dashboard")]
use catalog::Span;
#[cfg(feature = "dashboard")]
use config::CameraId;
use recorder::MOST_PIECES;
#[cfg(feature = "dashboard")]
use recorder::{Clip, ClipError, Piece};

/// Files that a clip is made of at most.
pub(crate) fn most_files() -> u32 {
    u32::try_from(MOST_PIECES).unwrap_or(u32::MAX)
}

/// Returns what joins footage for the pages.
#[cfg(feature = "dashboard")]
pub(crate) fn maker() -> dashboard::ClipMaker {
    std::sync::Arc::new(|camera: &CameraId, footage: Vec<dashboard::Footage>, wanted: Span| {
        let piece = |of: dashboard::Footage| Piece { file: of.file, name: of.name, start: of.start };
        let clip = Clip::of(camera, footage.into_iter().map(piece).collect(), wanted).map_err(not_made)?;
        Ok(dashboard::Clip {
            span: clip.span,
            holes: clip.holes.clone(),
            frames: clip.frames,
            length: clip.length(),
            content: Box::new(clip.reader()),
        })
    })
}

#[cfg(feature = "dashboard")]
fn not_made(error: ClipError) -> dashboard::NotMade {
    match error {
        ClipError::Nothing => dashboard::NotMade::Nothing(error.to_string()),
        _ if error.is_of_asker() => dashboard::NotMade::Refused(error.to_string()),
        _ => dashboard::NotMade::Failed(error.into()),
    }
}
