//! The way to a camera that plays, capped.

use std::future::poll_fn;

use config::CameraId;

use super::abandon::abandon;
use super::watch::{Limits, Watch};
use crate::RecorderError;

/// Answers have a few kilobytes. A description is taken apart at once, into a hundred times its size where it
/// lists nothing but streams: more of it must not lie there.
const LIMITS: Limits = Limits { block: 256 << 10, growth: 1 << 20 };

/// Carries out what asks and answers, until a message of the camera's grows too large.
pub(crate) async fn capped<T>(
    camera: &CameraId,
    connecting: impl Future<Output = Result<T, RecorderError>>,
) -> Result<T, RecorderError> {
    let mut watch = Watch::new(LIMITS);
    let mut connecting = Box::pin(connecting);
    match poll_fn(|cx| watch.poll(cx, |cx| connecting.as_mut().poll(cx))).await {
        Ok(connected) => connected,
        Err(excess) => {
            abandon(connecting);
            Err(excess.of(camera, LIMITS))
        }
    }
}
