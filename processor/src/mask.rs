//! Privacy masks: what nobody may see is taken out of a decoded picture before anything else is done with it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use config::{Fill, Mask, Polygon};
use serde::Serialize;

use crate::Picture;

/// Blocks across what is blurred, and down it. A face or a number plate is smaller than a block, or is drawn so
/// closely that it fills eight by eight of them, in which it cannot be known again.
const BLOCKS: usize = 8;

/// The masks of one camera. Meant to be shared by all who work on that camera.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    masks: Vec<Mask>,
    /// For the size of picture met last.
    drawn: Mutex<Option<Arc<Drawn>>>,
}

/// The masks, drawn onto pictures of one size.
#[derive(Debug)]
struct Drawn {
    size: [usize; 2],
    shapes: Vec<Shape>,
}

#[derive(Debug)]
struct Shape {
    fill: Fill,
    luma: Vec<Span>,
    chroma: Vec<Span>,
}

/// Pixels side by side in one row of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    row: usize,
    columns: Range<usize>,
}

/// The parts of the settings that decide what is hidden, in a fixed order.
#[derive(Serialize)]
struct Description<'a> {
    fill: &'static str,
    polygon: &'a Polygon,
}

impl Masks {
    pub(crate) fn new(masks: &[Mask]) -> Self {
        Self { masks: masks.to_vec(), drawn: Mutex::default() }
    }

    /// Describes what is hidden as JSON that stays the same, byte by byte, for the same settings; `None` where
    /// nothing is. It goes into the key of a paid answer and into the profile.
    pub(crate) fn description(&self) -> Option<String> {
        let describe = |mask: &Mask| -> String {
            let description = Description { fill: mask.fill.as_str(), polygon: &mask.polygon };
            serde_json::to_string(&description).expect("a struct of numbers and names is always valid JSON")
        };
        let described: Vec<_> = self.masks.iter().map(describe).collect();
        (!described.is_empty()).then(|| format!("[{}]", described.join(",")))
    }

    /// Hides what nobody may see. The picture is upright, as it is displayed.
    pub(crate) fn apply(&self, picture: &mut Picture) {
        if self.masks.is_empty() {
            return;
        }
        for shape in &self.drawn([picture.width, picture.height]).shapes {
            shape.fill(picture);
        }
    }

    fn drawn(&self, size: [usize; 2]) -> Arc<Drawn> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        match &*drawn {
            Some(known) if known.size == size => Arc::clone(known),
            _ => {
                let shapes = self.masks.iter().map(|mask| Shape::draw(mask, size)).collect();
                Arc::clone(drawn.insert(Arc::new(Drawn { size, shapes })))
            }
        }
    }
}

impl Shape {
    fn draw(mask: &Mask, size: [usize; 2]) -> Self {
        let luma: Vec<Span> =
            (0..size[1]).filter_map(|row| touched(&mask.polygon, row, size)).flatten().collect();
        // A colour that is shared by a hidden pixel is hidden.
        let halved = |span: &Span| Span {
            row: span.row / 2,
            columns: span.columns.start / 2..span.columns.end.div_ceil(2),
        };
        let chroma = luma.iter().map(halved).collect();
        Self { fill: mask.fill, luma, chroma }
    }

    fn fill(&self, picture: &mut Picture) {
        let (width, chroma_width) = (picture.width, picture.chroma_width());
        let planes = [
            (&mut picture.y, width, &self.luma, 0),
            (&mut picture.u, chroma_width, &self.chroma, 128),
            (&mut picture.v, chroma_width, &self.chroma, 128),
        ];
        for (plane, width, spans, black) in planes {
            match self.fill {
                Fill::Black => {
                    spans.iter().for_each(|span| plane[span.within(width)].fill(black));
                }
                Fill::Blur => blur(plane, width, spans),
            }
        }
    }
}

impl Span {
    fn within(&self, width: usize) -> Range<usize> {
        self.row * width + self.columns.start..self.row * width + self.columns.end
    }
}

