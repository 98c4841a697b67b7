//! The parameter sets in a sample entry of H.264 (`avcC`, ISO 14496-15 5.3.3) or H.265 (`hvcC`, 8.3.3): taken out,
//! put together, and put back.

use super::boxes::BoxWriter;

/// Of a `VisualSampleEntry`, with its box's header.
const FIXED: usize = 86;
/// What `avcC` and `hvcC` begin with, before the first number of sets.
const H264_BEFORE: usize = 5;
const H265_BEFORE: usize = 22;
/// Types of NAL units.
const H264_SPS: u8 = 7;
const H264_PPS: u8 = 8;
const H265_PPS: u8 = 34;
/// Of all picture parameters together. A camera's have some dozen bytes each; a file's head is no place for more.
const KEPT_MAX: usize = 16 << 10;
/// `avcC` cannot count further.
const COUNT_MAX: usize = 255;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    codec: Codec,
    /// Of the sample entry, without its box's header.
    fixed: Vec<u8>,
    before: Vec<u8>,
    arrays: Vec<Array>,
    after: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    H264,
    H265,
}

/// Sets of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Array {
    /// As it is written; with a bit that says whether the stream may hold more of them.
    kind: u8,
    sets: Vec<Vec<u8>>,
}

/// Where a file's parameter sets may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetsIn {
    /// In its head alone (`avc1`, `hvc1`).
    Head,
    /// In the stream too, and then those count (`avc3`, `hev1`).
    Stream,
}

impl ParameterSets {
    /// Reads them; none where a sample entry is of another codec, or not as it should be.
    pub(crate) fn of(sample_entry: &[u8]) -> Option<Self> {
        let codec = match sample_entry.get(4..8)? {
            b"avc1" => Codec::H264,
            b"hvc1" => Codec::H265,
            _ => return None,
        };
        let (fixed, config) = sample_entry.split_at_checked(FIXED)?;
        let length = usize::try_from(super::box_at(config)?.length).ok()?;
        let mut rest = config.get(8..).filter(|_| length == config.len())?;
        let before = rest.split_off(..if codec == Codec::H264 { H264_BEFORE } else { H265_BEFORE })?.to_vec();
        let arrays = match codec {
            Codec::H264 => read_h264(&mut rest)?,
            Codec::H265 => read_h265(&mut rest)?,
        };
        Some(Self { codec, fixed: fixed[8..].to_vec(), before, arrays, after: rest.to_vec() })
    }

    pub(crate) fn sample_entry(&self, sets_in: SetsIn) -> Vec<u8> {
        let (kind, config) = match (self.codec, sets_in) {
            (Codec::H264, SetsIn::Head) => (b"avc1", b"avcC"),
            (Codec::H264, SetsIn::Stream) => (b"avc3", b"avcC"),
            (Codec::H265, SetsIn::Head) => (b"hvc1", b"hvcC"),
            (Codec::H265, SetsIn::Stream) => (b"hev1", b"hvcC"),
        };
        let mut w = BoxWriter::default();
        w.boxed(kind, |w| {
            w.bytes(&self.fixed);
            w.boxed(config, |w| self.write(w));
        });
        w.into_bytes()
    }

    fn write(&self, w: &mut BoxWriter) {
        w.bytes(&self.before);
        if self.codec == Codec::H265 {
            w.bytes(&[self.arrays.len() as u8]);
        }
        for array in &self.arrays {
            match self.codec {
                Codec::H264 if array.kind == H264_SPS => w.bytes(&[0xe0 | array.sets.len() as u8]),
                Codec::H264 => w.bytes(&[array.sets.len() as u8]),
                Codec::H265 => {
                    w.bytes(&[array.kind]);
                    w.u16(array.sets.len() as u16);
                }
            }
            for set in &array.sets {
                w.u16(set.len() as u16);
                w.bytes(set);
            }
        }
        w.bytes(&self.after);
    }

    /// Returns them as they go into a sample, each with its length before it.
    pub(crate) fn units(&self) -> Vec<u8> {
        let mut w = BoxWriter::default();
        for set in self.arrays.iter().flat_map(|array| &array.sets) {
            w.count(set.len());
            w.bytes(set);
        }
        w.into_bytes()
    }

