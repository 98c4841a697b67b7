//! Detection: which things a view shows and where, by the model that ships with the program.
//!
//! A picture becomes the network's input, the network runs on OpenCV, its output becomes objects.

mod detector;
mod error;
mod input;
mod labels;
mod model;
mod output;

#[cfg(test)]
mod through_the_lens;

pub use detector::{Detector, Object};
pub use error::DetectError;
pub use model::MODEL_ID;
