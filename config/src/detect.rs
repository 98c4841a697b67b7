//! What is looked for, and by which model.

use std::path::PathBuf;

/// The largest input that can be asked for.
pub const MOST_INPUT_PX: u16 = 2048;

#[derive(Clone, Debug)]
pub struct Detect {
    /// Empty: all labels of the model.
    pub labels: Vec<String>,
    /// 0 to 1; what scores less is not reported.
    pub min_score: f32,
    pub model: DetectModel,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetectModel {
    /// Absent: the one that ships with the program.
    pub file: Option<PathBuf>,
    /// Absent: told by the shapes of its outputs.
    pub layout: Option<Layout>,
    /// Side of the square that it looks at, a multiple of 32; absent: what it takes.
    pub input_px: Option<u16>,
    pub labels: ModelLabels,
}

/// How a model writes boxes into its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    NanoDet,
    Yolox,
    Yolov8,
}

impl Layout {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NanoDet => "nanodet",
            Self::Yolox => "yolox",
            Self::Yolov8 => "yolov8",
        }
    }
}

/// What a model tells apart, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelLabels {
    #[default]
    Coco,
    Named(Vec<String>),
    /// One a line.
    File(PathBuf),
}
