//! The network: a model that runs, on OpenCV or, where the settings name its library, on ONNX Runtime.

use std::path::Path;

use opencv::core::{Mat, Scalar, Vector, set_num_threads};
use opencv::dnn::{self, Net};
use opencv::prelude::*;
use ort::session::Session;
use ort::value::TensorRef;

/// Runs on one thread: segments are worked on side by side, one per core, and threads of its own would only get in
/// the others' way.
#[derive(Debug)]
pub(crate) enum Network {
    OpenCv(Net),
    OnnxRuntime(Session),
}

/// What an engine says when it cannot.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    OpenCv(#[from] opencv::Error),
    #[error(transparent)]
    OnnxRuntime(#[from] ort::Error),
}

/// One of a network's outputs.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// Empty where it has no numbers of 32 bits.
    pub(crate) shape: Vec<usize>,
}

impl Network {
    /// Makes a model's file run, by the library where there is one. See `runtime`.
    pub(crate) fn new(file: &[u8], onnxruntime: Option<&Path>) -> Result<Self, EngineError> {
        if onnxruntime.is_none() {
            // one setting for the whole process
            set_num_threads(1)?;
            return Ok(Self::OpenCv(dnn::read_net_from_onnx_buffer(&Vector::from_slice(file))?));
        }
        let builder = Session::builder()?.with_intra_threads(1).map_err(ort::Error::from)?;
        let mut builder = builder.with_inter_threads(1).map_err(ort::Error::from)?;
        Ok(Self::OnnxRuntime(builder.commit_from_memory(file)?))
    }

    /// Runs it on a square picture and returns the numbers of one output.
    pub(crate) fn run(
        &mut self,
        tensor: &[f32],
        input_px: u16,
        output: &str,
    ) -> Result<Vec<f32>, EngineError> {
        match self {
            Self::OpenCv(net) => {
                set_input(net, tensor, input_px)?;
                Ok(net.forward_single(output)?.data_typed::<f32>()?.to_vec())
            }
            Self::OnnxRuntime(session) => {
                let input = TensorRef::from_array_view((shape(input_px), tensor))?;
                let outputs = session.run(ort::inputs![input])?;
                let found = outputs.get(output).map(|value| value.try_extract_tensor::<f32>());
                Ok(found.transpose()?.map_or_else(Vec::new, |(_, numbers)| numbers.to_vec()))
            }
        }
    }

    /// Runs it on an empty picture and returns what it gives.
    pub(crate) fn outputs(&mut self, input_px: u16) -> Result<Vec<Output>, EngineError> {
        let nothing = vec![0.0; 3 * usize::from(input_px).pow(2)];
        match self {
            Self::OpenCv(net) => {
                set_input(net, &nothing, input_px)?;
                let names = net.get_unconnected_out_layers_names()?;
                let mut given: Vector<Mat> = Vector::new();
                net.forward(&mut given, &names)?;
                let shape = |output: &Mat| lengths(output.mat_size().iter().map(|length| i64::from(*length)));
                Ok(names
                    .iter()
                    .zip(&given)
                    .map(|(name, output)| Output { name, shape: shape(&output) })
                    .collect())
            }
            Self::OnnxRuntime(session) => {
                let input = TensorRef::from_array_view((shape(input_px), nothing.as_slice()))?;
                let outputs = session.run(ort::inputs![input])?;
                let described = outputs.iter().map(|(name, value)| {
                    let tensor = value.try_extract_tensor::<f32>();
                    let shape = tensor.map(|(shape, _)| lengths(shape.iter().copied())).unwrap_or_default();
                    Output { name: name.to_owned(), shape }
                });
                Ok(described.collect())
            }
        }
    }
}

/// Names the engine and its version.
pub(crate) fn engine_name(onnxruntime: Option<&Path>) -> String {
    match onnxruntime {
        Some(library) => {
            let file = library.canonicalize().unwrap_or_else(|_| library.to_owned());
            format!("ONNX Runtime ({})", file.display())
        }
        None => format!("OpenCV {}", opencv::core::get_version_string().unwrap_or_default()),
    }
}

fn shape(input_px: u16) -> [usize; 4] {
    [1, 3, input_px.into(), input_px.into()]
}

fn set_input(net: &mut Net, tensor: &[f32], input_px: u16) -> Result<(), opencv::Error> {
    let side = i32::from(input_px);
    let blob = Mat::new_nd_with_data(&[1, 3, side, side], tensor)?;
    net.set_input(&blob, "", 1.0, Scalar::default())
}

fn lengths(shape: impl Iterator<Item = i64>) -> Vec<usize> {
    shape.map(|length| usize::try_from(length).unwrap_or(0)).collect()
}
