//! The model: NanoDet-g, carried inside the program so that detection needs no download.

use std::io::Read;

use lzma_rust2::XzReader;

use super::DetectError;

/// Names the detector in every result: the model, its input size, and the start of its file's SHA-256.
pub const MODEL_ID: &str = "nanodet-g-416@4edc9b61";

/// The network's input is a square of so many pixels.
pub(crate) const SIDE: usize = 416;

/// Packed, as the weights are half-precision numbers stored in full: half of the file is zeros.
const PACKED: &[u8] = include_bytes!("../../../models/nanodet-g-416.onnx.xz");
const UNPACKED_BYTES: usize = 15_155_114;

/// Unpacks the ONNX file.
pub(crate) fn unpack() -> Result<Vec<u8>, DetectError> {
    let mut model = Vec::with_capacity(UNPACKED_BYTES);
    XzReader::new(PACKED, false).read_to_end(&mut model).map_err(DetectError::Unpack)?;
    Ok(model)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_model_is_the_one_its_name_says() {
        let model = unpack().unwrap();
        assert_eq!(model.len(), UNPACKED_BYTES);
        let digest = catalog::hex(&Sha256::digest(&model));
        assert_eq!(digest, "4edc9b61bf01e4291d614a46261d69c35e6714b3d72a2d70f828649cd635ea6e");
        assert_eq!(MODEL_ID.split_once('@').unwrap().1, &digest[..8]);
    }
}
