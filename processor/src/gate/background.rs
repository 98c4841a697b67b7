//! The background: what a camera shows when nothing happens, and how much each part of it changes by itself.

use super::Grid;
use super::median::median;

/// Cells along a tile's sides: the size of a far person. Tiles overlap by half, so that no place falls between.
const TILE: usize = 4;
const STRIDE: usize = TILE / 2;

/// From so much on, in grey levels, a tile's own noise makes it no blinder: a place where people pass all the time
/// would count as noisy otherwise.
const MOST_NOISE: f32 = 12.0;
/// Deviations from the mean that still are noise.
const DEVIATIONS: f32 = 3.0;
/// Of the middle tile's difference that all tiles are granted: sensor noise and rain are everywhere.
const EVERYWHERE: f32 = 2.0;

/// From so many grey levels on, a change of the whole picture is one of the light: on average over all cells…
const LIGHT_JUMP: f32 = 12.0;
/// …or, beyond the usual, of the middle tile after the light was evened out.
const LIGHT_DIFFERENCE: f32 = 5.0;

/// Steps by which the background follows: small, so that who passes leaves no trace in it.
const CELL_STEP: f32 = 0.25;
const NOISE_STEP: f32 = 0.2;
const FOLLOW: f32 = 1.0 / 16.0;
/// A cell that stayed as it is for so many samples is background, whatever it shows.
const SETTLED: u8 = 8;
/// Grey levels by which a cell that stays as it is may change from sample to sample.
const STILL: f32 = 3.0;

#[derive(Clone, Debug)]
pub(crate) struct Background {
    size: [usize; 2],
    cells: Vec<f32>,
    /// The sample before, and for how many samples each cell has stayed as it is.
    before: Vec<f32>,
    still: Vec<u8>,
    /// Of each tile's difference: its mean and its mean deviation.
    noise: Vec<Noise>,
    /// The usual difference of the middle tile.
    everywhere: f32,
}

#[derive(Clone, Copy, Debug)]
struct Noise {
    mean: f32,
    deviation: f32,
}

/// How a grid differs from the background.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// By how many grey levels the tile that changed most did so beyond its noise.
    pub(crate) score: f32,
    /// The light changed as a whole.
    pub(crate) is_light: bool,
    /// The background in the light of the grid.
    lit: Vec<f32>,
    tiles: Vec<f32>,
    everywhere: f32,
}

impl Background {
    /// Starts with one grid, of whose noise nothing is known.
    pub(crate) fn of(grid: &Grid) -> Self {
        Self {
            size: grid.size,
            before: grid.cells.clone(),
            still: vec![0; grid.cells.len()],
            noise: vec![Noise { mean: 1.0, deviation: 0.3 }; tiles(grid.size).count()],
            cells: grid.cells.clone(),
            everywhere: 1.0,
        }
    }

    /// Learns from grids of different times: of each cell the median is the background, and of each tile's
    /// differences from it the usual is noise. `None` where they are not all of one size.
    pub(crate) fn learn(grids: &[Grid]) -> Option<Self> {
        let first = grids.first()?;
        if grids.iter().any(|grid| grid.size != first.size) {
            return None;
        }
        let mut background = Self::of(first);
        let cell = |index| median(&mut grids.iter().map(|grid| grid.cells[index]).collect::<Vec<_>>());
        background.cells = (0..first.cells.len()).map(cell).collect();
        let differences: Vec<_> = grids.iter().map(|grid| background.compare(grid)).collect();
        let middle =
            |of: &dyn Fn(&Difference) -> f32| median(&mut differences.iter().map(of).collect::<Vec<_>>());
        for (tile, noise) in background.noise.iter_mut().enumerate() {
            let mean = middle(&|difference| difference.tiles[tile]);
            let deviation = middle(&|difference| (difference.tiles[tile] - mean).abs());
            *noise = Noise { mean, deviation };
        }
        background.everywhere = middle(&|difference| difference.everywhere);
        Some(background)
    }

    pub(crate) fn fits(&self, grid: &Grid) -> bool {
        self.size == grid.size
    }

    /// Compares with a grid of the same size.
    pub(crate) fn compare(&self, grid: &Grid) -> Difference {
        let lit = self.in_the_light_of(grid);
        let off: Vec<f32> = grid.cells.iter().zip(&lit).map(|(cell, lit)| (cell - lit).abs()).collect();
        let tiles: Vec<f32> = tiles(self.size).map(|tile| tile.mean(&off, self.size[0])).collect();
        let everywhere = median(&mut tiles.clone());
        let beyond = |(tile, noise): (&f32, &Noise)| tile - noise.limit().max(EVERYWHERE * everywhere);
        let score = tiles.iter().zip(&self.noise).map(beyond).fold(0.0, f32::max);
        let jump = lit.iter().zip(&self.cells).map(|(lit, cell)| (lit - cell).abs()).sum::<f32>();
        let is_light =
            jump >= LIGHT_JUMP * self.cells.len() as f32 || everywhere >= self.everywhere + LIGHT_DIFFERENCE;
        Difference { score, is_light, lit, tiles, everywhere }
    }

