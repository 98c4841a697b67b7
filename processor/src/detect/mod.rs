//! Detection: which things a view shows and where, by the model that ships with the program or one of the operator's.
//!
//! A picture becomes the network's input, the network runs on OpenCV, its output becomes objects.

mod candidate;
mod cells;
mod detector;
mod error;
mod input;
mod labels;
mod layout;
mod model;
mod nanodet;
mod onnx;
mod shipped;
mod yolov8;
mod yolox;

#[cfg(test)]
mod through_the_lens;

pub use detector::{Detector, Object, Wanted};
pub use error::DetectError;
pub use model::Model;
pub(crate) use model::OwnInputs;
