//! G.711 in MP4, the way QuickTime has it. ISO names none of it, but whoever reads MP4 takes QuickTime's names too.

use super::boxes::BoxWriter;

/// A-law and µ-law: how a byte becomes loudness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Law {
    A,
    Mu,
}

impl Law {
    /// Of RTP (RFC 3551), in lower case.
    pub(crate) fn of_encoding(name: &str) -> Option<Self> {
        match name {
            "pcma" => Some(Self::A),
            "pcmu" => Some(Self::Mu),
            _ => None,
        }
    }

    fn kind(self) -> &'static [u8; 4] {
        match self {
            Self::A => b"alaw",
            Self::Mu => b"ulaw",
        }
    }

    /// Returns the entry of `stsd`; none for rates that its field cannot hold.
    pub(crate) fn sample_entry(self, channels: u16, samples_per_second: u32) -> Option<Vec<u8>> {
        let rate = u16::try_from(samples_per_second).ok()?;
        let mut w = BoxWriter::default();
        w.boxed(self.kind(), |w| {
            w.zeros(6);
            w.u16(1); // the one data reference
            w.zeros(8);
            w.u16(channels);
            w.u16(16); // bits when it is decoded
            w.zeros(4);
            w.u32(u32::from(rate) << 16);
        });
        Some(w.into_bytes())
    }
}

/// Tells whether a track is of this sound by its entry of `stsd`.
pub(super) fn is_g711(sample_entry: &[u8]) -> bool {
    matches!(sample_entry.get(4..8), Some(b"alaw" | b"ulaw"))
}
