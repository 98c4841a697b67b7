//! Telling footage from what a power cut left in its place: sectors that were never written.

use crate::mp4::{Fault, Sample, TrackKind};

/// Disks write whole sectors. File systems write larger pieces, which are made of them.
const SECTOR: u64 = 512;

/// Finds a sector of nothing but zeros among a fragment's `bytes`, which lie at `at` in the file. The first, if
/// it is there only in part, also holds the end of the fragment before, and says nothing.
///
/// Looking for zeros inside of frames, where H.264 and H.265 allow none, would find shorter holes; but there
/// are cameras that fill their frames up with zeros.
pub(crate) fn check_written(at: u64, bytes: &[u8]) -> Result<(), Fault> {
    let first = usize::try_from(at.next_multiple_of(SECTOR) - at).unwrap_or(usize::MAX);
    let mut sectors = bytes.get(first..).unwrap_or_default().chunks(SECTOR as usize);
    let unwritten = sectors.any(|sector| sector.iter().all(|&byte| byte == 0));
    if unwritten { Err(Fault("a sector was never written")) } else { Ok(()) }
}

/// Checks that the pictures of one run are whole: that the lengths in front of their NAL units add up.
pub(crate) fn check_samples(kind: TrackKind, samples: &[Sample], bytes: &[u8]) -> Result<(), Fault> {
    let mut rest = bytes;
    for sample in samples {
        let (data, later) = rest
            .split_at_checked(sample.size as usize)
            .ok_or(Fault("a sample reaches beyond its fragment"))?;
        if let TrackKind::Video { .. } = kind {
            check_nal_units(data)?;
        }
        rest = later;
    }
    Ok(())
}

fn check_nal_units(mut sample: &[u8]) -> Result<(), Fault> {
    const FAULT: Fault = Fault("a frame is damaged");
    while !sample.is_empty() {
        let (length, rest) = sample.split_first_chunk().ok_or(FAULT)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (_, rest) = rest.split_at_checked(length).filter(|(unit, _)| !unit.is_empty()).ok_or(FAULT)?;
        sample = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_without_data_is_found_wherever_it_lies() {
        // from the middle of sector 1 to the middle of sector 4
        let (at, length) = (700, 1600);
        let whole = vec![7; length];
        assert_eq!(check_written(at, &whole), Ok(()));
        let holes = [(1024, 1536), (1536, 2048), (2048, 2300), (1024, 2300), (800, 1600)];
        for (from, to) in holes {
            let mut cut = whole.clone();
            cut[from - 700..to - 700].fill(0);
            assert!(check_written(at, &cut).is_err(), "zeros from {from} to {to}");
        }
        let mut padded = whole;
        padded[..200].fill(0);
        padded[400..800].fill(0);
        assert_eq!(check_written(at, &padded), Ok(()), "a camera may send zeros");
    }

    #[test]
    fn frames_whose_units_do_not_add_up_are_found() {
        let check = |bytes: &[u8]| {
            let size = u32::try_from(bytes.len()).unwrap();
            let sample = Sample { dts: 0, duration: 1, offset: 0, size, keyframe: true };
            check_samples(TrackKind::Video { width: 16, height: 16 }, &[sample], bytes)
        };
        assert_eq!(check(&[0, 0, 0, 4, 0x65, 0, 0, 0, 0, 0, 0, 1, 7]), Ok(()));
        for wrong in
            [&[0, 0, 0, 4, 0x65, 0, 0][..], &[0, 0, 0, 0], &[0, 0, 0, 1, 7, 0], &[255, 255, 255, 255, 1]]
        {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