    /// Evens out what sun, clouds and exposure do to all cells: a straight line through the middle changes of the
    /// darker and of the brighter half.
    fn in_the_light_of(&self, grid: &Grid) -> Vec<f32> {
        let middle = median(&mut self.cells.clone());
        let half = |is_in: &dyn Fn(f32) -> bool| {
            let (mut levels, mut changes): (Vec<f32>, Vec<f32>) = (self.cells.iter().zip(&grid.cells))
                .filter(|(cell, _)| is_in(**cell))
                .map(|(cell, now)| (*cell, now - cell))
                .unzip();
            (median(&mut levels), median(&mut changes))
        };
        let (dark, dark_change) = half(&|cell| cell <= middle);
        let (bright, bright_change) = half(&|cell| cell > middle);
        // Two levels that are all but one give no line.
        let slope = match bright - dark >= 8.0 {
            true => ((bright_change - dark_change) / (bright - dark)).clamp(-0.5, 1.0),
            false => 0.0,
        };
        self.cells.iter().map(|cell| cell + dark_change + slope * (cell - dark)).collect()
    }

    /// Follows the camera: the light at once, what stays soon, everything else slowly.
    pub(crate) fn follow(&mut self, grid: &Grid, difference: &Difference) {
        let step = |off: f32, most: f32| (off * FOLLOW).clamp(-most, most);
        for (index, (&now, &lit)) in grid.cells.iter().zip(&difference.lit).enumerate() {
            let is_still = (now - self.before[index]).abs() <= STILL;
            self.still[index] = if is_still { self.still[index].saturating_add(1) } else { 0 };
            let off = now - lit;
            let settles = self.still[index] >= SETTLED;
            self.cells[index] = lit + if settles { off / 2.0 } else { step(off, CELL_STEP) };
            self.before[index] = now;
        }
        for (noise, tile) in self.noise.iter_mut().zip(&difference.tiles) {
            let off = tile - noise.mean;
            noise.mean += step(off, NOISE_STEP);
            noise.deviation += step(off.abs() - noise.deviation, NOISE_STEP / 2.0);
        }
        self.everywhere += step(difference.everywhere - self.everywhere, NOISE_STEP);
    }

    /// Begins anew in another light, with the noise that is known.
    pub(crate) fn begin_anew(&mut self, grid: &Grid) {
        self.cells.clone_from(&grid.cells);
        self.before.clone_from(&grid.cells);
        self.still.fill(0);
    }

    /// Takes the difference of the whole picture for the usual: it was no single change.
    pub(crate) fn accept(&mut self, difference: &Difference) {
        self.everywhere = difference.everywhere;
    }
}

impl Noise {
    fn limit(&self) -> f32 {
        (self.mean + DEVIATIONS * self.deviation).min(MOST_NOISE)
    }
}

/// The place of a tile, in cells.
#[derive(Clone, Copy, Debug)]
struct Tile {
    corner: [usize; 2],
    size: [usize; 2],
}

impl Tile {
    fn mean(self, cells: &[f32], width: usize) -> f32 {
        let row = |row: usize| &cells[(self.corner[1] + row) * width + self.corner[0]..][..self.size[0]];
        let sum: f32 = (0..self.size[1]).flat_map(row).sum();
        sum / (self.size[0] * self.size[1]) as f32
    }
}