    /// Adds the picture parameters of `older` that these have nothing in the place of.
    pub(crate) fn complete_from(&mut self, older: &Self) {
        let (codec, is_pps) = (self.codec, |array: &&Array| array.kind & 0x3f == self.codec.pps());
        let of_sequence = |sets: &Self| -> Vec<Array> {
            sets.arrays.iter().filter(|array| !is_pps(array)).cloned().collect()
        };
        if older.codec != codec || of_sequence(older) != of_sequence(self) {
            return;
        }
        let known = older.arrays.iter().find(is_pps).map(|array| array.sets.clone()).unwrap_or_default();
        let Some(own) = self.arrays.iter_mut().find(|array| array.kind & 0x3f == codec.pps()) else { return };
        let id = |set: &Vec<u8>| codec.pps_id(set);
        let missing = known.iter().filter(|set| !own.sets.iter().any(|other| id(other) == id(set)));
        let missing: Vec<Vec<u8>> = missing.cloned().collect();
        let all = || own.sets.iter().chain(&missing);
        if all().count() <= COUNT_MAX && all().map(Vec::len).sum::<usize>() <= KEPT_MAX {
            own.sets.extend(missing);
            own.sets.sort_by_key(id);
        }
    }
}

impl Codec {
    fn pps(self) -> u8 {
        match self {
            Self::H264 => H264_PPS,
            Self::H265 => H265_PPS,
        }
    }

    /// Reads the number that pictures call a picture parameter set by: an Exp-Golomb code after the NAL unit's
    /// header.
    fn pps_id(self, set: &[u8]) -> Option<u32> {
        let header = if self == Self::H264 { 1 } else { 2 };
        let mut bits = [0; 8];
        let payload = set.get(header..)?;
        let length = payload.len().min(8);
        bits[..length].copy_from_slice(&payload[..length]);
        let bits = u64::from_be_bytes(bits);
        let zeros = bits.leading_zeros();
        // 255 is the highest, in 17 bits
        (zeros <= 8).then(|| (bits >> (63 - 2 * zeros)) as u32 - 1)
    }
}

fn read_h264(rest: &mut &[u8]) -> Option<Vec<Array>> {
    let sps = read_sets(rest.split_off_first()? & 0x1f, rest)?;
    let pps = read_sets(*rest.split_off_first()?, rest)?;
    Some(vec![Array { kind: H264_SPS, sets: sps }, Array { kind: H264_PPS, sets: pps }])
}

fn read_h265(rest: &mut &[u8]) -> Option<Vec<Array>> {
    let arrays = *rest.split_off_first()?;
    let read_array = |_| {
        let kind = *rest.split_off_first()?;
        let count = read_u16(rest)?;
        Some(Array { kind, sets: read_sets(u8::try_from(count).ok()?, rest)? })
    };
    (0..arrays).map(read_array).collect()
}

fn read_sets(count: u8, rest: &mut &[u8]) -> Option<Vec<Vec<u8>>> {
    let read_set = |_| {
        let length = read_u16(rest)?;
        Some(rest.split_off(..usize::from(length))?.to_vec())
    };
    (0..count).map(read_set).collect()
}

