//! Azurite, Microsoft's own emulator of Azure Blob Storage: it knows the tier that must be thawed.

use std::path::Path;
use std::process::Command;

use super::asked::{ask, between};
use super::store_server::StoreServer;

const SERVER: &str = ".cache/azurite/node_modules/.bin/azurite-blob";
const ACCOUNT: &str = "devstoreaccount1";
const CONTAINER: &str = "cold";
/// Every Azurite has it, as its documentation says.
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// Made with that key, for all of the account.
const SAS_TOKEN: &str = "sv=2021-10-04&ss=b&srt=sco&sp=rwdlac&se=2099-12-31T00%3A00%3A00Z&spr=https%2Chttp&sig=KqI80Kt%2FL7NK1D%2FUowhQ4N3bylC6hSYwCSfa1g46Cko%3D";

/// How one logs in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AzureLogin {
    Key,
    Signature,
    /// That of another account.
    WrongKey,
}

#[derive(Debug)]
pub(crate) struct Azurite {
    server: StoreServer,
    login: AzureLogin,
}

impl Azurite {
    /// Starts the server on a free port, with a container in it, or returns nothing where it is not installed.
    pub(crate) fn start(repository: &Path, login: AzureLogin) -> Option<Self> {
        let program = repository.join(SERVER);
        StoreServer::is_there(&program, "azurite").then(|| {
            let mut command = Command::new(program);
            command.args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"]);
            command.args(["--skipApiVersionCheck", "--disableTelemetry"]);
            let azurite = Self { server: StoreServer::start(&mut command), login };
            let (status, _) = azurite.of_container("PUT", "");
            assert_eq!(status, 201, "the container cannot be made");
            azurite
        })
    }

    /// Returns the keys of a section that lead to it; more may follow.
    pub(crate) fn keys_of_section(&self) -> String {
        let login = match self.login {
            AzureLogin::Key => format!("account_key = \"{ACCOUNT_KEY}\""),
            AzureLogin::Signature => format!("sas_token = \"{SAS_TOKEN}\""),
            AzureLogin::WrongKey => "account_key = \"d3Jvbmc=\"".to_owned(),
        };
        format!(
            "url = \"az://{CONTAINER}/night\"\naccount = \"{ACCOUNT}\"\n{login}\n             endpoint = \"http://{}/{ACCOUNT}\"\nallow_http = true\n",
            self.server.address()
        )
    }

    /// Counts the blobs that were begun and not ended.
    pub(crate) fn uploads(&self) -> usize {
        self.listed("&include=uncommittedblobs").len() - self.keys().len()
    }

    /// Lists the names of the blobs.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.listed("")
    }

    /// Counts the requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.server.requests()
    }

    fn listed(&self, more: &str) -> Vec<String> {
        let (_, list) = self.of_container("GET", &format!("&comp=list{more}"));
        between(&list, "<Name>", "</Name>").map(str::to_owned).collect()
    }

    fn of_container(&self, method: &str, what: &str) -> (u16, String) {
        let path = format!("/{ACCOUNT}/{CONTAINER}?restype=container{what}&{SAS_TOKEN}");
        ask(self.server.address(), method, &path, "")
    }
}
