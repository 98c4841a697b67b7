//! What can go wrong before the server runs. Later faults concern one request or one connection: they are
//! answered and logged.

use std::io;
use std::net::SocketAddr;

#[derive(Debug, thiserror::Error)]
pub enum DashboardError {
    #[error(
        "`serve.listen` is `{listen}`, which other machines can reach, and footage is served without a \
         password; use a loopback address such as `127.0.0.1:{}`, name who may in `[[serve.user]]` or `[[serve.token]]`, or give \
         `--allow-remote` if whoever reaches it may see everything",
        listen.port()
    )]
    RemoteListen { listen: SocketAddr },

    #[error("cannot listen on `{listen}`; choose another address or port in `serve.listen`")]
    Listen { listen: SocketAddr, source: io::Error },

    #[error(
        "the password of `serve.user` `{name}` is no Argon2 hash; `nightreel serve --hash-password` makes one"
    )]
    Hash { name: String },

    #[error("the hash of `serve.token` `{name}` is no SHA-256; `nightreel serve --new-token` makes one")]
    TokenHash { name: String },

    #[error("`serve.cors_origins` has `{origin}`, which is no origin; write {hint}")]
    Origin { origin: String, hint: String },
}

impl DashboardError {
    /// Tells whether trying again soon can help without anybody doing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            // Another process may leave the port, and an address may come up with its interface.
            Self::Listen { .. } => true,
            Self::RemoteListen { .. } | Self::Origin { .. } | Self::Hash { .. } | Self::TokenHash { .. } => {
                false
            }
        }
    }
}
