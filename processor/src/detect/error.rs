//! What can go wrong between a model, a picture and the objects in it.

use std::io;
use std::path::PathBuf;

use config::Layout;

#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error(
        "`{label}` in `detect.labels` or `camera.detect.labels` is nothing the model knows; the nearest it knows is \
         `{nearest}`"
    )]
    UnknownLabel { label: String, nearest: String },
    #[error("the model inside this program cannot be unpacked: install the program again")]
    Unpack(#[source] io::Error),
    #[error("`detect.model`: cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`detect.model_labels_file`: cannot read `{}`", .path.display())]
    ReadLabels { path: PathBuf, source: io::Error },
    #[error("`detect.model_labels_file`: `{}` names no label; write one per line", .path.display())]
    NoLabels { path: PathBuf },
    #[error("`detect.model`: `{}` is no ONNX model that takes one picture", .path.display())]
    NoModel { path: PathBuf },
    #[error("`detect.model`: OpenCV cannot load `{}`; export it with opset 11 to 13 and numbers of 32 bits", .path.display())]
    Load { path: PathBuf, source: opencv::Error },
    #[error(
        "`detect.model`: the network in `{}` cannot be run on {input_px} × {input_px} pixels; set `detect.input_px` to \
         what it takes, or export it for a fixed size", .path.display()
    )]
    Run { path: PathBuf, input_px: u16, source: opencv::Error },
    #[error("`detect.model`: `{}` takes pictures of {width} × {height}; only squares can be given", .path.display())]
    NoSquare { path: PathBuf, width: u64, height: u64 },
    #[error(
        "`detect.input_px`: the model takes {takes} pixels, not {input_px}; set that, or leave the key out"
    )]
    OtherSize { input_px: u16, takes: u64 },
    #[error(
        "`detect.model`: it takes {takes} pixels, which is no multiple of 32, or more than {}",
        config::MOST_INPUT_PX
    )]
    TakesNone { takes: u64 },
    #[error(
        "the model tells {found} labels apart in the layout `{}`, but {expected} are known; name them with \
         `detect.model_labels` or `detect.model_labels_file`", .layout.as_str()
    )]
    LabelCount { layout: Layout, found: usize, expected: usize },
    #[error("`detect.layout`: {outputs}, {instead}")]
    Layout { outputs: String, instead: String },
    #[error("the network cannot be run")]
    Network(#[from] opencv::Error),
    #[error("the network gave {found} numbers where {expected} were expected")]
    OutputShape { found: usize, expected: usize },
}
