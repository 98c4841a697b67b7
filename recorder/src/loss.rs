//! Frames that were dropped because packets of them were lost: how long a stretch of the picture is missing.

/// Watches the stamps of one session's pictures.
#[derive(Debug, Default)]
pub(crate) struct LossWatch {
    newest: Option<i64>,
    steps: Steps,
}

/// The longest steps from one newest picture to the next, of this GOP and the one before it. With B-frames they
/// span several frames, and not to take that for a loss matters more than to see the loss of a single B-frame.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    here: i64,
    before: i64,
}

impl LossWatch {
    /// Takes note of a picture before or within which packets were `lost`; returns the ticks that are missing
    /// before it, where frames are.
    pub(crate) fn note(&mut self, stamp: i64, keyframe: bool, lost: u64) -> Option<i64> {
        let Some(newest) = self.newest else {
            self.newest = Some(stamp);
            return None;
        };
        let step = stamp.saturating_sub(newest);
        if step <= 0 {
            return None;
        }
        self.newest = Some(stamp);
        let usual = self.steps.here.max(self.steps.before);
        if lost > 0 {
            return Some(step - usual).filter(|missing| usual > 0 && *missing > usual / 2);
        }
        self.steps.here = self.steps.here.max(step);
        if keyframe {
            self.steps = Steps { here: 0, before: self.steps.here };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: i64 = 3600;

    #[test]
    fn the_stretch_without_frames_is_measured() {
        let mut watch = LossWatch::default();
        for n in 0..30 {
            assert_eq!(watch.note(n * FRAME, n % 25 == 0, 0), None);
        }
        assert_eq!(watch.note(30 * FRAME, false, 1), None, "a packet that cost no frame");
        assert_eq!(watch.note(41 * FRAME, false, 7), Some(10 * FRAME));
        assert_eq!(watch.note(42 * FRAME, false, 0), None);
        assert_eq!(watch.note(44 * FRAME, false, 1), Some(FRAME));
    }

    #[test]
    fn b_frames_are_no_loss() {
        let mut watch = LossWatch::default();
        let order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
        for n in order {
            assert_eq!(watch.note(n * FRAME, n == 0, 0), None);
        }
        assert_eq!(watch.note(12 * FRAME, false, 1), None);
        assert_eq!(watch.note(10 * FRAME, false, 1), None);
        assert_eq!(watch.note(21 * FRAME, false, 1), Some(6 * FRAME));
    }

    #[test]
    fn nothing_is_made_of_losses_before_the_usual_step_is_known() {
        let mut watch = LossWatch::default();
        assert_eq!(watch.note(0, true, 3), None);
        assert_eq!(watch.note(90_000, true, 3), None);
    }
}
