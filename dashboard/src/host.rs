//! The name by which the server is called.
//!
//! A web page can give its own name the address 127.0.0.1 and then read what is served there as its own (DNS
//! rebinding). A server for this machine alone therefore answers to this machine's names only.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Reach;
use crate::origin::Origins;

const REFUSED: &str = "this server answers to localhost only; a proxy passes on that name, or has its origin in \
                       `serve.cors_origins`\n";

#[derive(Clone, Debug)]
pub(crate) enum Hosts {
    Any,
    /// This machine's names, and those of the origins that are let in: a proxy before the server has one.
    Local(Vec<String>),
}

impl Hosts {
    pub(crate) fn new(reach: Reach, origins: &Origins) -> Self {
        match (reach, origins) {
            // Who may connect, or read from any page, needs no trick; and under another name no browser is logged in.
            (Reach::AllowRemote | Reach::Users, _) | (_, Origins::Any) => Self::Any,
            (Reach::Loopback, Origins::None) => Self::Local(Vec::new()),
            (Reach::Loopback, Origins::Listed(listed)) => {
                Self::Local(listed.iter().filter_map(|o| o.host_str()).map(str::to_owned).collect())
            }
        }
    }

    fn lets_in(&self, host: &str) -> bool {
        let Self::Local(listed) = self else { return true };
        let host = host.to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|a| a.to_canonical().is_loopback())
            || listed.contains(&host)
    }
}

/// Lets requests through that call the server by a name of its own, or by none: browsers always say one.
pub(crate) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match host(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some(host)) if hosts.lets_in(&host) => next.run(request).await,
        Ok(Some(_)) => (StatusCode::FORBIDDEN, REFUSED).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn host(request: &Request) -> Result<Option<String>, axum::http::uri::InvalidUri> {
    let in_uri = |uri: &Uri| uri.host().map(str::to_owned);
    if let Some(host) = in_uri(request.uri()) {
        return Ok(Some(host));
    }
    let Some(header) = request.headers().get(HOST) else { return Ok(None) };
    Authority::try_from(header.as_bytes()).map(|authority| Some(authority.host().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(origins: &[&str]) -> Hosts {
        let origins = origins.iter().map(|o| (*o).to_owned()).collect::<Vec<_>>();
        Hosts::new(Reach::Loopback, &Origins::parse(&origins).unwrap())
    }

    #[test]
    fn a_local_server_answers_to_its_own_names() {
        let own = ["localhost", "LOCALHOST", "cam.localhost", "127.0.0.1", "127.1.2.3", "[::1]"];
        let foreign = ["evil.example", "localhost.evil.example", "192.0.2.1", "[::2]", "notlocalhost", ""];
        assert!(own.iter().all(|host| local(&[]).lets_in(host)));
        assert!(!foreign.iter().any(|host| local(&[]).lets_in(host)));
    }

    #[test]
    fn a_listed_origin_may_be_a_proxy_before_it() {
        let hosts = local(&["https://cams.example:8443"]);
        assert!(hosts.lets_in("cams.example") && hosts.lets_in("localhost"));
        assert!(!hosts.lets_in("other.example"));
    }

    #[test]
    fn who_lets_everybody_in_lets_in_every_name() {
        assert!(local(&["*"]).lets_in("any.example"));
        assert!(Hosts::new(Reach::AllowRemote, &Origins::None).lets_in("any.example"));
    }
}
