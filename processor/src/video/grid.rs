//! The grid: a picture's luma as the means of small squares.

use ffmpeg_the_third::frame;

use super::ffi;

/// So many squares lie side by side at least; the smallest thing the detector can find fills several.
const COLUMNS: usize = 96;
/// The means are kept in parts of a step of luma, for noise is far below one.
pub(super) const PARTS: i32 = 16;

/// Holds the means, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    /// Width and height of the picture: grids of different sizes cannot be compared.
    pub(super) size_px: [usize; 2],
    pub(super) cells: Vec<i32>,
}

impl Grid {
    /// Reads the first component of a frame; `None` for one without planes in memory.
    pub(super) fn of(frame: &frame::Video) -> Option<Self> {
        let layout = ffi::sample_layout(frame)?;
        let size_px = [frame.width() as usize, frame.height() as usize];
        let side = (size_px[0] / COLUMNS).clamp(1, 128);
        let rows: Vec<&[u8]> = ffi::rows(frame, 0, [size_px[0] * layout.step, size_px[1]]).collect();
        let scale = |sum: u32| scaled(sum, side * side, layout.bits);
        let cells = rows
            .chunks_exact(side)
            .flat_map(|band| sums(band, side * layout.step, layout).into_iter().map(scale))
            .collect();
        Some(Self { size_px, cells })
    }
}

/// Adds up the squares of a band of rows; what is left of them at the right is not looked at.
fn sums(band: &[&[u8]], square_bytes: usize, layout: ffi::SampleLayout) -> Vec<u32> {
    let mut sums = vec![0; band[0].len() / square_bytes];
    for row in band {
        for (sum, square) in sums.iter_mut().zip(row.chunks_exact(square_bytes)) {
            *sum += match layout {
                ffi::SampleLayout { step: 1, .. } => square.iter().map(|&byte| u32::from(byte)).sum(),
                ffi::SampleLayout { step, bits, .. } if bits > 8 => square
                    .chunks_exact(step)
                    .map(|sample| u32::from(u16::from_le_bytes([sample[0], sample[1]])))
                    .sum::<u32>(),
                ffi::SampleLayout { step, offset, .. } => {
                    square.iter().skip(offset).step_by(step).map(|&byte| u32::from(byte)).sum()
                }
            };
        }
    }
    sums
}

fn scaled(sum: u32, samples: usize, bits: usize) -> i32 {
    let parts = u64::from(sum) * PARTS as u64 / samples as u64;
    i32::try_from(parts >> bits.saturating_sub(8)).unwrap_or(i32::MAX)
}
