//! A media folder and its server, on a free port, until the test ends.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use nightreel_dashboard::{MediaServer, Reach, bind, media, serve};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::client::{Answer, Client};

pub(crate) struct Site {
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    _until: DropGuard,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with_origins(&[]).await
    }

    pub(crate) async fn with_origins(origins: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        Self { folder, ..Self::serving(root, origins).await }
    }

    pub(crate) async fn serving(root: PathBuf, origins: &[&str]) -> Self {
        let server = MediaServer {
            root,
            cors_origins: origins.iter().map(|o| (*o).to_owned()).collect(),
            reach: Reach::Loopback,
            users: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        let router = media(&server).unwrap();
        let listener = bind("127.0.0.1:0".parse().unwrap(), server.reach).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(listener, router, shutdown.clone()));
        Self { folder: tempfile::tempdir().unwrap(), address, _until: shutdown.drop_guard() }
    }

    pub(crate) fn path(&self, below_root: &str) -> PathBuf {
        self.folder.path().join("root").join(below_root)
    }

    pub(crate) fn write(&self, below_root: &str, content: &[u8]) {
        let path = self.path(below_root);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn append(&self, below_root: &str, content: &[u8]) {
        let file = OpenOptions::new().append(true).open(self.path(below_root));
        file.unwrap().write_all(content).unwrap();
    }

    /// Makes a file look as if it had last been written so long ago.
    #[expect(clippy::disallowed_methods, reason = "a file's time is the system's")]
    pub(crate) fn age(&self, below_root: &str, age: Duration) {
        let file = File::options().append(true).open(self.path(below_root)).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    pub(crate) async fn ask(&self, request: &str, headers: &[&str]) -> Answer {
        self.client().await.ask(request, headers).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask(&format!("GET {path}"), headers).await
    }
}

/// Returns bytes that tell where they are from.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i / 4).to_le_bytes()[i % 4]).collect()
}
