//! H.264 packets: slice types, recovery points, and whether there may be fields (H.264 §7.3).

use super::bits::Bits;
use super::coded::{Coded, Role, digest};
use super::doubt::Doubt;
use super::nal::{Framing, units};

const SLICE: u8 = 1;
const PARTITION_A: u8 = 2;
const PARTITION_C: u8 = 4;
const IDR_SLICE: u8 = 5;
const SEI: u8 = 6;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;
/// The header of a slice needs no more than this; the rest is not unescaped.
const SLICE_HEADER_BYTES: usize = 16;

/// Reads the packets of one stream; knows from its parameter sets that there are no fields.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    framing: Framing,
    frames_only: Option<bool>,
}

impl Reader {
    pub(super) fn new(extradata: &[u8]) -> Self {
        let framing = Framing::from_extradata(extradata, 4);
        let sets: Vec<&[u8]> = match framing {
            Framing::StartCodes => units(extradata, framing).collect(),
            // `avcC`: five bytes, the count of SPS, then each with a two-byte length.
            Framing::LengthPrefix { .. } => units(&extradata[6..], Framing::LengthPrefix { bytes: 2 })
                .take(usize::from(extradata[5] & 0x1f))
                .collect(),
        };
        let mut reader = Self { framing, frames_only: None };
        sets.into_iter().for_each(|set| reader.learn(set));
        reader
    }

    fn learn(&mut self, unit: &[u8]) {
        if let Some((header, payload)) = unit.split_first()
            && header & 0x1f == SEQUENCE_PARAMETERS
        {
            let frames_only = frames_only(payload).unwrap_or(false);
            self.frames_only = Some(frames_only && self.frames_only.unwrap_or(true));
        }
    }

    pub(super) fn read(&mut self, packet: &[u8]) -> Result<Coded, Doubt> {
        let mut coded = Coded { role: Role::Empty, temporal_id: 0, parameter_sets: None };
        let mut recovers_at_once = false;
        for unit in units(packet, self.framing) {
            let Some((&header, payload)) = unit.split_first() else { continue };
            match header & 0x1f {
                PARTITION_A..=PARTITION_C => return Err(Doubt::IrregularPacket),
                SLICE | IDR_SLICE => add_slice(&mut coded, header, payload)?,
                SEI => recovers_at_once |= recovery_frames(payload) == Some(0),
                SEQUENCE_PARAMETERS | PICTURE_PARAMETERS => {
                    self.learn(unit);
                    coded.parameter_sets = digest(coded.parameter_sets, unit);
                }
                _ => {}
            }
        }
        if coded.role == Role::Empty {
            return Ok(coded);
        }
        if self.frames_only != Some(true) {
            return Err(Doubt::Interlaced);
        }
        if recovers_at_once && coded.role == Role::Reference && starts_intra(packet, self.framing) {
            coded.role = Role::Entry;
        }
        Ok(coded)
    }
}

/// Takes in one slice; a packet must begin with a picture's first slice and hold no second one.
fn add_slice(coded: &mut Coded, header: u8, payload: &[u8]) -> Result<(), Doubt> {
    let starts_picture = slice_type(payload).map(|(first_macroblock, _)| first_macroblock == 0);
    if starts_picture.is_some_and(|starts| starts != (coded.role == Role::Empty)) {
        return Err(Doubt::IrregularPacket);
    }
    coded.role = match header & 0x1f {
        IDR_SLICE => Role::Entry,
        _ if header >> 5 & 3 == 0 => Role::Disposable,
        _ => Role::Reference,
    };
    Ok(())
}

/// Reads `first_mb_in_slice` and `slice_type`.
fn slice_type(payload: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::of_payload(&payload[..payload.len().min(SLICE_HEADER_BYTES)]);
    Some((bits.unsigned()?, bits.unsigned()?))
}

/// Tells whether each slice is I or SI: a recovery point with P slices is a gradual refresh.
fn starts_intra(packet: &[u8], framing: Framing) -> bool {
    units(packet, framing)
        .filter(|unit| unit.first().is_some_and(|header| header & 0x1f == SLICE))
        .all(|unit| slice_type(&unit[1..]).is_some_and(|(_, kind)| matches!(kind, 2 | 4 | 7 | 9)))
}

/// Finds `recovery_frame_cnt` of a recovery point among the SEI messages.
fn recovery_frames(payload: &[u8]) -> Option<u32> {
    const RECOVERY_POINT: u32 = 6;
    let mut bits = Bits::of_payload(payload);
    loop {
        let kind = sum_of_bytes(&mut bits)?;
        let size = sum_of_bytes(&mut bits)?;
        if kind == RECOVERY_POINT {
            return bits.unsigned();
        }
        for _ in 0..size {
            bits.number(8)?;
        }
    }
}

/// Reads an SEI number: bytes of 255 add up until one below 255 ends it.
fn sum_of_bytes(bits: &mut Bits) -> Option<u32> {
    let mut sum = 0_u32;
    loop {
        let byte = bits.number(8)?;
        sum = sum.checked_add(byte)?;
        if byte < 255 {
            return Some(sum);
        }
    }
}

/// Reads `frame_mbs_only_flag`, which comes late in the sequence parameter set.
fn frames_only(payload: &[u8]) -> Option<bool> {
    let mut bits = Bits::of_payload(payload);
    let profile = bits.number(8)?;
    bits.number(16)?;
    bits.unsigned()?;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 134 | 135 | 138 | 139) {
        skip_high_profile(&mut bits)?;
    }
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => drop(bits.unsigned()?),
        1 => {
            bits.bit()?;
            bits.signed()?;
            bits.signed()?;
            for _ in 0..bits.unsigned()? {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.bit()?;
    bits.unsigned()?;
    bits.unsigned()?;
    Some(bits.bit()? == 1)
}

/// Passes over chroma format, bit depths and scaling lists.
fn skip_high_profile(bits: &mut Bits) -> Option<()> {
    let chroma_format = bits.unsigned()?;
    if chroma_format == 3 {
        bits.bit()?;
    }
    bits.unsigned()?;
    bits.unsigned()?;
    bits.bit()?;
    if bits.bit()? == 0 {
        return Some(());
    }
    for list in 0..if chroma_format == 3 { 12 } else { 8 } {
        if bits.bit()? == 1 {
            skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
        }
    }
    Some(())
}

fn skip_scaling_list(bits: &mut Bits, length: usize) -> Option<()> {
    let mut last = 8_i64;
    for _ in 0..length {
        let next = (last + i64::from(bits.signed()?)).rem_euclid(256);
        if next == 0 {
            break; // the rest repeats the last value and is not coded
        }
        last = next;
    }
    Some(())
}
