//! A camera: Debian's RTSP server in a process of its own, playing a clip on loopback.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// What is played, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play<'a> {
    pub(crate) clip: &'a Path,
    /// 0 takes any free port; a camera that comes back names the port it had.
    pub(crate) port: u16,
    /// Further options of scripts/fake_camera.py.
    pub(crate) options: &'a [&'a str],
}

/// Plays until it is dropped.
#[derive(Debug)]
pub(crate) struct FakeCamera {
    process: Child,
    port: u16,
}

impl FakeCamera {
    /// Returns when clients may connect.
    pub(crate) fn start(play: Play<'_>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/fake_camera.py");
        // The system's Python, which has the GStreamer bindings; the one first in PATH may be another.
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(play.clip)
            .args(["--port", &play.port.to_string()])
            .args(play.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("/usr/bin/python3 is installed: see scripts/setup.sh test");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the camera speaks UTF-8");
        let port = line.trim().strip_prefix("ready ").and_then(|port| port.parse().ok());
        let Some(port) = port else {
            let status = process.wait();
            panic!("the fake camera ended with {status:?} before it was ready: see scripts/setup.sh test");
        };
        Self { process, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/cam", self.port)
    }

    /// Stops sending with all connections open, as a crashed camera does.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("the camera was not waited for yet");
    }
}

impl Drop for FakeCamera {
    fn drop(&mut self) {
        // Its ffmpeg ends with the pipe between them.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
