//! The detector: names the things in a picture and says where they are.

use std::sync::Arc;

use config::Layout;
use opencv::core::{Mat, Scalar, set_num_threads};
use opencv::dnn;
use opencv::prelude::*;

use super::DetectError;
use super::candidate::{Asked, Candidate, each_thing_once};
use super::cells::{Cell, cells};
use super::input::{NetworkInput, prepare};
use super::labels::wanted;
use super::layout::candidates;
use super::model::Model;
use crate::Picture;

/// Something seen in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Of the model's labels, with underscores: `person`, `traffic_light`.
    pub label: String,
    /// 0 to 1.
    pub score: f32,
    /// Left, top, width and height, as fractions of the picture.
    pub area: [f32; 4],
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Empty: all labels of the model.
    pub labels: Vec<String>,
    /// 0 to 1; what scores less is not reported.
    pub min_score: f32,
}

/// Holds one copy of the network, some 60 MB; it looks at one picture at a time, on one thread.
#[derive(Debug)]
pub struct Detector {
    network: dnn::Net,
    layout: Layout,
    input_px: u16,
    /// Name of the output that is read.
    output: String,
    labels: Arc<[String]>,
    cells: Vec<Cell>,
    numbers_per_cell: usize,
    /// By class.
    wanted: Vec<bool>,
    min_score: f32,
}

impl Detector {
    /// Loads the model's network. Fails on a label that the model does not know.
    pub fn new(model: &Model, asked: &Wanted) -> Result<Self, DetectError> {
        let wanted = wanted(&model.labels, &asked.labels)?;
        // Segments are worked on side by side, one per core; threads of OpenCV's own would only get in each
        // other's way. The setting is one for the whole process.
        set_num_threads(1)?;
        Ok(Self {
            network: model.network()?,
            layout: model.layout,
            input_px: model.input_px,
            output: model.output.clone(),
            labels: Arc::clone(&model.labels),
            cells: cells(model.input_px.into()),
            numbers_per_cell: model.numbers_per_cell,
            wanted,
            min_score: asked.min_score,
        })
    }

    /// Finds the things in a picture, likeliest first.
    pub fn detect(&mut self, picture: &Picture) -> Result<Vec<Object>, DetectError> {
        let input = prepare(picture, self.layout, self.input_px.into())?;
        let side = i32::from(self.input_px);
        let blob = Mat::new_nd_with_data(&[1, 3, side, side], &input.tensor)?;
        self.network.set_input(&blob, "", 1.0, Scalar::default())?;
        let output = self.network.forward_single(&self.output)?;
        let numbers = output.data_typed::<f32>()?;
        let expected = self.cells.len() * self.numbers_per_cell;
        if numbers.len() != expected {
            return Err(DetectError::OutputShape { found: numbers.len(), expected });
        }
        let asked = Asked { wanted: &self.wanted, min_score: self.min_score };
        let found = each_thing_once(candidates(self.layout, numbers, &self.cells, asked));
        Ok(found.into_iter().map(|candidate| self.object(&candidate, &input)).collect())
    }

    fn object(&self, Candidate { class, score, sides }: &Candidate, input: &NetworkInput) -> Object {
        let NetworkInput { at, filled, .. } = input;
        // What sticks out of the picture is cut off.
        let fraction =
            |side: usize| ((sides[side] - at[side % 2] as f32) / filled[side % 2] as f32).clamp(0.0, 1.0);
        let [left, top, right, bottom] = [0, 1, 2, 3].map(fraction);
        let area = [left, top, right - left, bottom - top];
        Object { label: self.labels[*class].clone(), score: score.min(1.0), area }
    }
}
