//! What the scan passes over though it is named like footage, with the reason: for people who miss it.

use config::Settings;

use crate::MediaRoot;
use crate::walk::{Reach, Walk};

/// Lists, in words, what in the camera folders cannot be taken or read. Costs a walk over what was not set aside.
pub fn passed_over(root: &MediaRoot, settings: &Settings) -> Vec<String> {
    let mut troubles = Vec::new();
    Walk::new(root, settings).each(Reach::Incoming, |file| troubles.extend(file.err()));
    troubles
}
