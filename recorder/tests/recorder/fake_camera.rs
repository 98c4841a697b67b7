//! The fake camera: scripts/fake_camera.py as a child process that ends with the test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

#[derive(Debug)]
pub(crate) struct FakeCamera {
    process: Child,
    pub(crate) port: u16,
}

impl FakeCamera {
    pub(crate) fn play(clip: &Path, options: &[&str]) -> Self {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/fake_camera.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(clip)
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("ready ").expect("the camera gets ready").parse().unwrap();
        Self { process, port }
    }

    /// Stops sending, with all connections open.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on where it stopped.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for FakeCamera {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
