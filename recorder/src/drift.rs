//! How far the clock of the sound has moved away from that of the picture. Cheap cameras have a crystal for each:
//! 100 ppm are a third of a second in an hour.

/// What is compared are arrivals, which come in bursts: only what lasts is drift.
const AVERAGED_S: u32 = 30;
/// Nobody hears so much. It is also more than the average wavers.
const TOLERATED_MS: u32 = 30;
/// A stall of the picture says nothing about its clock.
const OUTLIER_MS: u32 = 500;

#[derive(Debug)]
pub(crate) struct Drift {
    /// Units per second.
    scale: u32,
    /// How far the sound is ahead of the picture as both arrive.
    average: f64,
    /// Frames in `average`, up to those of [`AVERAGED_S`].
    frames: u32,
    /// What it was at first: the camera sends them so far apart, which is no drift.
    usual: Option<f64>,
}

impl Drift {
    pub(crate) fn new(scale: u32) -> Self {
        Self { scale, average: 0.0, frames: 0, usual: None }
    }

    /// Takes how far a frame of `length` is ahead of the picture, and returns by how much it and all that follow are
    /// to be moved: by one unit at most, which nobody hears.
    pub(crate) fn correction(&mut self, ahead: i64, length: u32) -> i64 {
        let whole = (AVERAGED_S * self.scale.max(1) / length.max(1)).max(1);
        let distance = ahead as f64 - self.average;
        if self.usual.is_some() && distance.abs() > self.ticks(OUTLIER_MS) {
            return 0;
        }
        self.frames = (self.frames + 1).min(whole);
        self.average += distance / f64::from(self.frames);
        let Some(usual) = self.usual else {
            self.usual = (self.frames == whole).then_some(self.average);
            return 0;
        };
        let drifted = self.average - usual;
        if drifted.abs() <= self.ticks(TOLERATED_MS) {
            return 0;
        }
        self.average -= drifted.signum();
        -(drifted.signum() as i64)
    }

    fn ticks(&self, milliseconds: u32) -> f64 {
        f64::from(self.scale) * f64::from(milliseconds) / 1000.0
    }
}
