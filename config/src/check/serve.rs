//! `[serve]`: where footage is served, and to which web pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;

use super::Check;
use crate::raw::{RawServe, RawUser};
use crate::{CorsOrigins, Secret, Serve};

const ANY: &str = "*";

impl Check<'_> {
    pub(super) fn serve(&mut self, raw: &mut RawServe) -> Option<Serve> {
        let users = self.users(&raw.user);
        let listen = self.listen(("serve.listen", &raw.listen), &raw.user);
        let cors_origins = self.cors_origins(raw);
        Some(Serve { listen: listen?, cors_origins: cors_origins?, users: users? })
    }

    fn users(&mut self, raw: &[RawUser]) -> Option<BTreeMap<String, Secret>> {
        let users: Vec<_> = raw.iter().enumerate().map(|(index, user)| self.user(index, user)).collect();
        let mut known = BTreeMap::new();
        for (index, user) in users.into_iter().enumerate() {
            let (name, hash) = user?;
            if known.insert(name, hash).is_some() {
                return self.fault(&format!("serve.user[{index}].name"), "is there already");
            }
        }
        Some(known)
    }

    fn user(&mut self, index: usize, raw: &RawUser) -> Option<(String, Secret)> {
        let key = |name: &str| format!("serve.user[{index}].{name}");
        let name = raw.name.as_deref().unwrap_or_default();
        if !(1..=64).contains(&name.len()) || name.contains(|c: char| c == ':' || c.is_control()) {
            return self.fault(&key("name"), "must have 1 to 64 characters, and no `:` among them");
        }
        let hash = raw.password_hash.as_ref();
        let is_hash = |hash: &&Secret| {
            let hash = hash.expose();
            // What `config show` prints is to be a config too; such a user opens nothing, and the server says so.
            hash == "***" || hash.starts_with("$argon2id$") && hash.split('$').count() == 6
        };
        match hash.filter(is_hash) {
            Some(hash) => Some((name.to_owned(), hash.clone())),
            None => self.fault(
                &key("password_hash"),
                "must be an Argon2 hash: `nightreel serve --hash-password` makes one",
            ),
        }
    }

    fn listen(&mut self, (key, text): (&str, &str), users: &[RawUser]) -> Option<SocketAddr> {
        let Ok(address) = text.trim().parse::<SocketAddr>() else {
            return self.fault(key, "must be an IP and a port, such as `127.0.0.1:8420` or `[::1]:8420`");
        };
        if !address.ip().is_loopback() && users.is_empty() {
            self.warnings.push(format!(
                "`{key}` is `{address}`: everyone who can reach this machine there can see the footage, without a \
                 password; say `127.0.0.1`, or name who may in `[[serve.user]]`"
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
