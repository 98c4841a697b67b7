//! The draft: what was seen in a segment whose answers come with a batch, and where they belong.

use catalog::Results;
use serde::{Deserialize, Serialize};

use crate::group::Group;

/// Results without their answers. With them it becomes whole, so that the footage is not decoded again, which would
/// have to wait for the next window.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Draft {
    pub(crate) results: Results,
    /// Without their pictures: the answers are found by the key.
    pub(crate) groups: Vec<Group>,
}