/// Finds the pixels of a row that the polygon touches; `None` where there are none.
fn touched(polygon: &Polygon, row: usize, [width, height]: [usize; 2]) -> Option<Vec<Span>> {
    let (top, bottom) = (row as f64, row as f64 + 1.0);
    let corners: Vec<[f64; 2]> = polygon.iter().map(|[x, y]| [x * width as f64, y * height as f64]).collect();
    let edges = || corners.iter().copied().zip(corners.iter().copied().cycle().skip(1));
    // Edges cover every pixel that they pass through, inner pixels are between two edges.
    let mut stretches: Vec<[f64; 2]> = edges().filter_map(|(a, b)| passed(a, b, [top, bottom])).collect();
    let mut crossings: Vec<f64> = edges().filter_map(|(a, b)| crossing(a, b, top + 0.5)).collect();
    crossings.sort_by(f64::total_cmp);
    stretches.extend(crossings.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
    let span = |[from, to]: [f64; 2]| {
        let columns = from.floor().max(0.0) as usize..(to.floor() as usize + 1).min(width);
        Span { row, columns }
    };
    let spans: Vec<Span> = stretches.into_iter().map(span).filter(|span| !span.columns.is_empty()).collect();
    (!spans.is_empty()).then(|| joined(spans))
}

/// Returns from where to where an edge passes through a row.
fn passed(from: [f64; 2], to: [f64; 2], [top, bottom]: [f64; 2]) -> Option<[f64; 2]> {
    let (upper, lower) = if from[1] <= to[1] { (from, to) } else { (to, from) };
    if lower[1] < top || upper[1] >= bottom {
        return None;
    }
    let rise = lower[1] - upper[1];
    let at = |y: f64| match rise > 0.0 {
        true => upper[0] + (lower[0] - upper[0]) * ((y.clamp(upper[1], lower[1]) - upper[1]) / rise),
        false => upper[0],
    };
    let [one, other] = if rise > 0.0 { [at(top), at(bottom)] } else { [upper[0], lower[0]] };
    Some([one.min(other), one.max(other)])
}

fn crossing(from: [f64; 2], to: [f64; 2], y: f64) -> Option<f64> {
    let crosses = (from[1] <= y) != (to[1] <= y);
    crosses.then(|| from[0] + (to[0] - from[0]) * (y - from[1]) / (to[1] - from[1]))
}

/// Joins spans of one row that overlap or touch.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.columns.start);
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut().filter(|last| span.columns.start <= last.columns.end) {
            Some(last) => last.columns.end = last.columns.end.max(span.columns.end),
            None => joined.push(span),
        }
    }
    joined
}

