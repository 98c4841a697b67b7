//! The shipped model: NanoDet-g, carried inside the program so that detection needs no download.

use std::io::Read;

use lzma_rust2::XzReader;

use super::DetectError;

/// What the model's id begins with; the size of its input follows.
pub(crate) const NAME: &str = "nanodet-g";

/// Of the file as it ships.
pub(crate) const SHA256: &str = "4edc9b61bf01e4291d614a46261d69c35e6714b3d72a2d70f828649cd635ea6e";

/// The size it was trained for. All its steps work on any multiple of 32.
pub(crate) const INPUT_PX: u16 = 416;

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
    use catalog::hex;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_model_is_the_one_its_hash_says() {
        let model = unpack().unwrap();
        assert_eq!(model.len(), UNPACKED_BYTES);
        assert_eq!(hex(&Sha256::digest(&model)), SHA256);
    }
}
