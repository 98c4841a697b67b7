//! What this process has in memory, and what it had at most.

use std::fs;

use tokio::sync::{Mutex, MutexGuard};

/// The memory is the process's, and so its tests run one at a time.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// Takes what is in memory now as the peak.
pub(crate) fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

pub(crate) fn now() -> usize {
    value("VmRSS:")
}

pub(crate) fn peak() -> usize {
    value("VmHWM:")
}

fn value(key: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let kilobytes: usize = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilobytes << 10
}
