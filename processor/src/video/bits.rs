//! Reads bits and Exp-Golomb numbers from a NAL unit's payload (H.264 §7.2 and §9.1).

/// Walks a payload from which the emulation-prevention bytes were taken out.
pub(super) struct Bits {
    bytes: Vec<u8>,
    position: usize,
}

impl Bits {
    /// Unescapes `payload`: `00 00 03` stands for `00 00`.
    pub(super) fn of_payload(payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len());
        let mut zeros = 0;
        for &byte in payload {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, position: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(u32::from(bit))
    }

    pub(super) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Reads `ue(v)`.
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// Reads `se(v)`.
    pub(super) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exp_golomb_codes() {
        // 1 | 010 | 011 | 00100 | 00101, then padding
        let mut bits = Bits::of_payload(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let numbers: Vec<_> = (0..5).filter_map(|_| bits.unsigned()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn reads_signed_codes_alternating_around_zero() {
        let mut bits = Bits::of_payload(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let numbers: Vec<_> = (0..5).filter_map(|_| bits.signed()).collect();
        assert_eq!(numbers, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn takes_out_emulation_prevention() {
        let mut bits = Bits::of_payload(&[0, 0, 3, 1]);
        assert_eq!(bits.number(24), Some(1));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn refuses_a_code_that_never_ends() {
        assert_eq!(Bits::of_payload(&[0; 16]).unsigned(), None);
        assert_eq!(Bits::of_payload(&[0; 2]).unsigned(), None);
    }
}
