//! The stage: a street without people and one person who walks, both cut out of the pedestrian clip.

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;

use nightreel_processor::Picture;
use nightreel_processor::video::Video;

/// One walker of the clip, as left, top, width and height in frames 60, 65 … 100.
const STRIDE: [[usize; 4]; 9] = [
    [616, 234, 35, 110],
    [603, 222, 31, 106],
    [588, 210, 34, 101],
    [578, 198, 30, 98],
    [568, 189, 32, 95],
    [565, 180, 29, 92],
    [570, 172, 27, 89],
    [578, 163, 29, 87],
    [591, 153, 27, 82],
];
const FIRST_STRIDE: u64 = 60;
const BETWEEN_STRIDES: u32 = 5;
/// So many steps of luma tell a person from the street.
const CONTRAST: f32 = 20.0;

/// A plane of luma.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(crate) size_px: [usize; 2],
    pub(crate) luma: Vec<f32>,
}

/// A person's luma, and how much of each pixel is theirs.
#[derive(Debug)]
pub(crate) struct Sprite {
    luma: Plane,
    share: Plane,
}

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) street: Plane,
    pub(crate) strides: Vec<Sprite>,
}

impl Stage {
    /// Reads the clip; `shrink` divides width and height.
    pub(crate) fn of(clip: &Path, shrink: usize) -> Result<Self, Box<dyn Error>> {
        let every = NonZeroU32::new(BETWEEN_STRIDES).ok_or("zero")?;
        let mut frames = Vec::new();
        for frame in Video::open(clip)?.samples(every)? {
            frames.push(frame?.picture()?);
        }
        let street = median(&frames);
        let first = (FIRST_STRIDE / u64::from(BETWEEN_STRIDES)) as usize;
        let strides = STRIDE.iter().zip(&frames[first..]);
        let strides = strides.map(|(&area, frame)| Sprite::cut(frame, &street, area)).collect();
        let size_px = street.size_px.map(|length| length / shrink / 2 * 2);
        Ok(Self { street: street.resized(size_px), strides })
    }
}

impl Plane {
    /// Reads between pixels; outside, the nearest pixel counts.
    fn at(&self, [x, y]: [f32; 2]) -> f32 {
        let [width, height] = self.size_px;
        let (x, y) = (x.clamp(0.0, (width - 1) as f32), y.clamp(0.0, (height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
        let (across, down) = (x.fract(), y.fract());
        let row =
            |y: usize| self.luma[y * width + left] * (1.0 - across) + self.luma[y * width + right] * across;
        row(top) * (1.0 - down) + row(bottom) * down
    }

    pub(crate) fn resized(&self, size_px: [usize; 2]) -> Self {
        let scale = [0, 1].map(|axis| self.size_px[axis] as f32 / size_px[axis] as f32);
        let mut luma = Vec::with_capacity(size_px[0] * size_px[1]);
        for y in 0..size_px[1] {
            luma.extend((0..size_px[0]).map(|x| self.at([x as f32 * scale[0], y as f32 * scale[1]])));
        }
        Self { size_px, luma }
    }
}

impl Sprite {
    fn cut(frame: &Picture, street: &Plane, [left, top, width, height]: [usize; 4]) -> Self {
        let size_px = [width, height];
        let places =
            || (0..height).flat_map(move |y| (0..width).map(move |x| (top + y) * frame.width + left + x));
        let luma: Vec<f32> = places().map(|at| f32::from(frame.y[at])).collect();
        let share = places()
            .map(|at| ((f32::from(frame.y[at]) - street.luma[at]).abs() / CONTRAST).min(1.0))
            .collect();
        Self { luma: Plane { size_px, luma }, share: Plane { size_px, luma: share } }
    }

    /// Draws the person `height` pixels high with the top left corner at `corner`, as light as `gain` makes them.
    pub(crate) fn paste(&self, picture: &mut Plane, corner: [f32; 2], (height, gain): (usize, f32)) {
        let size_px = [(self.luma.size_px[0] * height / self.luma.size_px[1]).max(1), height];
        let (luma, share) = (self.luma.resized(size_px), self.share.resized(size_px));
        let [width, rows] = picture.size_px;
        for (index, (luma, share)) in luma.luma.iter().zip(&share.luma).enumerate() {
            let x = corner[0] as isize + (index % size_px[0]) as isize;
            let y = corner[1] as isize + (index / size_px[0]) as isize;
            if (0..width as isize).contains(&x) && (0..rows as isize).contains(&y) {
                let pixel = &mut picture.luma[y as usize * width + x as usize];
                *pixel += share * (luma * gain - *pixel);
            }
        }
    }
}

/// Takes the median of each pixel over all frames: what mostly stands still.
fn median(frames: &[Picture]) -> Plane {
    let mut values = Vec::with_capacity(frames.len());
    let mut pixel = |index: usize| {
        values.clear();
        values.extend(frames.iter().map(|frame| frame.y[index]));
        let middle = values.len() / 2;
        f32::from(*values.select_nth_unstable(middle).1)
    };
    let luma = (0..frames[0].y.len()).map(&mut pixel).collect();
    Plane { size_px: [frames[0].width, frames[0].height], luma }
}
