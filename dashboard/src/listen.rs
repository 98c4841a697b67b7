//! The address to listen on: loopback, unless the operator says otherwise.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::DashboardError;

/// Who may reach the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// This machine only.
    #[default]
    Loopback,
    /// Whoever the network lets through: `--allow-remote`. Without users, whoever reaches it sees everything.
    AllowRemote,
    /// Whoever the network lets through and one of the users' passwords, or a token, opens for.
    Users,
}

/// Binds `serve.listen`; port 0 chooses a free one, to be read from the listener.
pub async fn bind(listen: SocketAddr, reach: Reach) -> Result<TcpListener, DashboardError> {
    let is_local = listen.ip().to_canonical().is_loopback();
    if !is_local && reach == Reach::Loopback {
        return Err(DashboardError::RemoteListen { listen });
    }
    let listener =
        TcpListener::bind(listen).await.map_err(|source| DashboardError::Listen { listen, source })?;
    if !is_local && reach == Reach::AllowRemote {
        tracing::warn!(%listen, "footage is served to other machines without a password");
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_loopback_is_bound_unless_told() {
        for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
            let refused = bind(listen.parse().unwrap(), Reach::Loopback).await.unwrap_err();
            assert!(matches!(refused, DashboardError::RemoteListen { .. }), "{listen}: {refused}");
            assert!(refused.to_string().contains("`serve.listen`"), "{refused}");
        }
        for listen in ["127.0.0.1:0", "127.9.9.9:0"] {
            bind(listen.parse().unwrap(), Reach::Loopback).await.unwrap();
        }
        bind("0.0.0.0:0".parse().unwrap(), Reach::AllowRemote).await.unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_names_the_key() {
        let first = bind("127.0.0.1:0".parse().unwrap(), Reach::Loopback).await.unwrap();
        let taken = bind(first.local_addr().unwrap(), Reach::Loopback).await.unwrap_err();
        assert!(taken.to_string().contains("`serve.listen`"), "{taken}");
        assert!(taken.is_retryable());
    }
}
