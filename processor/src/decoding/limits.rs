//! What the decoding process may take, and that it does not outlive the one it works for.

use std::io;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit};

/// Address space of a decoding process, libraries included: 8K pictures with all their references fit into it.
pub(super) const MEMORY: u64 = 4 << 30;

/// Holds this process within limits. Call it before anything is read.
pub(super) fn impose(memory: u64) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    lower(Resource::As, memory)?;
    // a crash on footage must not fill the disk, nor leave pictures in it
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, 0)
}

fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let most = getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
