//! Whether two sample entries say the same of how samples are decoded.

use crate::mp4::{box_at, children};

/// What comes before the boxes in an entry: of pictures, and of sound.
const VIDEO_FIELDS: usize = 78;
const SOUND_FIELDS: usize = 28;

/// Compares entries but for what they say of the bit rate, which programs reckon anew for each file.
pub(super) fn are_equal((one, other): (&[u8], &[u8]), is_video: bool) -> bool {
    one == other || told(one, is_video).is_some_and(|told_of| Some(told_of) == told(other, is_video))
}

fn told(entry: &[u8], is_video: bool) -> Option<Vec<u8>> {
    let header = box_at(entry)?.header_length as usize;
    let fields = header + if is_video { VIDEO_FIELDS } else { SOUND_FIELDS };
    // the name of the entry and its fields, not its length
    let mut told = entry.get(4..fields)?.to_vec();
    for (kind, content) in children(&entry[fields..]) {
        match &kind {
            b"btrt" => {}
            b"esds" => told.extend(without_rates(content)),
            _ => told.extend(kind.iter().chain(content)),
        }
    }
    Some(told)
}

/// Blanks buffer size and rates of an elementary stream's description (ISO 14496-1, 7.2.6.6).
fn without_rates(esds: &[u8]) -> Vec<u8> {
    const DECODER_CONFIG: u8 = 4;
    let mut told = esds.to_vec();
    // the tag comes within the first bytes: after version, the outer tag, its length, id and flags
    let tag = told.iter().take(20).skip(8).position(|byte| *byte == DECODER_CONFIG).map(|at| at + 8);
    if let Some(tag) = tag {
        let length = told[tag + 1..].iter().take(4).take_while(|byte| **byte & 0x80 != 0).count() + 1;
        // type and stream come first, then three bytes and twice four
        let rates = tag + 1 + length + 2;
        told.iter_mut().skip(rates).take(11).for_each(|byte| *byte = 0);
    }
    told
}
