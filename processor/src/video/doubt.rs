//! Why a stream is decoded whole although only some frames are wanted.

/// Names what keeps the plan from being provably exact; then every packet is decoded in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    #[error("the plan does not know this codec")]
    UnknownCodec,
    #[error("the stream may hold interlaced fields")]
    Interlaced,
    #[error("a packet is not one whole picture")]
    IrregularPacket,
    #[error("the stream has leading or spliced pictures the plan does not know")]
    Spliced,
    #[error("the first packet is no keyframe")]
    StartsInMidGop,
    #[error("packets have no presentation time")]
    NoTimes,
    #[error("two pictures share a presentation time")]
    EqualTimes,
    #[error("presentation times do not fit the order of decoding")]
    Disordered,
}