fn read_u16(rest: &mut &[u8]) -> Option<u16> {
    let (value, later) = rest.split_first_chunk()?;
    *rest = later;
    Some(u16::from_be_bytes(*value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Sets<'a> = &'a [&'a [u8]];

    const SPS: &[u8] = &[0x67, 0x4d, 0, 0x1e, 0x95];
    /// Numbers 0, 1 and 2, in Exp-Golomb `1`, `010` and `011`.
    const PPS: [&[u8]; 3] = [&[0x68, 0xee], &[0x68, 0x5c, 0x80], &[0x68, 0x7c, 0x80]];

    fn h264(sps: &[u8], pps: &[&[u8]]) -> Vec<u8> {
        let mut w = BoxWriter::default();
        w.boxed(b"avc1", |w| {
            w.zeros(78);
            w.boxed(b"avcC", |w| {
                w.bytes(&[1, 0x4d, 0, 0x1e, 0xff, 0xe1]);
                w.u16(sps.len() as u16);
                w.bytes(sps);
                w.bytes(&[pps.len() as u8]);
                for set in pps {
                    w.u16(set.len() as u16);
                    w.bytes(set);
                }
                w.bytes(b"more");
            });
        });
        w.into_bytes()
    }

    fn h265(pps: &[&[u8]]) -> Vec<u8> {
        let mut w = BoxWriter::default();
        w.boxed(b"hvc1", |w| {
            w.zeros(78);
            w.boxed(b"hvcC", |w| {
                w.zeros(22);
                w.bytes(&[2]);
                for (kind, sets) in [(33, &[&[0x42, 1, 7][..]][..]), (34, pps)] {
                    w.bytes(&[0x80 | kind]);
                    w.u16(sets.len() as u16);
                    for set in sets {
                        w.u16(set.len() as u16);
                        w.bytes(set);
                    }
                }
            });
        });
        w.into_bytes()
    }

    fn completed(newer: &[u8], older: &[u8]) -> Vec<u8> {
        let mut sets = ParameterSets::of(newer).unwrap();
        sets.complete_from(&ParameterSets::of(older).unwrap());
        sets.sample_entry(SetsIn::Head)
    }

    #[test]
    fn entries_come_back_as_they_were_or_say_that_the_stream_has_more() {
        for (entry, in_stream) in [(h264(SPS, &PPS), b"avc3"), (h265(&[&[0x44, 1, 0xc0]]), b"hev1")] {
            let sets = ParameterSets::of(&entry).unwrap();
            assert_eq!(sets.sample_entry(SetsIn::Head), entry);
            let mut other = entry.clone();
            other[4..8].copy_from_slice(in_stream);
            assert_eq!(sets.sample_entry(SetsIn::Stream), other);
        }
    }

    #[test]
    fn units_have_their_lengths_before_them() {
        let units = ParameterSets::of(&h264(SPS, &PPS[..1])).unwrap().units();
        assert_eq!(units, [&[0, 0, 0, 5], SPS, &[0, 0, 0, 2], PPS[0]].concat());
    }

    #[test]
    fn pictures_keep_the_parameters_that_were_not_replaced() {
        let [zero, one, two] = PPS;
        let other_one: &[u8] = &[0x68, 0x5c, 0xc0];
        let other_sps: &[u8] = &[0x67, 0x4d, 0, 0x1f, 0x95];
        let cases: [(Sets<'_>, &[u8], Sets<'_>, Sets<'_>); 5] = [
            // newer, the older SPS, older, expected
            (&[one], SPS, &[zero], &[zero, one]),
            (&[zero], SPS, &[zero, one], &[zero, one]),
            (&[two], SPS, &[zero, one], &[zero, one, two]),
            (&[other_one], SPS, &[zero, one], &[zero, other_one]),
            (&[one], other_sps, &[zero], &[one]),
        ];
        for (newer, older_sps, older, expected) in cases {
            assert_eq!(
                completed(&h264(SPS, newer), &h264(older_sps, older)),
                h264(SPS, expected),
                "{newer:?}"
            );
        }
        let large = [&[0x68, 0x5c][..], &vec![7; KEPT_MAX]].concat();
        assert_eq!(
            completed(&h264(SPS, &[&large]), &h264(SPS, &[zero])),
            h264(SPS, &[&large]),
            "too many bytes"
        );
        let (zero, one): (&[u8], &[u8]) = (&[0x44, 1, 0xc0], &[0x44, 1, 0x40]);
        assert_eq!(completed(&h265(&[one]), &h265(&[zero])), h265(&[zero, one]));
    }

    proptest! {
        #[test]
        fn whatever_is_there_is_read_without_a_panic(
            changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6),
            end: usize,
        ) {
            for mut entry in [h264(SPS, &PPS), h265(&[&[0x44, 1, 0xc0]])] {
                for &(at, byte) in &changes {
                    let length = entry.len();
                    entry[at % length] = byte;
                }
                entry.truncate(end % (entry.len() + 1));
                if let Some(mut sets) = ParameterSets::of(&entry) {
                    sets.complete_from(&sets.clone());
                    let _ = (sets.units(), sets.sample_entry(SetsIn::Stream));
                }
            }
        }
    }
}
