//! The detector: names the things in a picture and says where they are.

use opencv::core::{Mat, Scalar, Vector, set_num_threads};
use opencv::dnn;
use opencv::prelude::*;

use super::DetectError;
use super::input::{NetworkInput, prepare};
use super::labels::{CLASSES, LABELS, wanted_classes};
use super::model::{SIDE, unpack};
use super::output::{Candidate, OUTPUT_NUMBERS, objects};
use crate::Picture;

/// Something seen in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// Of COCO's classes, with underscores: `person`, `traffic_light`.
    pub label: &'static str,
    /// 0 to 1.
    pub score: f32,
    /// Left, top, width and height, as fractions of the picture.
    pub area: [f32; 4],
}

/// Holds one copy of the network, some 60 MB; it looks at one picture at a time, on one thread.
#[derive(Debug)]
pub struct Detector {
    network: dnn::Net,
    wanted: [bool; CLASSES],
    min_score: f32,
}

impl Detector {
    /// Unpacks and loads the shipped model. Fails on a label that the model does not know.
    pub fn new(settings: &config::Detect) -> Result<Self, DetectError> {
        let wanted = wanted_classes(&settings.labels)?;
        // Segments are worked on side by side, one per core; threads of OpenCV's own would only get in each
        // other's way. The setting is one for the whole process.
        set_num_threads(1)?;
        let network = dnn::read_net_from_onnx_buffer(&Vector::from_slice(&unpack()?))?;
        Ok(Self { network, wanted, min_score: settings.min_score })
    }

    /// Finds the things in a picture, likeliest first.
    pub fn detect(&mut self, picture: &Picture) -> Result<Vec<Object>, DetectError> {
        let NetworkInput { tensor, filled } = prepare(picture)?;
        let blob = Mat::new_nd_with_data(&[1, 3, SIDE as i32, SIDE as i32], &tensor)?;
        self.network.set_input(&blob, "input", 1.0, Scalar::default())?;
        let output = self.network.forward_single("output")?;
        let numbers = output.data_typed::<f32>()?;
        if numbers.len() != OUTPUT_NUMBERS {
            return Err(DetectError::OutputShape { found: numbers.len(), expected: OUTPUT_NUMBERS });
        }
        let found = objects(numbers, &self.wanted, self.min_score);
        Ok(found.into_iter().map(|candidate| object(candidate, filled)).collect())
    }
}

/// Turns a box of the network's square into one of the picture; what sticks out of the picture is cut off.
fn object(Candidate { class, score, sides }: Candidate, [width, height]: [usize; 2]) -> Object {
    let fraction = |side: f32, length: usize| (side / length as f32).clamp(0.0, 1.0);
    let (left, right) = (fraction(sides[0], width), fraction(sides[2], width));
    let (top, bottom) = (fraction(sides[1], height), fraction(sides[3], height));
    Object { label: LABELS[class], score, area: [left, top, right - left, bottom - top] }
}
