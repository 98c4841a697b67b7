//! moto, an S3 server that others wrote: it knows classes that must be thawed, and nothing of what this client expects.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

const BUCKET: &str = "cold";
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Moto {
    process: Child,
    /// `127.0.0.1:4711`.
    address: String,
    /// A line for each request.
    said: NamedTempFile,
}

impl Moto {
    /// Starts the server on a free port, with a bucket in it, or returns nothing where it is not installed.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn start(repository: &Path) -> Option<Self> {
        Self::launch(repository, &[])
    }

    /// As [`start`](Self::start), but nobody has a key that it takes.
    pub(crate) fn refusing(repository: &Path) -> Option<Self> {
        Self::launch(repository, &[("INITIAL_NO_AUTH_ACTION_COUNT", "1")])
    }

    fn launch(repository: &Path, environment: &[(&str, &str)]) -> Option<Self> {
        let server = repository.join(".cache/moto/bin/moto_server");
        if !server.exists() {
            assert!(std::env::var_os("CI").is_none(), "moto is not installed: run scripts/setup.sh test");
            eprintln!("skipped: moto is not installed, run scripts/setup.sh test");
            return None;
        }
        let said = NamedTempFile::new().unwrap();
        let process = Command::new(server)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().append(true).open(said.path()).unwrap())
            .spawn()
            .unwrap();
        let mut moto = Self { process, address: String::new(), said };
        moto.address = moto.wait_for_address();
        let (status, _) = moto.ask("PUT", &format!("/{BUCKET}"), "");
        assert_eq!(status, 200, "the bucket cannot be made");
        Some(moto)
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
            assert!(Instant::now() < deadline, "moto does not start: {said}");
            // waits for another process, which gives no event to block on
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns `[archive]` for it; more keys may follow.
    pub(crate) fn section(&self) -> String {
        format!(
            "[archive]\nurl = \"s3://{BUCKET}/night\"\nendpoint = \"http://{}\"\nallow_http = true\n\
             access_key_id = \"key\"\nsecret_access_key = \"secret\"\nregion = \"us-east-1\"\n",
            self.address
        )
    }

    /// Makes the next thaws take so many looks.
    pub(crate) fn thaw_after(&self, looks: u32) {
        let body = format!(
            "{{\"model_name\": \"s3::keyrestore\", \"transition\": {{\"progression\": \"manual\", \"times\": {looks}}}}}"
        );
        assert_eq!(self.ask("POST", "/moto-api/state-manager/set-transition", &body).0, 201);
    }

    /// Asks for something of the bucket, such as `?list-type=2`.
    fn of_bucket(&self, what: &str) -> String {
        self.ask("GET", &format!("/{BUCKET}{what}"), "").1
    }

    /// Counts the uploads that were begun and not ended.
    pub(crate) fn uploads(&self) -> usize {
        self.of_bucket("?uploads").matches("<UploadId>").count()
    }

    /// Lists the keys of the bucket.
    pub(crate) fn keys(&self) -> Vec<String> {
        let listed = self.of_bucket("?list-type=2");
        listed
            .split("<Key>")
            .skip(1)
            .filter_map(|rest| rest.split("</Key>").next().map(str::to_owned))
            .collect()
    }

    /// Counts the requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.said().matches(" HTTP/1.1").count()
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.said.path()).unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
        (status, body)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
