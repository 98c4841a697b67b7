//! `[serve]`: where footage is served, and to which web pages.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use url::Url;

use super::Check;
use crate::raw::{RawServe, RawToken, RawUser};
use crate::{CorsOrigins, Secret, Serve};

const ANY: &str = "*";

/// An entry of who may look.
trait Entry {
    const WANTED: &str;
    fn name(&self) -> Option<&str>;
    fn hash(&self) -> Option<&Secret>;
    fn is_hash(text: &str) -> bool;
}

impl Entry for RawUser {
    const WANTED: &str = "must be an Argon2 hash: `nightreel serve --hash-password` makes one";

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn hash(&self) -> Option<&Secret> {
        self.password_hash.as_ref()
    }

    fn is_hash(text: &str) -> bool {
        text.starts_with("$argon2id$") && text.split('$').count() == 6
    }
}

impl Entry for RawToken {
    const WANTED: &str =
        "must be 64 hexadecimal digits: `nightreel serve --new-token` makes a token and prints them";

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn hash(&self) -> Option<&Secret> {
        self.sha256.as_ref()
    }

    fn is_hash(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit())
    }
}

impl Check<'_> {
    pub(super) fn serve(&mut self, raw: &mut RawServe) -> Option<Serve> {
        let users = self.named(("user", "password_hash"), &raw.user);
        let tokens = self.named(("token", "sha256"), &raw.token);
        let is_open = raw.user.is_empty() && raw.token.is_empty();
        let listen = self.listen(("serve.listen", &raw.listen), is_open);
        let cors_origins = self.cors_origins(raw);
        Some(Serve { listen: listen?, cors_origins: cors_origins?, users: users?, tokens: tokens? })
    }

    /// Reads who may look: names, and what opens for each.
    fn named<E: Entry>(
        &mut self,
        (section, hash_key): (&str, &str),
        raw: &[E],
    ) -> Option<BTreeMap<String, Secret>> {
        let key = |index: usize, name: &str| format!("serve.{section}[{index}].{name}");
        let mut known = BTreeMap::new();
        let mut is_right = true;
        for (index, entry) in raw.iter().enumerate() {
            let name = entry.name().unwrap_or_default();
            let fault = if !(1..=64).contains(&name.len())
                || name.contains(|c: char| c == ':' || c.is_control())
            {
                Some(("name", "must have 1 to 64 characters, and no `:` among them"))
            } else if known.contains_key(name) {
                Some(("name", "is there already"))
            } else {
                // What `config show` prints is to be a config too; such an entry opens nothing, and the server says so.
                let hash = entry.hash().filter(|hash| hash.expose() == "***" || E::is_hash(hash.expose()));
                match hash {
                    Some(hash) => {
                        known.insert(name.to_owned(), hash.clone());
                        None
                    }
                    None => Some((hash_key, E::WANTED)),
                }
            };
            if let Some((name, text)) = fault {
                self.fault::<()>(&key(index, name), text);
                is_right = false;
            }
        }
        is_right.then_some(known)
    }

    fn listen(&mut self, (key, text): (&str, &str), is_open: bool) -> Option<SocketAddr> {
        let Ok(address) = text.trim().parse::<SocketAddr>() else {
            return self.fault(key, "must be an IP and a port, such as `127.0.0.1:8420` or `[::1]:8420`");
        };
        if !address.ip().is_loopback() && is_open {
            self.warnings.push(format!(
                "`{key}` is `{address}`: everyone who can reach this machine there can see the footage, without a \
                 password; say `127.0.0.1`, or name who may in `[[serve.user]]` or `[[serve.token]]`"
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