/// Leaves large blocks of the mean of what is hidden in them; nothing from outside bleeds in or out.
fn blur(plane: &mut [u8], width: usize, spans: &[Span]) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let left = spans.iter().map(|span| span.columns.start).min().unwrap_or(0);
    let right = spans.iter().map(|span| span.columns.end).max().unwrap_or(0);
    let side = [right - left, last.row + 1 - first.row].map(|length| length.div_ceil(BLOCKS).max(1));
    let block = |row: usize, column: usize| (row - first.row) / side[1] * BLOCKS + (column - left) / side[0];
    let mut sums = [(0_u64, 0_u64); BLOCKS * BLOCKS];
    let pixels = || spans.iter().flat_map(|span| span.columns.clone().map(|column| (span.row, column)));
    for (row, column) in pixels() {
        let (sum, count) = &mut sums[block(row, column)];
        *sum += u64::from(plane[row * width + column]);
        *count += 1;
    }
    for (row, column) in pixels() {
        let (sum, count) = sums[block(row, column)];
        plane[row * width + column] = (sum / count.max(1)) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(width: usize, height: usize) -> Picture {
        let mut picture = Picture::filled(width, height, [0, 0, 0]);
        let planes = [&mut picture.y, &mut picture.u, &mut picture.v];
        for (index, byte) in planes.into_iter().flatten().enumerate() {
            *byte = (index * 7919 % 251) as u8;
        }
        picture
    }

    fn masks(fill: Fill, polygon: &[[f64; 2]]) -> Masks {
        Masks::new(&[Mask { polygon: polygon.to_vec(), fill }])
    }

    #[test]
    fn black_covers_the_polygon_and_nothing_else() {
        let before = noise(40, 20);
        let mut after = before.clone();
        masks(Fill::Black, &[[0.25, 0.5], [0.55, 0.5], [0.55, 0.85], [0.25, 0.85]]).apply(&mut after);
        for (index, (before, after)) in before.y.iter().zip(&after.y).enumerate() {
            // The right and lower edges lie on a pixel's first line, and so touch it.
            let is_inside = (10..=22).contains(&(index % 40)) && (10..=17).contains(&(index / 40));
            assert_eq!(*after, if is_inside { 0 } else { *before }, "{index}");
        }
        let hidden = |index: usize| (5..=11).contains(&(index % 20)) && (5..=8).contains(&(index / 20));
        for (index, (before, after)) in before.u.iter().zip(&after.u).enumerate() {
            assert_eq!(*after, if hidden(index) { 128 } else { *before }, "{index}");
        }
    }

    #[test]
    fn what_is_blurred_has_at_most_64_colours_and_its_mean() {
        let before = noise(400, 300);
        let mut after = before.clone();
        masks(Fill::Blur, &[[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]).apply(&mut after);
        let inside =
            |index: &usize| (40..=360).contains(&(index % 400)) && (30..=270).contains(&(index / 400));
        let mean = |picture: &Picture| {
            let pixels: Vec<_> = (0..picture.y.len()).filter(inside).map(|index| picture.y[index]).collect();
            pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / pixels.len() as f64
        };
        let left: std::collections::HashSet<u8> =
            (0..after.y.len()).filter(inside).map(|index| after.y[index]).collect();
        assert!(left.len() <= BLOCKS * BLOCKS, "{} grey levels are left", left.len());
        assert!((mean(&before) - mean(&after)).abs() < 1.0);
        let outside = |index: &usize| !inside(index);
        assert!((0..after.y.len()).filter(outside).all(|index| before.y[index] == after.y[index]));
    }

    #[test]
    fn without_masks_nothing_is_changed_or_described() {
        let mut picture = noise(8, 8);
        Masks::new(&[]).apply(&mut picture);
        assert_eq!((picture, Masks::new(&[]).description()), (noise(8, 8), None));
    }

    #[test]
    fn a_description_is_stable_text() {
        let masks = masks(Fill::Blur, &[[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]);
        // These bytes are hashed into stored keys: a change here asks for paid answers again.
        let expected = r#"[{"fill":"blur","polygon":[[0.0,0.0],[1.0,0.0],[0.5,1.0]]}]"#;
        assert_eq!(masks.description().as_deref(), Some(expected));
    }

    #[test]
    fn a_picture_of_another_size_is_covered_as_well() {
        let masks = masks(Fill::Black, &[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
        for (width, height) in [(40, 20), (31, 17), (1, 1), (40, 20)] {
            let mut picture = noise(width, height);
            masks.apply(&mut picture);
            assert_eq!(picture, Picture::filled(width, height, [0, 128, 128]));
        }
    }

    proptest! {
        /// Any point of the picture that is inside the polygon is hidden, however thin the polygon is.
        #[test]
        fn every_point_of_a_triangle_is_hidden(
            corners in prop::array::uniform3(prop::array::uniform2(0.0..=1.0_f64)),
            weights in prop::array::uniform3(0.001..1.0_f64),
        ) {
            let mut picture = Picture::filled(53, 37, [200, 10, 20]);
            masks(Fill::Black, &corners).apply(&mut picture);
            let sum: f64 = weights.iter().sum();
            let place = [0, 1].map(|axis| (0..3).map(|at| corners[at][axis] * weights[at] / sum).sum::<f64>());
            let (x, y) = ((place[0] * 53.0) as usize, (place[1] * 37.0) as usize);
            let (x, y) = (x.min(52), y.min(36));
            prop_assert_eq!(picture.y[y * 53 + x], 0);
            prop_assert_eq!(picture.u[y / 2 * 27 + x / 2], 128);
        }
    }
}
