//! The layout: how a model writes boxes into its numbers, told by the shape of its output.

use config::Layout;

use super::candidate::{Asked, Candidate};
use super::cells::Cell;
use super::{DetectError, nanodet, yolov8, yolox};

const LAYOUTS: [Layout; 3] = [Layout::NanoDet, Layout::Yolox, Layout::Yolov8];

/// What the shapes of the outputs are held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// As set; absent: any.
    pub(crate) layout: Option<Layout>,
    pub(crate) input_px: u16,
    pub(crate) cells: usize,
    /// How many things the model is said to tell apart.
    pub(crate) labels: usize,
}

impl Expected {
    /// Returns which output has the boxes, and in which layout.
    pub(crate) fn find(self, shapes: &[Vec<usize>]) -> Result<(usize, Layout), DetectError> {
        let layouts = LAYOUTS.into_iter().filter(|layout| self.layout.is_none_or(|set| set == *layout));
        let readings: Vec<Reading> = layouts
            .flat_map(|layout| {
                let of = move |(output, shape): (usize, &Vec<usize>)| self.read(output, shape, layout);
                shapes.iter().enumerate().flat_map(of).collect::<Vec<_>>()
            })
            .collect();
        if let Some(Reading { output, layout, .. }) =
            readings.iter().find(|found| found.labels == self.labels)
        {
            return Ok((*output, *layout));
        }
        match readings.as_slice() {
            // One layout only would fit, with other labels.
            [Reading { layout, labels, .. }] => {
                Err(DetectError::LabelCount { layout: *layout, found: *labels, expected: self.labels })
            }
            _ => Err(self.refusal(shapes)),
        }
    }

    /// Says which outputs there are, and what they would have to be.
    fn refusal(self, shapes: &[Vec<usize>]) -> DetectError {
        let Self { cells, labels, .. } = self;
        let known = |layout: Layout| match layout {
            Layout::NanoDet => format!("`nanodet` [1, {cells}, {}]", labels + nanodet::COLUMNS[1]),
            Layout::Yolox => format!("`yolox` [1, {cells}, {}]", labels + yolox::COLUMNS),
            Layout::Yolov8 => format!("`yolov8` [1, {}, {cells}]", labels + yolov8::ROWS),
        };
        let shapes: Vec<_> = shapes.iter().map(|shape| format!("{shape:?}")).collect();
        let given = format!("with {labels} labels and {} pixels", self.input_px);
        let instead = match self.layout {
            Some(layout) => format!("but {given} it must be {}", known(layout)),
            None => {
                let [one, two, three] = LAYOUTS.map(known);
                format!("which is no layout that is known; {given} these are {one}, {two} and {three}")
            }
        };
        DetectError::Layout { outputs: format!("the model's outputs are {}", shapes.join(" and ")), instead }
    }

    /// Reads a shape as that of a layout, with as many labels as that takes.
    fn read(self, output: usize, shape: &[usize], layout: Layout) -> Vec<Reading> {
        let (columns, taken): (usize, &[usize]) = match (layout, shape) {
            (Layout::NanoDet, [1, rows, columns]) if *rows == self.cells => (*columns, &nanodet::COLUMNS),
            (Layout::Yolox, [1, rows, columns]) if *rows == self.cells => (*columns, &[yolox::COLUMNS]),
            (Layout::Yolov8, [1, rows, columns]) if *columns == self.cells => (*rows, &[yolov8::ROWS]),
            _ => return Vec::new(),
        };
        let labels = taken.iter().filter_map(|taken| columns.checked_sub(*taken));
        labels.filter(|labels| *labels > 0).map(|labels| Reading { output, layout, labels }).collect()
    }
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    output: usize,
    layout: Layout,
    labels: usize,
}

pub(crate) fn candidates(
    layout: Layout,
    numbers: &[f32],
    cells: &[Cell],
    asked: Asked<'_>,
) -> Vec<Candidate> {
    match layout {
        Layout::NanoDet => nanodet::candidates(numbers, cells, asked),
        Layout::Yolox => yolox::candidates(numbers, cells, asked),
        Layout::Yolov8 => yolov8::candidates(numbers, cells, asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(layout: Option<Layout>, labels: usize, shapes: &[Vec<usize>]) -> Result<(usize, Layout), String> {
        let expected = Expected { layout, input_px: 640, cells: 8400, labels };
        expected.find(shapes).map_err(|error| error.to_string())
    }

    #[test]
    fn shapes_tell_the_layout() {
        let cases = [
            (vec![vec![1, 8400, 124]], (0, Layout::NanoDet)),
            (vec![vec![1, 8400, 112]], (0, Layout::NanoDet)),
            (vec![vec![1, 8400, 85]], (0, Layout::Yolox)),
            (vec![vec![1, 84, 8400]], (0, Layout::Yolov8)),
            // With what such models give besides.
            (vec![vec![1, 32, 160, 160], vec![1, 84, 8400]], (1, Layout::Yolov8)),
            (vec![vec![1, 8400, 4], vec![1, 8400, 85]], (1, Layout::Yolox)),
        ];
        for (shapes, expected) in cases {
            assert_eq!(find(None, 80, &shapes), Ok(expected), "{shapes:?}");
        }
    }

    #[test]
    fn a_layout_that_is_set_is_the_only_one() {
        let shapes = [vec![1, 84, 8400]];
        assert_eq!(find(Some(Layout::Yolov8), 80, &shapes), Ok((0, Layout::Yolov8)));
        let error = find(Some(Layout::NanoDet), 80, &shapes).unwrap_err();
        assert!(error.contains("`detect.layout`") && error.contains("[1, 84, 8400]"), "{error}");
    }

    #[test]
    fn other_labels_are_told_from_another_layout() {
        for (layout, shape) in [(None, [1, 24, 8400]), (Some(Layout::Yolox), [1, 8400, 25])] {
            let error = find(layout, 80, &[shape.to_vec()]).unwrap_err();
            assert!(error.contains("20 labels") && error.contains("`detect.model_labels`"), "{error}");
        }
        for shape in [[1, 25_200, 85], [1, 8400, 130], [2, 84, 8400]] {
            let error = find(None, 80, &[shape.to_vec()]).unwrap_err();
            for word in ["`detect.layout`", "`nanodet`", "`yolox`", "`yolov8`", &format!("{shape:?}")] {
                assert!(error.contains(word), "{error}");
            }
        }
        assert!(find(None, 80, &[]).is_err());
    }
}
