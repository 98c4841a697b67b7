//! Telling footage from what a power cut left in its place: zeros, from some block of the disk on.

use crate::mp4::{Fault, Sample, TrackKind};

/// The smallest unit in which file systems write.
const PAGE: u64 = 4096;

/// Checks the samples of one run, whose bytes lie at `at` in the file.
pub(crate) fn check_samples(kind: TrackKind, at: u64, samples: &[Sample], bytes: &[u8]) -> Result<(), Fault> {
    let mut rest = bytes;
    let mut at = at;
    for sample in samples {
        let (data, later) = rest
            .split_at_checked(sample.size as usize)
            .ok_or(Fault("a sample reaches beyond its fragment"))?;
        match kind {
            TrackKind::Video { .. } => check_nal_units(data)?,
            TrackKind::Audio => check_tail(at, data)?,
        }
        at += data.len() as u64;
        rest = later;
    }
    Ok(())
}

/// Three zero bytes are never inside a NAL unit, nor one at its end (H.264 7.4.1, H.265 7.4.2).
fn check_nal_units(mut sample: &[u8]) -> Result<(), Fault> {
    const FAULT: Fault = Fault("a frame is damaged");
    while !sample.is_empty() {
        let (length, rest) = sample.split_first_chunk().ok_or(FAULT)?;
        let (unit, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(FAULT)?;
        let ends_well = unit.last().is_some_and(|&last| last != 0);
        if !ends_well || unit.windows(3).any(|three| three == [0, 0, 0]) {
            return Err(FAULT);
        }
        sample = rest;
    }
    Ok(())
}

/// Sound has no such mark: it is doubted where nothing but zeros follows from a page's beginning on.
fn check_tail(at: u64, sample: &[u8]) -> Result<(), Fault> {
    let zeros = sample.iter().rev().take_while(|&&byte| byte == 0).count() as u64;
    let end = at + sample.len() as u64;
    let last_page = (end.saturating_sub(1) / PAGE * PAGE).max(at);
    if !sample.is_empty() && zeros >= end - last_page { Err(Fault("sound is damaged")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: TrackKind = TrackKind::Video { width: 16, height: 16 };

    fn check(kind: TrackKind, at: u64, bytes: &[u8]) -> Result<(), Fault> {
        let size = u32::try_from(bytes.len()).unwrap();
        let sample = Sample { dts: 0, duration: 1, offset: 0, size, keyframe: true };
        check_samples(kind, at, &[sample], bytes)
    }

    #[test]
    fn frames_with_holes_are_found() {
        let whole = [0, 0, 0, 4, 0x65, 0, 0, 1, 0, 0, 0, 1, 7];
        assert_eq!(check(VIDEO, 0, &whole), Ok(()));
        for from in 0..whole.len() {
            let mut cut = whole;
            cut[from..].fill(0);
            // zeroing what is zero, with the length still right, changes nothing
            assert_eq!(check(VIDEO, 0, &cut).is_ok(), cut == whole, "zeros from {from}");
        }
        let hole = [0, 0, 0, 6, 0x65, 9, 0, 0, 0, 9];
        assert!(check(VIDEO, 0, &hole).is_err());
    }

    #[test]
    fn sound_that_ends_in_an_unwritten_page_is_found() {
        assert_eq!(check(TrackKind::Audio, 4000, &[1; 200]), Ok(()));
        assert_eq!(
            check(TrackKind::Audio, 4000, &[[1; 100], [0; 100]].concat()),
            Ok(()),
            "inside a page: 96 + 4"
        );
        assert!(check(TrackKind::Audio, 4000, &[&[1; 96][..], &[0; 104]].concat()).is_err());
        assert!(check(TrackKind::Audio, 10, &[0; 50]).is_err());
    }
}
