//! What fuzzing does to packets: any bytes as a stream's extradata and its packets.

use super::coded::{Reader, Role};

/// Splits the bytes into codec, extradata and packets of up to 255 bytes, and reads them.
pub(crate) fn packets(bytes: &[u8]) {
    let Some((codec, rest)) = bytes.split_first() else { return };
    let codec = ["h264", "hevc", "mjpeg", "opaque"][usize::from(codec % 4)];
    let mut pieces = Pieces(rest);
    let mut reader = Reader::new(codec, pieces.next().unwrap_or_default());
    for packet in pieces {
        if let Ok(coded) = reader.read(packet) {
            assert!(coded.temporal_id < 7, "H.265 has seven layers");
            assert!(!packet.is_empty() || coded.role == Role::Empty);
        }
    }
}

/// Each with its length in the byte before it; the last may be cut off.
struct Pieces<'a>(&'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        let (piece, rest) = rest.split_at(usize::from(length).min(rest.len()));
        self.0 = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_corpus_is_read_without_panic() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/packets");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(!files.is_empty(), "nothing is kept in {folder}");
        for file in files {
            packets(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }
}
