//! `[serve]`: where footage is served, and to which web pages.

use std::net::SocketAddr;

use url::Url;

use super::Check;
use crate::raw::RawServe;
use crate::{CorsOrigins, Serve};

const ANY: &str = "*";

impl Check<'_> {
    pub(super) fn serve(&mut self, raw: &mut RawServe) -> Option<Serve> {
        let listen = self.listen("serve.listen", &raw.listen);
        let cors_origins = self.cors_origins(raw);
        Some(Serve { listen: listen?, cors_origins: cors_origins? })
    }

    fn listen(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let Ok(address) = text.trim().parse::<SocketAddr>() else {
            return self.fault(key, "must be an IP and a port, such as `127.0.0.1:8420` or `[::1]:8420`");
        };
        if !address.ip().is_loopback() {
            self.warnings.push(format!(
                "`{key}` is `{address}`: everyone who can reach this machine there can see the footage, without a \
                 password; say `127.0.0.1`, or let only a proxy that asks for one reach it"
            ));
        }
        Some(address)
    }

    fn cors_origins(&mut self, raw: &mut RawServe) -> Option<CorsOrigins> {
        if raw.cors_origins == [ANY] {
            return Some(CorsOrigins::Any);
        }
        let origins: Vec<_> = raw
            .cors_origins
            .iter()
            .enumerate()
            .map(|(index, text)| self.cors_origin(&format!("serve.cors_origins[{index}]"), text))
            .collect();
        let origins = origins.into_iter().collect::<Option<Vec<_>>>()?;
        raw.cors_origins.clone_from(&origins);
        Some(CorsOrigins::Only(origins))
    }

    /// Brings an origin into the form in which browsers send it.
    fn cors_origin(&mut self, key: &str, text: &str) -> Option<String> {
        if text.trim() == ANY {
            return self.fault(key, "`*` makes the others useless; let it stand alone, or take it out");
        }
        let is_bare = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && (url.username(), url.password()) == ("", None)
                && (url.path(), url.query(), url.fragment()) == ("/", None, None)
        };
        match Url::parse(text.trim()).ok().filter(is_bare) {
            Some(url) => Some(url.origin().ascii_serialization()),
            None => self
                .fault(key, "is no origin: write scheme, host and port alone, as in `https://example.org`"),
        }
    }
}
