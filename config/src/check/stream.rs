//! A camera's stream: its address, and who logs in. Credentials never stay in the address.

use percent_encoding::percent_decode_str;
use url::Url;

use super::Check;
use crate::credentials::Whereabouts;
use crate::raw::RawCamera;
use crate::{Secret, Source, planned};

/// Addresses that later versions take, by way of another program.
const PLANNED_SCHEMES: &[&str] = &["rtsps", "rtmp", "rtmps", "http", "https", "file", "srt"];

/// Names of query parameters that hold a secret. An address is logged, so that it must not.
const SECRET_PARAMETERS: &[&str] = &["password", "passwd", "pass", "pwd", "token"];

impl Check<'_> {
    /// Returns `Some(None)` for a camera that another recorder records.
    pub(super) fn source(&mut self, section: &str, raw: &mut RawCamera) -> Option<Option<Source>> {
        let Some(text) = raw.url.clone() else {
            self.refuse_logins_without_url(section, raw);
            return Some(None);
        };
        let key = format!("{section}.url");
        let url = self.stream_url(&key, &text).and_then(|url| self.take_credentials_out(section, url, raw));
        // Never what was written: it may hold a password.
        raw.url = url.as_ref().map(Url::to_string);
        if raw.username.as_deref() == Some("") {
            self.faults.add(format!("{section}.username"), "must not be empty");
        }
        let password = self.secret(&Whereabouts {
            key: format!("{section}.password"),
            itself: raw.password.as_ref(),
            file: raw.password_file.as_deref(),
            variable: raw.password_env.as_deref(),
            credential: format!("{}.password", raw.id.as_deref().unwrap_or_default()),
        });
        Some(Some(Source { url: url?, username: raw.username.clone(), password }))
    }

    fn refuse_logins_without_url(&mut self, section: &str, raw: &RawCamera) {
        let given = [
            ("username", raw.username.is_some()),
            ("password", raw.password.is_some()),
            ("password_file", raw.password_file.is_some()),
            ("password_env", raw.password_env.is_some()),
        ];
        for (name, _) in given.iter().filter(|(_, given)| *given) {
            self.faults.add(format!("{section}.{name}"), "has no effect without `url`");
        }
    }

    fn stream_url(&mut self, key: &str, text: &str) -> Option<Url> {
        let Ok(url) = Url::parse(text.trim()) else {
            return self.fault(
                key,
                "is no URL, such as `rtsp://192.168.1.20:554/stream`; write `%40` for an `@` in a password",
            );
        };
        if PLANNED_SCHEMES.contains(&url.scheme()) {
            return self.fault(key, planned::cannot_do_yet(&format!("`{}://`", url.scheme())));
        }
        if url.scheme() != "rtsp" {
            return self.fault(key, "must begin with `rtsp://`");
        }
        if url.host_str().is_none_or(str::is_empty) {
            return self.fault(key, "names no host");
        }
        let is_secret = |name: &str| SECRET_PARAMETERS.contains(&name.to_lowercase().as_str());
        if url.query_pairs().any(|(name, _)| is_secret(&name)) {
            return self.fault(key, "must not carry a password after `?`, because addresses are logged: use `username` and one of `password_file` and `password_env`");
        }
        Some(url)
    }

    /// Moves `user:password@` to the keys beside it.
    fn take_credentials_out(&mut self, section: &str, mut url: Url, raw: &mut RawCamera) -> Option<Url> {
        let key = format!("{section}.url");
        let origin = self.origins.get(&key).cloned();
        if !url.username().is_empty() {
            if raw.username.is_some() {
                return self.fault(&key, "carries a user name, and `username` is given too; keep one");
            }
            raw.username = Some(self.decoded(&key, url.username())?);
            self.origins.extend(origin.clone().map(|origin| (format!("{section}.username"), origin)));
        }
        if let Some(password) = url.password() {
            if raw.password.is_some() || raw.password_file.is_some() || raw.password_env.is_some() {
                return self.fault(&key, "carries a password, and one is given beside it too; keep one");
            }
            raw.password = Some(Secret::new(self.decoded(&key, password)?));
            self.origins.extend(origin.map(|origin| (format!("{section}.password"), origin)));
        }
        let cleared = url.set_username("").and_then(|()| url.set_password(None));
        cleared.map_or_else(|()| self.fault(&key, "names no host"), |()| Some(url))
    }

    fn decoded(&mut self, key: &str, text: &str) -> Option<String> {
        match percent_decode_str(text).decode_utf8() {
            Ok(text) => Some(text.into_owned()),
            Err(_) => self.fault(key, "holds a `%` that is no character; write `%25` for it"),
        }
    }
}
