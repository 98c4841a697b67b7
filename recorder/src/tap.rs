//! Taps: what else becomes of a camera's fragments, beside the file that they are written into.

use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;

use crate::mp4::FileHead;
use crate::segment::Fragment;

/// Hears of one camera's files and fragments on the thread that writes them, in their order. A tap must not block,
/// and must not fail: recording comes first.
pub(crate) trait Tap: Debug + Send {
    /// A new file has begun, or where nothing is kept (`None`), what would be one. `finished` is the name it will
    /// have; until then it grows as `NAME.partial`.
    fn opened(&mut self, head: &FileHead, finished: Option<&Path>);

    /// A fragment was added; `bytes` is where it lies in the file, its own head included. It is not synced yet: its
    /// memory is given back before that.
    fn appended(&mut self, fragment: &Fragment, bytes: Option<Range<u64>>);

    /// What was appended last survives a power cut. Not told of what could not be synced: that is cut off again.
    fn synced(&mut self) {}

    /// The file is whole, under `finished`; `None` where nothing is kept, or it could not be finished now.
    fn closed(&mut self, finished: Option<&Path>);
}
