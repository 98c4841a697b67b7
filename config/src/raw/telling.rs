//! `[hook]`, `[mqtt]` and `[report]` as written: who is told, and how.

use serde::{Deserialize, Serialize};

use crate::Secret;

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawHook {
    /// Program and arguments; gets one JSON object on its standard input; default none.
    pub(crate) command: Option<Vec<String>>,
    /// Address that gets the same object by POST; default none.
    pub(crate) webhook: Option<String>,
    /// Seconds that one command or one request may take; default 10.
    pub(crate) timeout_seconds: i64,
}

impl Default for RawHook {
    fn default() -> Self {
        Self { command: None, webhook: None, timeout_seconds: 10 }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawMqtt {
    /// `mqtt://host` or `mqtts://host`; required.
    pub(crate) url: Option<String>,
    /// Name to log in with; default none.
    pub(crate) username: Option<String>,
    /// Password to log in with; default none. Better one of the next two.
    pub(crate) password: Option<Secret>,
    /// File that holds the password; default none.
    pub(crate) password_file: Option<String>,
    /// Environment variable that holds the password; default none.
    pub(crate) password_env: Option<String>,
    /// Certificates of authorities to trust besides the system's, as PEM; default none.
    pub(crate) ca_file: Option<String>,
    /// What all topics begin with; default `nightreel`.
    pub(crate) topic: String,
    /// Where Home Assistant looks for devices; empty to announce none; default `homeassistant`.
    pub(crate) discovery_prefix: String,
}

impl Default for RawMqtt {
    fn default() -> Self {
        Self {
            url: None,
            username: None,
            password: None,
            password_file: None,
            password_env: None,
            ca_file: None,
            topic: "nightreel".to_owned(),
            discovery_prefix: "homeassistant".to_owned(),
        }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawReport {
    /// Folder that gets a file for each night; required.
    pub(crate) dir: Option<String>,
}
