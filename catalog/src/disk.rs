//! The disk on which a path lies, measured.

use std::io;
use std::path::Path;

use serde::Serialize;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// What a user without privileges can still write.
    pub free: u64,
    pub total: u64,
}

impl Disk {
    pub fn measure(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }
}
