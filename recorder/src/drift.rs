//! How far the clock of the sound has moved away from that of the picture. Cheap cameras have a crystal for each:
//! 100 ppm are a third of a second in an hour.

/// What is compared are arrivals, which come in bursts: only what lasts is drift. Ten seconds of 25 pictures.
const AVERAGED: u32 = 250;
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
    /// What is in `average`, up to [`AVERAGED`].
    count: u32,
    /// What it was at first: the camera sends them so far apart, which is no drift.
    usual: Option<f64>,
    /// The newest that was compared.
    picture: Option<i64>,
}

impl Drift {
    pub(crate) fn new(scale: u32) -> Self {
        Self { scale, average: 0.0, count: 0, usual: None, picture: None }
    }

    /// Takes the times of a frame of sound and of the newest picture, and returns by how much that frame and all that
    /// follow are to be moved: by one unit at most, which nobody hears.
    pub(crate) fn correction(&mut self, sound: i64, picture: i64) -> i64 {
        // Only what comes right after a picture is compared: where these become seldom, the newest is old.
        if self.picture.replace(picture) != Some(picture) {
            self.compare((sound - picture) as f64);
        }
        let drifted = self.usual.map_or(0.0, |usual| self.average - usual);
        if drifted.abs() <= self.ticks(TOLERATED_MS) {
            return 0;
        }
        self.average -= drifted.signum();
        -(drifted.signum() as i64)
    }

    fn compare(&mut self, ahead: f64) {
        let distance = ahead - self.average;
        if self.usual.is_some() && distance.abs() > self.ticks(OUTLIER_MS) {
            return;
        }
        self.count = (self.count + 1).min(AVERAGED);
        self.average += distance / f64::from(self.count);
        if self.count == AVERAGED {
            self.usual.get_or_insert(self.average);
        }
    }

    fn ticks(&self, milliseconds: u32) -> f64 {
        f64::from(self.scale) * f64::from(milliseconds) / 1000.0
    }
}
