//! The model: the shipped one or the operator's own, its layout, the size of its input, and the id that results carry.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::hex;
use config::{Detect, DetectModel, Layout};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cells::cells;
use super::labels::labels_of;
use super::layout::Expected;
use super::network::{Network, engine_name};
use super::onnx::{Side, input_sides};
use super::{DetectError, nanodet, runtime, shipped};

/// Of a model that leaves it open and settings that do.
const USUAL_PX: u16 = 640;

/// The largest detectors have a third of that; what is larger was named by mistake.
const MOST_BYTES: u64 = 1 << 30;

/// A model that is known to run.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) id: String,
    pub(crate) layout: Layout,
    pub(crate) input_px: u16,
    pub(crate) labels: Arc<[String]>,
    /// Name of the output that has the boxes.
    pub(crate) output: String,
    /// That output has so many numbers for each cell.
    pub(crate) numbers_per_cell: usize,
    /// Absent: the shipped one's.
    own: Option<Own>,
    /// The library that runs it; absent: OpenCV.
    onnxruntime: Option<PathBuf>,
}

#[derive(Clone, Debug)]
struct Own {
    /// Kept, so that all that is found is found by the file whose hash stands in the profile.
    file: Arc<[u8]>,
    sha256: String,
}

/// What results depend on besides the id.
#[derive(Debug, Serialize)]
pub(crate) struct OwnInputs<'a> {
    sha256: &'a str,
    layout: &'static str,
    labels: &'a [String],
}

impl Model {
    /// Makes the model ready that the settings name. The operator's own is run once, on nothing, to find out what it
    /// gives.
    pub fn open(detect: &Detect) -> Result<Self, DetectError> {
        if let Some(library) = &detect.model.onnxruntime {
            runtime::load(library)?;
        }
        match &detect.model.file {
            None => Ok(Self::shipped(&detect.model)),
            Some(path) => Self::own(path, &detect.model),
        }
    }

    fn shipped(settings: &DetectModel) -> Self {
        let input_px = settings.input_px.unwrap_or(shipped::INPUT_PX);
        Self {
            id: format!("{}-{input_px}@{}", shipped::NAME, &shipped::SHA256[..8]),
            layout: Layout::NanoDet,
            input_px,
            labels: config::COCO_LABELS.map(str::to_owned).into(),
            output: "output".to_owned(),
            numbers_per_cell: config::COCO_LABELS.len() + nanodet::COLUMNS[1],
            own: None,
            onnxruntime: settings.onnxruntime.clone(),
        }
    }

    fn own(path: &Path, settings: &DetectModel) -> Result<Self, DetectError> {
        let labels = labels_of(&settings.labels)?;
        let file = read(path).map_err(|source| DetectError::Read { path: path.to_owned(), source })?;
        let input_px = input_px(path, &file, settings.input_px)?;
        let library = settings.onnxruntime.as_deref();
        let mut network = Network::new(&file, library)
            .map_err(|source| DetectError::Load { path: path.to_owned(), source })?;
        let outputs = network.outputs(input_px).map_err(|source| DetectError::Run {
            path: path.to_owned(),
            input_px,
            source,
        })?;
        let shapes: Vec<_> = outputs.iter().map(|output| output.shape.clone()).collect();
        let cells = cells(input_px.into()).len();
        let expected = Expected { layout: settings.layout, input_px, cells, labels: labels.len() };
        let (found, layout) = expected.find(&shapes)?;
        let sha256 = hex(&Sha256::digest(&file));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            id: format!("{name}-{input_px}@{}", &sha256[..8]),
            layout,
            input_px,
            labels: labels.into(),
            output: outputs[found].name.clone(),
            numbers_per_cell: shapes[found].iter().product::<usize>() / cells,
            own: Some(Own { file: file.into(), sha256 }),
            onnxruntime: settings.onnxruntime.clone(),
        })
    }

    /// Names the model in every result: its name, its input size, and the start of its file's SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says how it is used.
    pub fn describe(&self) -> String {
        let Self { id, layout, input_px, labels, .. } = self;
        let engine = engine_name(self.onnxruntime.as_deref());
        format!(
            "{id}: layout `{}`, input {input_px} × {input_px}, {} labels, by {engine} on one thread",
            layout.as_str(),
            labels.len()
        )
    }

    /// Returns what the id of a model of one's own does not tell.
    pub(crate) fn own_inputs(&self) -> Option<OwnInputs<'_>> {
        let Own { sha256, .. } = self.own.as_ref()?;
        Some(OwnInputs { sha256, layout: self.layout.as_str(), labels: &self.labels })
    }

    /// Loads a network of one's own, which holds the tensors of one picture.
    pub(crate) fn network(&self) -> Result<Network, DetectError> {
        let library = self.onnxruntime.as_deref();
        let network = match &self.own {
            Some(own) => Network::new(&own.file, library)?,
            None => Network::new(&shipped::unpack()?, library)?,
        };
        Ok(network)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Asked first: a FIFO would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = Vec::new();
    fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut file)?;
    if file.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it is larger than a gigabyte"));
    }
    Ok(file)
}

/// Returns the side of the input: as the model says, else as set.
fn input_px(path: &Path, file: &[u8], set: Option<u16>) -> Result<u16, DetectError> {
    let no_square =
        |[height, width]: [u64; 2]| DetectError::NoSquare { path: path.to_owned(), width, height };
    match input_sides(file).ok_or_else(|| DetectError::NoModel { path: path.to_owned() })? {
        [Side::Fixed(height), Side::Fixed(width)] if height != width => Err(no_square([height, width])),
        [Side::Fixed(takes), _] | [_, Side::Fixed(takes)] => match (set, u16::try_from(takes)) {
            (Some(input_px), _) if u64::from(input_px) != takes => {
                Err(DetectError::OtherSize { input_px, takes })
            }
            (_, Ok(px @ 32..=config::MOST_INPUT_PX)) if px % 32 == 0 => Ok(px),
            _ => Err(DetectError::TakesNone { takes }),
        },
        [Side::Open, Side::Open] => Ok(set.unwrap_or(USUAL_PX)),
    }
}
