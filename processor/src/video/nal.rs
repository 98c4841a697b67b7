//! Splits a packet into NAL units, length-prefixed (MP4, MKV) or after start codes (TS, AVI).

/// Says how the NAL units of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    LengthPrefix { bytes: usize },
    StartCodes,
}

impl Framing {
    /// Finds out from the codec's extradata: `avcC` and `hvcC` boxes mean length prefixes.
    pub(super) fn from_extradata(extradata: &[u8], length_byte: usize) -> Self {
        // The test FFmpeg's own decoders make: some old `hvcC` boxes have version 0.
        let is_box = extradata.len() > 6 && (extradata[0] != 0 || extradata[1] != 0 || extradata[2] > 1);
        match extradata.get(length_byte) {
            Some(byte) if is_box => Self::LengthPrefix { bytes: usize::from(byte & 3) + 1 },
            _ => Self::StartCodes,
        }
    }
}

/// Walks the NAL units of one packet; a unit that runs over the end is cut there.
pub(super) struct Units<'a> {
    rest: &'a [u8],
    framing: Framing,
}

pub(super) fn units(packet: &[u8], framing: Framing) -> Units<'_> {
    let rest = match framing {
        Framing::LengthPrefix { .. } => packet,
        Framing::StartCodes => after_start_code(packet).unwrap_or_default(),
    };
    Units { rest, framing }
}

impl<'a> Iterator for Units<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (unit, rest) = match self.framing {
            Framing::LengthPrefix { bytes } => split_by_length(self.rest, bytes)?,
            Framing::StartCodes => split_at_start_code(self.rest)?,
        };
        self.rest = rest;
        Some(unit)
    }
}

fn split_by_length(packet: &[u8], bytes: usize) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = packet.split_at_checked(bytes)?;
    let length = prefix.iter().fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
    Some(rest.split_at(length.min(rest.len())))
}

fn split_at_start_code(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if rest.is_empty() {
        return None;
    }
    match find_start_code(rest) {
        Some(at) => Some((&rest[..at], &rest[at + 3..])),
        None => Some((rest, &[])),
    }
}

fn after_start_code(packet: &[u8]) -> Option<&[u8]> {
    find_start_code(packet).map(|at| &packet[at + 3..])
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at + 2 < bytes.len() {
        match bytes[at..at + 3] {
            [0, 0, 1] => return Some(at),
            // No start code can begin before a byte above 1.
            [_, _, last] if last > 1 => at += 3,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(packet: &[u8], framing: Framing) -> Vec<&[u8]> {
        units(packet, framing).collect()
    }

    #[test]
    fn splits_length_prefixed_units() {
        let framing = Framing::LengthPrefix { bytes: 2 };
        assert_eq!(split(&[0, 2, 7, 8, 0, 1, 9], framing), [&[7, 8][..], &[9]]);
        assert_eq!(split(&[0, 9, 7, 8], framing), [&[7, 8][..]], "a unit cut short keeps what is there");
        assert_eq!(split(&[0], framing), [&[0_u8; 0][..]; 0]);
    }

    #[test]
    fn splits_units_after_start_codes_of_three_and_four_bytes() {
        let packet = [0, 0, 0, 1, 9, 9, 0, 0, 1, 5, 0, 0, 0, 1, 6];
        assert_eq!(split(&packet, Framing::StartCodes), [&[9, 9][..], &[5, 0], &[6]]);
        assert!(split(&[4, 4, 4], Framing::StartCodes).is_empty());
    }

    #[test]
    fn tells_configuration_boxes_from_start_codes() {
        let avcc = [1, 100, 0, 40, 0xff, 0xe1, 0, 4];
        assert_eq!(Framing::from_extradata(&avcc, 4), Framing::LengthPrefix { bytes: 4 });
        let annex_b = [0, 0, 0, 1, 0x67, 100, 0, 40];
        assert_eq!(Framing::from_extradata(&annex_b, 4), Framing::StartCodes);
        assert_eq!(Framing::from_extradata(&[], 4), Framing::StartCodes);
    }
}
