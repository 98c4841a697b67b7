//! moto, an S3 server that others wrote: it knows classes that must be thawed, and nothing of what this client expects.
//! It also stands for Google's, whose XML API is S3's, but for the login and the classes.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use tempfile::NamedTempFile;

use super::asked::{answer, ask, between};
use super::store_server::StoreServer;

const BUCKET: &str = "cold";
const PYTHON: &str = ".cache/moto/bin/python";
const SERVER: &str = ".cache/moto/bin/moto_server";
/// Of somebody whom no token server knows: any token will do.
const SERVICE_ACCOUNT: &str =
    r#"{"private_key": "", "private_key_id": "1", "client_email": "night@reel", "disable_oauth": true}"#;

#[derive(Debug)]
pub(crate) struct Moto {
    server: StoreServer,
    /// Absent: it speaks S3.
    service_account: Option<NamedTempFile>,
}

impl Moto {
    /// Starts the server on a free port, with a bucket in it, or returns nothing where it is not installed.
    pub(crate) fn start(repository: &Path) -> Option<Self> {
        Self::launch(repository, &[])
    }

    /// As [`start`](Self::start), but nobody has a key that it takes.
    pub(crate) fn refusing(repository: &Path) -> Option<Self> {
        Self::launch(repository, &[("INITIAL_NO_AUTH_ACTION_COUNT", "1")])
    }

    /// As [`start`](Self::start), but it is Google's.
    pub(crate) fn of_google(repository: &Path) -> Option<Self> {
        let python = repository.join(PYTHON);
        StoreServer::is_there(&python, "moto").then(|| {
            let server = StoreServer::start(Command::new(python).arg(repository.join("scripts/fake_gcs.py")));
            let mut key = NamedTempFile::new().unwrap();
            key.write_all(SERVICE_ACCOUNT.as_bytes()).unwrap();
            Self { server, service_account: Some(key) }.with_bucket()
        })
    }

    fn launch(repository: &Path, environment: &[(&str, &str)]) -> Option<Self> {
        let program = repository.join(SERVER);
        StoreServer::is_there(&program, "moto").then(|| {
            let mut command = Command::new(program);
            command.args(["-H", "127.0.0.1", "-p", "0"]).envs(environment.iter().copied());
            Self { server: StoreServer::start(&mut command), service_account: None }.with_bucket()
        })
    }

    fn with_bucket(self) -> Self {
        assert_eq!(self.ask("PUT", &format!("/{BUCKET}"), "").0, 200, "the bucket cannot be made");
        self
    }

    /// Returns the keys of a section that lead to it; more may follow.
    pub(crate) fn keys_of_section(&self) -> String {
        self.keys_by_way_of(self.server.address())
    }

    /// As [`keys_of_section`](Self::keys_of_section), but something stands between.
    pub(crate) fn keys_by_way_of(&self, address: &str) -> String {
        let endpoint = format!("endpoint = \"http://{address}\"\nallow_http = true\n");
        match &self.service_account {
            None => format!(
                "url = \"s3://{BUCKET}/night\"\n{endpoint}access_key_id = \"key\"\n\
                 secret_access_key = \"secret\"\nregion = \"us-east-1\"\n"
            ),
            Some(file) => format!(
                "url = \"gs://{BUCKET}/night\"\n{endpoint}service_account_file = \"{}\"\n",
                file.path().display()
            ),
        }
    }

    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    /// Returns what it tells of an object before its content.
    pub(crate) fn head(&self, key: &str) -> String {
        answer(self.address(), &format!("HEAD /{BUCKET}/{key}"), "Authorization: Bearer token\r\n", "")
    }

    /// Counts the objects that were put, one that was put again twice.
    pub(crate) fn puts(&self) -> usize {
        self.said().matches(&format!("\"PUT /{BUCKET}/")).count()
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
        between(&self.of_bucket("?list-type=2"), "<Key>", "</Key>").map(str::to_owned).collect()
    }

    /// Counts the requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.server.requests()
    }

    /// Returns what it told of its work.
    pub(crate) fn said(&self) -> String {
        self.server.said()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(self.server.address(), method, path, body)
    }
}