/// Lists the tiles of a grid; of one that is smaller than a tile, itself.
fn tiles(size: [usize; 2]) -> impl Iterator<Item = Tile> {
    let tile = size.map(|cells| cells.min(TILE));
    let corners = move |axis: usize| {
        let last = size[axis] - tile[axis];
        (0..last.div_ceil(STRIDE) + usize::from(tile[axis] > 0)).map(move |step| (step * STRIDE).min(last))
    };
    corners(1).flat_map(move |y| corners(0).map(move |x| Tile { corner: [x, y], size: tile }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [20, 13];

    /// A slope of grey with a patch of something else.
    fn grid(patch: f32, light: impl Fn(f32) -> f32) -> Grid {
        let cell = |index: usize| {
            let (x, y) = (index % SIZE[0], index / SIZE[0]);
            let is_patch = (6..9).contains(&x) && (5..9).contains(&y);
            light(40.0 + 6.0 * x as f32) + if is_patch { patch } else { 0.0 }
        };
        Grid { size: SIZE, cells: (0..SIZE[0] * SIZE[1]).map(cell).collect() }
    }

    fn as_it_is(level: f32) -> f32 {
        level
    }

    #[test]
    fn tiles_cover_every_cell() {
        for size in [SIZE, [4, 4], [5, 9], [1, 1], [3, 200], [160, 90]] {
            let mut covered = vec![0; size[0] * size[1]];
            for Tile { corner, size: tile } in tiles(size) {
                for y in corner[1]..corner[1] + tile[1] {
                    (corner[0]..corner[0] + tile[0]).for_each(|x| covered[y * size[0] + x] += 1);
                }
            }
            assert!(covered.iter().all(|&times| times > 0), "{size:?}");
        }
        assert_eq!(tiles([156, 0]).count(), 0);
    }

    #[test]
    fn a_patch_scores_by_its_contrast_and_the_light_does_not() {
        let background = Background::of(&grid(0.0, as_it_is));
        let score = |patch, light: fn(f32) -> f32| background.compare(&grid(patch, light)).score;
        assert_eq!(score(0.0, as_it_is), 0.0);
        assert!(score(20.0, as_it_is) > 8.0);
        assert!(score(0.0, |level| 0.8 * level + 5.0) < 1.0, "an exposure of 20 % less");
        assert!(score(20.0, |level| 0.8 * level + 5.0) > 8.0);
    }

    #[test]
    fn a_jump_of_the_whole_picture_is_light() {
        let background = Background::of(&grid(0.0, as_it_is));
        let is_light = |light: fn(f32) -> f32| background.compare(&grid(0.0, light)).is_light;
        assert!(is_light(|level| level + 30.0));
        assert!(is_light(|level| 100.0 + 70.0 * (level * 0.1).sin()));
        assert!(!is_light(|level| level + 3.0) && !is_light(as_it_is));
        assert!(!background.compare(&grid(90.0, as_it_is)).is_light);
    }

    #[test]
    fn the_median_of_a_segment_has_nobody_in_it_who_passes() {
        let grids: Vec<_> =
            (0..11).map(|index| grid(if index % 3 == 0 { 60.0 } else { 0.0 }, as_it_is)).collect();
        let background = Background::learn(&grids).unwrap();
        assert_eq!(background.compare(&grid(0.0, as_it_is)).score, 0.0);
        assert!(background.compare(&grid(60.0, as_it_is)).score > 20.0);
        assert!(Background::learn(&[]).is_none());
    }

    #[test]
    fn what_flickers_all_the_time_is_noise_up_to_a_bound() {
        let waving = |index: usize, contrast: f32| contrast * [0.0, 0.7, 1.0, 0.4][index % 4];
        let learnt = |contrast: f32| {
            let grids: Vec<_> = (0..11).map(|index| grid(waving(index, contrast), as_it_is)).collect();
            Background::learn(&grids).unwrap().compare(&grid(contrast, as_it_is)).score
        };
        assert!(learnt(16.0) < 2.0, "{}", learnt(16.0));
        assert!(learnt(100.0) > 4.0, "{}", learnt(100.0));
    }

    #[test]
    fn what_stays_becomes_background_and_who_passes_leaves_no_trace() {
        let mut background = Background::of(&grid(0.0, as_it_is));
        let mut score = |patch: f32| {
            let grid = grid(patch, as_it_is);
            let difference = background.compare(&grid);
            background.follow(&grid, &difference);
            difference.score
        };
        for patch in [50.0, 70.0, 40.0] {
            assert!(score(patch) > 10.0);
        }
        assert!(score(0.0) < 1.0);
        let seen = (0..20).filter(|_| score(50.0) > 4.0).count();
        assert!((8..15).contains(&seen), "a car that stops is seen {seen} times");
    }

    #[test]
    #[ignore = "measures time"]
    fn a_frame_is_judged_within_milliseconds() {
        for [width, height] in [[1920, 1080], [2560, 2560], [3840, 2160]] {
            let picture = crate::view::scene::picture(width, height);
            let mut background = Background::of(&Grid::of(&picture));
            let mut judge = || {
                let begun = std::time::Instant::now();
                let grid = Grid::of(&picture);
                let difference = background.compare(&grid);
                background.follow(&grid, &difference);
                begun.elapsed()
            };
            let best = (0..20).map(|_| judge()).min().unwrap_or_default();
            println!("{width} × {height}: {:.2} ms", best.as_secs_f64() * 1e3);
            assert!(best.as_millis() < 20);
        }
    }
}
