//! The cap on what a camera can make its session hold. Retina has none: whatever arrives stays in one ring per
//! connection until a message or a picture is complete, and the ring doubles for as long as none is.
//!
//! So it is built around retina, and nothing of retina's is changed: `noting` tells what a poll has asked of the
//! memory, `allowance` lets a poll read so little that nothing grows far before the next look, `watch` looks,
//! and `abandon` drops a session that asked for too much. A panic while reading, which some descriptions cause,
//! ends the session as well, and not the recorder.
//!
//! A picture or an answer that never ends costs 8 to 18 MB, where it was all that was sent. Headers are taken apart as
//! they are read, into 27 times their size, and a single read may fill the ring with them: so the ring has 2 MB, and a
//! camera whose pictures are larger is connected to anew, with 4 MB and a `narrow` way.
//!
//! What retina does after a session's end happens elsewhere, and is watched there: `farewell`.

mod abandon;
mod allowance;
mod connecting;
mod farewell;
mod frames;
mod narrow;
mod noting;
mod watch;

pub(crate) use connecting::capped;
pub(crate) use farewell::{Farewell, Held};
pub(crate) use frames::{Frames, Pictures};
pub(crate) use narrow::narrow;
pub use noting::NotingAllocator;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: NotingAllocator = NotingAllocator;
