//! The processes that the program has started.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

#[derive(Debug)]
pub(crate) struct ChildProcess {
    id: i32,
    /// Its arguments, with spaces between.
    pub(crate) command_line: String,
}

impl ChildProcess {
    /// Ends it as a crash would.
    pub(crate) fn kill(&self) {
        let id = Pid::from_raw(self.id).expect("it is no 0");
        // one that is gone cannot be killed, which is as well
        let _ = kill_process(id, Signal::KILL);
    }
}

/// Lists the children of a process that have this word among their arguments.
pub(crate) fn children(of: u32, word: &str) -> Vec<ChildProcess> {
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| parent(*id) == Some(of))
        .filter_map(|id| {
            let bytes = fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let command_line = String::from_utf8_lossy(&bytes).replace('\0', " ");
            command_line.contains(word).then_some(ChildProcess { id, command_line })
        })
        .collect()
}

fn parent(id: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}
