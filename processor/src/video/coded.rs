//! What a coded packet is to the plan: where decoding may start, and what may be left out.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::doubt::Doubt;
use super::nal::Framing;
use super::{h264, hevc};

/// Says what a packet is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Holds no picture (parameter sets alone, or nothing).
    Empty,
    /// Starts a GOP: decoding may begin here.
    Entry,
    /// Other pictures may be predicted from it.
    Reference,
    /// No picture of its temporal layer or below is predicted from it.
    Disposable,
}

/// Holds what one packet's NAL units tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    pub role: Role,
    /// H.265's `TemporalId`; 0 for every other codec.
    pub temporal_id: u8,
    /// A digest of the parameter sets in the packet, `None` where it carries none.
    pub parameter_sets: Option<u64>,
}

/// Reads packets of one codec.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    H264(h264::Reader),
    Hevc(Framing),
    /// Every packet is a picture of its own, as in MJPEG.
    IntraOnly,
    /// Nothing is known about the packets; they are all decoded.
    Opaque,
}

impl Reader {
    /// Picks the reader for a codec name and its extradata.
    pub(super) fn new(codec: &str, extradata: &[u8]) -> Self {
        match codec {
            "h264" => Self::H264(h264::Reader::new(extradata)),
            "hevc" => Self::Hevc(Framing::from_extradata(extradata, 21)),
            "mjpeg" => Self::IntraOnly,
            _ => Self::Opaque,
        }
    }

    /// Reads one packet, or says what makes this stream unfit for a plan.
    pub(super) fn read(&mut self, packet: &[u8]) -> Result<Coded, Doubt> {
        if packet.is_empty() {
            return Ok(Coded { role: Role::Empty, temporal_id: 0, parameter_sets: None });
        }
        match self {
            Self::H264(reader) => reader.read(packet),
            Self::Hevc(framing) => hevc::read(packet, *framing),
            Self::IntraOnly => Ok(Coded { role: Role::Entry, temporal_id: 0, parameter_sets: None }),
            Self::Opaque => Err(Doubt::UnknownCodec),
        }
    }
}

/// Mixes one more parameter set into the digest of a packet's sets.
pub(super) fn digest(so_far: Option<u64>, parameter_set: &[u8]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    so_far.hash(&mut hasher);
    parameter_set.hash(&mut hasher);
    Some(hasher.finish())
}
