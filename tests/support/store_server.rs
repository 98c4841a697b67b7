//! A server of objects that others wrote, as a process of its own on a free port.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct StoreServer {
    process: Child,
    /// `127.0.0.1:4711`.
    address: String,
    /// A line for each request.
    said: NamedTempFile,
}

impl StoreServer {
    /// Tells whether it is installed; a test that is skipped says so.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn is_there(program: &Path, name: &str) -> bool {
        if !program.exists() {
            assert!(std::env::var_os("CI").is_none(), "{name} is not installed: run scripts/setup.sh test");
            eprintln!("skipped: {name} is not installed, run scripts/setup.sh test");
        }
        program.exists()
    }

    /// Starts `command`, and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let said = NamedTempFile::new().unwrap();
        let log = || File::options().append(true).open(said.path()).unwrap();
        let process = command.stdin(Stdio::null()).stdout(log()).stderr(log()).spawn().unwrap();
        let mut server = Self { process, address: String::new(), said };
        server.address = server.wait_for_address();
        server
    }

    fn wait_for_address(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said();
            if let Some((_, rest)) = said.split_once("http://")
                && let Some((address, _)) = rest.split_once('\n')
            {
                return address.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "it does not start: {said}");
            // waits for another process, which gives no event to block on
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Counts the requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.said().matches(" HTTP/1.1").count()
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.said.path()).unwrap()
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
