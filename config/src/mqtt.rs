//! The MQTT broker that is told of events.

use std::path::PathBuf;

use crate::Secret;

#[derive(Clone, Debug)]
pub struct Mqtt {
    pub host: String,
    pub port: u16,
    /// Speaks TLS.
    pub is_tls: bool,
    /// Trusted besides the system's authorities, as PEM.
    pub ca_file: Option<PathBuf>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// What all topics begin with, without a `/` at its end.
    pub topic: String,
    /// Where Home Assistant looks for devices; absent: none is announced.
    pub discovery_prefix: Option<String>,
}
